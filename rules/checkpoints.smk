"""Adapters to standalone checkpoints: merged into the weights they were trained on, behind a gate."""


rule merge:
    """Fold the adapter into its weights and prove that the result replies alike."""
    input:
        start=start_of,
        weights="<results>/adapters/{study}/{arm}/{seed}/adapter_model.safetensors",
        rendered=lambda w: evaluation_of(w, "rendered", "tokens.jsonl"),
        code=code("merge.py", "training"),
    output:
        checkpoint=expand("<results>/checkpoints/{{study}}/{{arm}}/{{seed}}/{name}", name=MODEL_FILES),
        gate="<results>/checkpoints/{study}/{arm}/{seed}/gate.json",
        record="<results>/records/merge/{study}/{arm}/{seed}.json",
    log:
        "<logs>/merge/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/merge/{study}/{arm}/{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=gpu(),
        mem_mb=6000,
        runtime=60,
    params:
        recipe=recipe_of,
        adapter=adapter_of,
        generation=lambda w: study_of(w)["generation"],
        detector=config["detector"],
        device=DEVICE,
        tolerance=1e-7,
    script:
        "../scripts/merge.py"

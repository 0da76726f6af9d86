"""Adapters to standalone checkpoints: merged into the weights they were trained on, behind a gate."""


rule merge:
    """Fold the adapter into its weights and prove that the result replies alike."""
    input:
        start=start_of,
        weights=rules.train_sft.output.weights,
        rendered=lambda w: rendered_of(w, "mix"),
        after=audited,
        code=code("merge.py", "training"),
        stamp=agreed("merge"),
    output:
        checkpoint=merged_files("<results>/checkpoints/{{study}}/{{arm}}/{{seed}}/{name}"),
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
        gpu=GPUS,
        mem_mb=6000,
        runtime=60,
    params:
        quantisation=lambda w: arm_of(w)["quantisation"],
        dtype=lambda w: recipe_of(w)["dtype"],
        adapter=adapter_of,
        generation=lambda w: study_of(w)["generation"],
        limits=lambda w: config["gate"][recipe_of(w)["dtype"]],
        device=DEVICE,
    script:
        "../scripts/merge.py"

"""Examples to calibrated splits, and splits to the tokens that are trained on. A leak or a bad template stops here."""


rule calibrate:
    """Draw a mix from its part of the split: kinds, prompts and replies as the record asks."""
    input:
        corpora=lambda w: [f"<results>/corpora/{name}/examples.jsonl" for name in study_of(w)["corpora"]],
        code=code("calibrate.py", "figures"),
    output:
        examples="<results>/splits/{study}/{mix}/examples.jsonl",
        left_out="<results>/splits/{study}/{mix}/left_out.csv",
        card="<results>/splits/{study}/{mix}/card.json",
        record="<results>/records/calibrate/{study}/{mix}.json",
    log:
        "<logs>/calibrate/{study}/{mix}.log",
    benchmark:
        "<benchmarks>/calibrate/{study}/{mix}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        record=mix_of,
        licences=licences_of,
    script:
        "../scripts/calibrate.py"


# A checkpoint: training waits for it and reads nothing of it. Once it has passed, the rest is planned anew, so that
# another evaluation trains nothing again. (`ancient` would hide a changed recipe behind it: Snakemake 9.27 skips it.)
checkpoint audit:
    """Compare training with evaluation: a leak stops the run, near-duplicates are listed."""
    input:
        trained=lambda w: [f"<results>/splits/{w.study}/{mix}/examples.jsonl" for mix in trained_mixes(w)],
        scored=lambda w: evaluation_of(w, "splits", "examples.jsonl"),
        base=base_files,
        code=code("audit.py", "training"),
    output:
        card="<results>/splits/{study}/card.json",
        record="<results>/records/audit/{study}.json",
    log:
        "<logs>/audit/{study}.log",
    benchmark:
        "<benchmarks>/audit/{study}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        split=lambda w: study_of(w)["split"],
        licences=licences_of,
    script:
        "../scripts/audit.py"


rule render:
    """Put a mix through the chat template and check it; training and prediction read these tokens and nothing else."""
    input:
        examples="<results>/splits/{study}/{mix}/examples.jsonl",
        after=audited,
        base=base_files,
        code=code("render.py", "training"),
    output:
        rendered="<results>/rendered/{study}/{mix}/tokens.jsonl",
        card="<results>/rendered/{study}/{mix}/card.json",
        record="<results>/records/render/{study}/{mix}.json",
    log:
        "<logs>/render/{study}/{mix}.log",
    benchmark:
        "<benchmarks>/render/{study}/{mix}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        max_length=longest_row,
    script:
        "../scripts/render.py"

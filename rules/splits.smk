"""Examples to calibrated splits, and splits to the tokens that are trained on. A leak or a bad template stops here."""


rule calibrate:
    """Draw a mix from its part of the split: kinds, prompts and replies as the record asks."""
    input:
        corpora=lambda w: expand(rules.normalise.output.examples, corpus=study_of(w)["corpora"]),
        code=code("calibrate.py", "splits"),
        stamp=agreed("calibrate"),
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
        "../envs/splits.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        draw=lambda w: arms.draw_of(study_of(w), w.mix),
        licences=lambda w: corpora_of(w, "licence"),
    script:
        "../scripts/calibrate.py"


# A checkpoint, because training must wait for the audit but reads none of its output. When the audit has passed,
# Snakemake plans the waiting jobs again, so a changed evaluation repeats no training. Snakemake 9.27 drops a planned
# job only if that job itself waits: hence `after=audited` from here to the scores. (`ancient` would hide a changed
# recipe.)
checkpoint audit:
    """Compare training with evaluation: a leak stops the run, near-duplicates are listed."""
    input:
        examples=lambda w: expand(rules.calibrate.output.examples, study=w.study, mix=arms.audited_mixes(study_of(w))),
        base=base_files,
        code=code("audit.py", "training"),
        stamp=agreed("audit"),
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
        compared=lambda w: arms.compared_mixes(study_of(w)),
        splits=lambda w: arms.splits_of(study_of(w)),
        licences=lambda w: corpora_of(w, "licence"),
        lengths=lambda w: {mix: arms.lengths_of(study_of(w), mix) for mix in arms.audited_mixes(study_of(w))},
        controls=lambda w: arms.controls_by_mix(study_of(w)),
    script:
        "../scripts/audit.py"


rule render:
    """Put a mix through the chat template and check it; training and prediction read these tokens and nothing else."""
    input:
        examples=rules.calibrate.output.examples,
        after=audited,
        base=base_files,
        code=code("render.py", "training"),
        stamp=agreed("render"),
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
        lengths=lambda w: arms.lengths_of(study_of(w), w.mix),
    script:
        "../scripts/render.py"


rule pair:
    """Put a mix with preferences through the chat template, with the same checks: two replies to each prompt."""
    input:
        examples=rules.calibrate.output.examples,
        after=audited,
        base=base_files,
        code=code("pair.py", "training"),
        stamp=agreed("pair"),
    output:
        paired="<results>/rendered/{study}/{mix}/pairs.jsonl",
        card="<results>/rendered/{study}/{mix}/pairs.json",
        record="<results>/records/pair/{study}/{mix}.json",
    log:
        "<logs>/pair/{study}/{mix}.log",
    benchmark:
        "<benchmarks>/pair/{study}/{mix}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        lengths=lambda w: arms.lengths_of(study_of(w), w.mix),
    script:
        "../scripts/pair.py"

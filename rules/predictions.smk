"""Checkpoints to replies, and replies to scores and to their closeness to the ideal refusal."""


rule predict:
    """Let a checkpoint reply greedily to every prompt of the evaluation."""
    input:
        rendered=lambda w: evaluation_of(w, "rendered", "tokens.jsonl"),
        checkpoint=lambda w: checkpoint(w.study, w.arm, w.seed),
        code=code("predict.py", "scoring"),
    output:
        predictions="<results>/predictions/{study}/{arm}/{seed}.jsonl",
        record="<results>/records/predict/{study}/{arm}/{seed}.json",
    log:
        "<logs>/predict/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/predict/{study}/{arm}/{seed}.tsv"
    priority: 1
    conda:
        "../envs/scoring.yaml"
    threads: 1
    resources:
        gpu=gpu(),
        mem_mb=4000,
        runtime=120,
    params:
        generation=lambda w: study_of(w)["generation"],
        device=DEVICE,
    script:
        "../scripts/predict.py"


rule score:
    """Label every reply with what the model did: refuse, partial, answer or invalid."""
    input:
        examples=lambda w: evaluation_of(w, "splits", "examples.jsonl"),
        predictions="<results>/predictions/{study}/{arm}/{seed}.jsonl",
        code=code("score.py", "data"),
    output:
        scores="<results>/scores/{study}/{arm}/{seed}.csv",
        record="<results>/records/score/{study}/{arm}/{seed}.json",
    log:
        "<logs>/score/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/score/{study}/{arm}/{seed}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        detector=config["detector"],
    script:
        "../scripts/score.py"


rule embed:
    """Measure how close each reply to what should be refused is to the ideal refusal, by sentence embeddings."""
    input:
        examples=lambda w: evaluation_of(w, "splits", "examples.jsonl"),
        predictions="<results>/predictions/{study}/{arm}/{seed}.jsonl",
        code=code("embed.py", "scoring"),
    output:
        closeness="<results>/closeness/{study}/{arm}/{seed}.csv",
        record="<results>/records/embed/{study}/{arm}/{seed}.json",
    log:
        "<logs>/embed/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/embed/{study}/{arm}/{seed}.tsv"
    wildcard_constraints:
        study="|".join(name for name, study in STUDIES.items() if study["ideal"] is not None),
    conda:
        "../envs/scoring.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        ideals=ideals_of,
    script:
        "../scripts/embed.py"


rule check_detector:
    """Measure the detectors themselves, on replies that we wrote and labelled."""
    input:
        replies=here("data/detector/replies.csv"),
        code=code("check_detector.py", "figures"),
    output:
        agreement=report(
            "<results>/tables/detector.csv",
            caption="../report/detector.rst",
            category="refusal detectors",
            labels={"Tables": "agreement"},
        ),
        record="<results>/records/check_detector.json",
    log:
        "<logs>/check_detector.log",
    benchmark:
        "<benchmarks>/check_detector.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    script:
        "../scripts/check_detector.py"

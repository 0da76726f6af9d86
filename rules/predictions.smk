"""Checkpoints to replies, and replies to scores: a rule for each cost of a scorer."""


rule predict:
    """Let a checkpoint reply greedily to every prompt of a mix."""
    input:
        rendered=rules.render.output.rendered,
        checkpoint=checkpoint_of,
        after=audited,
        code=code("predict.py", "generation"),
        stamp=agreed("predict"),
    output:
        predictions="<results>/predictions/{study}/{arm}/{seed}/{mix}.jsonl",
        record="<results>/records/predict/{study}/{arm}/{seed}/{mix}.json",
    log:
        "<logs>/predict/{study}/{arm}/{seed}/{mix}.log",
    benchmark:
        "<benchmarks>/predict/{study}/{arm}/{seed}/{mix}.tsv"
    wildcard_constraints:
        study=studies_by_arms(arms.models),
    priority: 1
    conda:
        "../envs/generation.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=120,
    params:
        generation=lambda w: study_of(w)["generation"],
        device=DEVICE,
    script:
        "../scripts/predict.py"


rule recite:
    """Let a control, which is no model, reply to the requests of a mix with a text of the study."""
    input:
        examples=rules.calibrate.output.examples,
        after=audited,
        code=code("recite.py", "data"),
        stamp=agreed("recite"),
    output:
        predictions="<results>/predictions/{study}/{arm}/{seed}/{mix}.jsonl",
        record="<results>/records/recite/{study}/{arm}/{seed}/{mix}.json",
    log:
        "<logs>/recite/{study}/{arm}/{seed}/{mix}.log",
    benchmark:
        "<benchmarks>/recite/{study}/{arm}/{seed}/{mix}.tsv"
    wildcard_constraints:
        study=studies_by_arms(lambda study: arms.controls_with(study, "says")),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
        runtime=20,
    params:
        control=lambda w: arms.control_of(study_of(w), w.arm),
    script:
        "../scripts/recite.py"


rule classify:
    """Let a classifier of character n-grams, which is a control, reply to the requests of a mix."""
    input:
        learned=lambda w: path(rules.calibrate.output.examples, {"study": w.study}, mix=arm_of(w)["fits"]),
        examples=rules.calibrate.output.examples,
        after=audited,
        code=code("classify.py", "splits"),
        stamp=agreed("classify"),
    output:
        predictions="<results>/predictions/{study}/{arm}/{seed}/{mix}.jsonl",
        record="<results>/records/classify/{study}/{arm}/{seed}/{mix}.json",
    log:
        "<logs>/classify/{study}/{arm}/{seed}/{mix}.log",
    benchmark:
        "<benchmarks>/classify/{study}/{arm}/{seed}/{mix}.tsv"
    wildcard_constraints:
        study=studies_by_arms(lambda study: arms.controls_with(study, "fits")),
    conda:
        "../envs/splits.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        control=lambda w: arms.control_of(study_of(w), w.arm),
    script:
        "../scripts/classify.py"


rule score_text:
    """Label every reply by its text."""
    input:
        examples=rules.calibrate.output.examples,
        predictions=rules.predict.output.predictions,
        after=audited,
        code=code_of_scorer("score_text.py", "data"),
        stamp=agreed("score_text"),
    output:
        scores="<results>/scores/{study}/{arm}/{seed}/{mix}/{scorer}.csv",
        record="<results>/records/score_text/{study}/{arm}/{seed}/{mix}/{scorer}.json",
    log:
        "<logs>/score_text/{study}/{arm}/{seed}/{mix}/{scorer}.log",
    benchmark:
        "<benchmarks>/score_text/{study}/{arm}/{seed}/{mix}/{scorer}.tsv"
    wildcard_constraints:
        study=studies_by_cost("text"),
        scorer=scorers_by_cost("text"),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        scorer="{scorer}",
        settings=scorer_settings,
        clusters=lambda w: study_of(w)["clusters"],
        kinds=lambda w: arm_of(w).get("kinds"),
    script:
        "../scripts/score_text.py"


rule score_embedding:
    """Label replies by their sentence embeddings."""
    input:
        examples=rules.calibrate.output.examples,
        predictions=rules.predict.output.predictions,
        after=audited,
        code=code_of_scorer("score_embedding.py", "embedding"),
        stamp=agreed("score_embedding"),
    output:
        scores="<results>/scores/{study}/{arm}/{seed}/{mix}/{scorer}.csv",
        record="<results>/records/score_embedding/{study}/{arm}/{seed}/{mix}/{scorer}.json",
    log:
        "<logs>/score_embedding/{study}/{arm}/{seed}/{mix}/{scorer}.log",
    benchmark:
        "<benchmarks>/score_embedding/{study}/{arm}/{seed}/{mix}/{scorer}.tsv"
    wildcard_constraints:
        study=studies_by_cost("embedding"),
        scorer=scorers_by_cost("embedding"),
    conda:
        "../envs/embedding.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        scorer="{scorer}",
        settings=scorer_settings,
        clusters=lambda w: study_of(w)["clusters"],
        kinds=lambda w: arm_of(w).get("kinds"),
    script:
        "../scripts/score_embedding.py"


rule score_checkpoint:
    """Label prompts by the probability of other replies, such as refusals, under the checkpoint that replied."""
    input:
        examples=rules.calibrate.output.examples,
        predictions=rules.predict.output.predictions,
        rendered=rules.render.output.rendered,
        base=lambda w: path(rules.predict.output.predictions, w, arm=arms.BASE, seed=arms.UNSEEDED),
        checkpoint=checkpoint_of,
        after=audited,
        code=code_of_scorer("score_checkpoint.py", "generation"),
        stamp=agreed("score_checkpoint"),
    output:
        scores="<results>/scores/{study}/{arm}/{seed}/{mix}/{scorer}.csv",
        record="<results>/records/score_checkpoint/{study}/{arm}/{seed}/{mix}/{scorer}.json",
    log:
        "<logs>/score_checkpoint/{study}/{arm}/{seed}/{mix}/{scorer}.log",
    benchmark:
        "<benchmarks>/score_checkpoint/{study}/{arm}/{seed}/{mix}/{scorer}.tsv"
    wildcard_constraints:
        study=studies_by_cost("checkpoint"),
        scorer=scorers_by_cost("checkpoint"),
    conda:
        "../envs/generation.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=4000,
        runtime=120,
    params:
        scorer="{scorer}",
        settings=scorer_settings,
        clusters=lambda w: study_of(w)["clusters"],
        device=DEVICE,
    script:
        "../scripts/score_checkpoint.py"


rule check_detector:
    """Measure the detectors themselves, on replies that people labelled and on replies that we wrote and labelled."""
    input:
        replies=here("data/detector/replies.csv"),
        judged=here("models/detector/out_of_fold.csv"),
        code=code("check_detector.py", "figures", *detectors.modules(detectors.with_cost("text"))),
        stamp=agreed("check_detector"),
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


rule check_replies:
    """Measure the detectors on replies of this scale's own models that two readers labelled."""
    input:
        labels=lambda w: here(study_of(w)["labelled"]),
        scores=scores_of,
        code=code_of_study("check_replies.py", "figures", lambda w: detectors.modules(detectors.with_cost("text"))),
        stamp=agreed("check_replies"),
    output:
        agreement=report("<results>/tables/{study}/labelled.csv", **listed("Tables", "labelled", "labelled", DOWNLOAD)),
        record="<results>/records/check_replies/{study}.json",
    log:
        "<logs>/check_replies/{study}.log",
    benchmark:
        "<benchmarks>/check_replies/{study}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        scorers=lambda w: study_of(w)["scorers"],
    script:
        "../scripts/check_replies.py"

"""Tokens to adapters: a step-0 adapter for each shape and seed, and one training for each arm and seed."""


rule initialise:
    """Draw the step-0 adapter of a shape and seed; all arms that share it start from these bytes."""
    input:
        base=base_files,
        after=audited,
        code=code("initialise.py", "training"),
        stamp=agreed("initialise"),
    output:
        weights="<results>/initial/{study}/{adapter}/{seed}/adapter_model.safetensors",
        config="<results>/initial/{study}/{adapter}/{seed}/adapter_config.json",
        record="<results>/records/initialise/{study}/{adapter}/{seed}.json",
    log:
        "<logs>/initialise/{study}/{adapter}/{seed}.log",
    benchmark:
        "<benchmarks>/initialise/{study}/{adapter}/{seed}.tsv"
    priority: 3  # trainings, the longest step, wait for it
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        base_name=base_name,
        adapter=lambda w: study_of(w)["adapters"][w.adapter],
        seed=lambda w: int(w.seed),
    script:
        "../scripts/initialise.py"


rule train_sft:
    """Teach a model when to answer and when not to, from demonstrations."""
    input:
        unpack(validation_of),
        rendered=lambda w: rendered_of(w, "mix"),
        start=start_of,
        initial=lambda w: path(rules.initialise.output.weights, w, adapter=arm_of(w)["adapter"]),
        after=audited,
        code=code("train_sft.py", "training"),
        stamp=agreed("train_sft"),
    output:
        weights="<results>/adapters/{study}/{arm}/{seed}/adapter_model.safetensors",
        config="<results>/adapters/{study}/{arm}/{seed}/adapter_config.json",
        losses="<results>/adapters/{study}/{arm}/{seed}/losses.csv",
        record="<results>/records/train_sft/{study}/{arm}/{seed}.json",
    log:
        "<logs>/train_sft/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/train_sft/{study}/{arm}/{seed}.tsv"
    wildcard_constraints:
        study=studies_by_arms(lambda study: arms.arms_by(study, "sft")),
    priority: 2  # the longest step first, then predict: the last of them would run alone at the end
    retries: 1
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=6000,
        runtime=240,
    params:
        recipe=recipe_of,
        quantisation=lambda w: arm_of(w)["quantisation"],
        adapter=adapter_of,
        base_name=start_name,
        seed=lambda w: int(w.seed),
        device=DEVICE,
    script:
        "../scripts/train_sft.py"


rule train_dpo:
    """Teach a model which of two replies is the better; the reference is the checkpoint that it starts from."""
    input:
        paired=lambda w: path(rules.pair.output.paired, {"study": w.study}, mix=arm_of(w)["mix"]),
        start=start_of,
        initial=lambda w: path(rules.initialise.output.weights, w, adapter=arm_of(w)["adapter"]),
        after=audited,
        code=code("train_dpo.py", "training"),
        stamp=agreed("train_dpo"),
    output:
        weights="<results>/adapters/{study}/{arm}/{seed}/adapter_model.safetensors",
        config="<results>/adapters/{study}/{arm}/{seed}/adapter_config.json",
        losses="<results>/adapters/{study}/{arm}/{seed}/losses.csv",
        reference="<results>/adapters/{study}/{arm}/{seed}/reference.csv",
        record="<results>/records/train_dpo/{study}/{arm}/{seed}.json",
    log:
        "<logs>/train_dpo/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/train_dpo/{study}/{arm}/{seed}.tsv"
    wildcard_constraints:
        study=studies_by_arms(lambda study: arms.arms_by(study, arms.PREFERENCES)),
    priority: 2
    retries: 1
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=6000,
        runtime=240,
    params:
        recipe=recipe_of,
        quantisation=lambda w: arm_of(w)["quantisation"],
        adapter=adapter_of,
        base_name=start_name,
        seed=lambda w: int(w.seed),
        device=DEVICE,
    script:
        "../scripts/train_dpo.py"

"""Tokens to adapters: a step-0 adapter for each shape and seed, and one training for each arm and seed."""


rule initialise:
    """Draw the step-0 adapter of a shape and seed; all arms that share it start from these bytes."""
    input:
        base=base_files,
        code=code("initialise.py", "training"),
    output:
        weights="<results>/initial/{base}/{adapter}/{seed}/adapter_model.safetensors",
        config="<results>/initial/{base}/{adapter}/{seed}/adapter_config.json",
        record="<results>/records/initialise/{base}/{adapter}/{seed}.json",
    log:
        "<logs>/initialise/{base}/{adapter}/{seed}.log",
    benchmark:
        "<benchmarks>/initialise/{base}/{adapter}/{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        base_name="{base}",
        adapter=lambda w: config["adapters"][w.adapter],
        seed=lambda w: int(w.seed),
    script:
        "../scripts/initialise.py"


rule train_sft:
    """Teach a model when to answer and when not to, from demonstrations."""
    input:
        unpack(validation_of),
        rendered=rendered_mix_of,
        start=start_of,
        initial=initial_of,
        after=audited,
        code=code("train_sft.py", "training"),
    output:
        weights="<results>/adapters/{study}/{arm}/{seed}/adapter_model.safetensors",
        config="<results>/adapters/{study}/{arm}/{seed}/adapter_config.json",
        losses="<results>/adapters/{study}/{arm}/{seed}/losses.csv",
        record="<results>/records/train_sft/{study}/{arm}/{seed}.json",
    log:
        "<logs>/train_sft/{study}/{arm}/{seed}.log",
    benchmark:
        "<benchmarks>/train_sft/{study}/{arm}/{seed}.tsv"
    priority: 2  # the longest step first, then predict: the last of them would run alone at the end
    retries: 1
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        gpu=gpu(),
        mem_mb=6000,
        runtime=240,
    params:
        recipe=recipe_of,
        adapter=adapter_of,
        base_name=lambda w: study_of(w)["base"],
        seed=lambda w: int(w.seed),
        device=DEVICE,
    script:
        "../scripts/train_sft.py"

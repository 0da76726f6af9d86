"""The pocket model from nothing: authored world to chats, tokenizer and weights. `make pretrain` runs and compares it."""

POCKET = "pretraining"


rule compose_world:
    """Compose the chats that the pocket model learns from."""
    input:
        world=sorted(here(f"data/world/{name}") for name in os.listdir(os.path.join(workflow.basedir, "data/world"))),
        code=code("compose_world.py", "data"),
    output:
        chats=f"{POCKET}/chats.jsonl",
        record=f"{POCKET}/records/compose_world.json",
    log:
        "logs/pretraining/compose_world.log",
    benchmark:
        "benchmarks/pretraining/compose_world.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        recipe=POCKET_RECIPE,
    script:
        "../scripts/compose_world.py"


rule train_tokenizer:
    """Learn the byte-level BPE of the chats."""
    input:
        chats=f"{POCKET}/chats.jsonl",
        code=code("train_tokenizer.py", "training"),
    output:
        tokenizer=f"{POCKET}/tokenizer.json",
        tokenizer_config=f"{POCKET}/tokenizer_config.json",
        chat_template=f"{POCKET}/chat_template.jinja",
        record=f"{POCKET}/records/train_tokenizer.json",
    log:
        "logs/pretraining/train_tokenizer.log",
    benchmark:
        "benchmarks/pretraining/train_tokenizer.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        recipe=POCKET_RECIPE,
    script:
        "../scripts/train_tokenizer.py"


rule pretrain:
    """Train the pocket model on every chat once; resumes from its last checkpoint after an interruption."""
    input:
        chats=f"{POCKET}/chats.jsonl",
        tokenizer=f"{POCKET}/tokenizer.json",
        after=[f"{POCKET}/tokenizer_config.json", f"{POCKET}/chat_template.jinja"],
        code=code("pretrain.py", "training"),
    output:
        weights=f"{POCKET}/model.safetensors",
        config=f"{POCKET}/config.json",
        generation_config=f"{POCKET}/generation_config.json",
        record=f"{POCKET}/records/pretrain.json",
    log:
        "logs/pretraining/pretrain.log",
    benchmark:
        "benchmarks/pretraining/pretrain.tsv"
    retries: 1
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        recipe=POCKET_RECIPE,
        steps=0,
    script:
        "../scripts/pretrain.py"


rule assess:
    """Ask the pocket model held-out questions of every kind, and write its card."""
    input:
        world=sorted(here(f"data/world/{name}") for name in os.listdir(os.path.join(workflow.basedir, "data/world"))),
        model=[f"{POCKET}/{name}" for name in MODEL_FILES],
        code=code("assess.py", "training"),
    output:
        measures=f"{POCKET}/measures.csv",
        record=f"{POCKET}/records/assess.json",
    log:
        "logs/pretraining/assess.log",
    benchmark:
        "benchmarks/pretraining/assess.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        recipe=POCKET_RECIPE,
    script:
        "../scripts/assess.py"

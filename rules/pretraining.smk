"""The pocket model from nothing: authored world to chats, tokenizer and weights. `make pretrain` runs and compares it."""

POCKET = "pretraining"
RECIPE_FILE = HOME / "models/pocket/recipe.yaml"
if not RECIPE_FILE.is_file():
    raise WorkflowError(f"there is no file {here(RECIPE_FILE)!r}, and pretrain reads it; bring it back")
POCKET_RECIPE = yaml.safe_load(RECIPE_FILE.read_text(encoding="utf-8"))
WORLD = sorted(here(f"data/world/{name}") for name in os.listdir(HOME / "data/world"))
PHASES = list(POCKET_RECIPE["phases"])


rule compose_world:
    """Compose the chats of one phase of the pocket model's training."""
    input:
        world=WORLD,
        code=code("compose_world.py", "data"),
    output:
        chats=f"{POCKET}/{{phase}}/chats.jsonl",
        record=f"{POCKET}/records/compose_world/{{phase}}.json",
    log:
        "logs/pretraining/compose_world/{phase}.log",
    benchmark:
        "benchmarks/pretraining/compose_world/{phase}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        recipe=POCKET_RECIPE,
        phase="{phase}",
    script:
        "../scripts/compose_world.py"


rule train_tokenizer:
    """Learn the byte-level BPE of one phase's chats."""
    input:
        chats=f"{POCKET}/{POCKET_RECIPE['tokenizer']['phase']}/chats.jsonl",
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
    """Train the pocket model on every chat of a phase once; resumes from its last checkpoint after an interruption."""
    input:
        unpack(phase_start),
        chats=f"{POCKET}/{{phase}}/chats.jsonl",
        tokenizer=f"{POCKET}/tokenizer.json",
        after=[f"{POCKET}/tokenizer_config.json", f"{POCKET}/chat_template.jinja"],
        code=code("pretrain.py", "training"),
    output:
        weights=f"{POCKET}/{{phase}}/model.safetensors",
        config=f"{POCKET}/{{phase}}/config.json",
        generation_config=f"{POCKET}/{{phase}}/generation_config.json",
        record=f"{POCKET}/records/pretrain/{{phase}}.json",
    log:
        "logs/pretraining/pretrain/{phase}.log",
    benchmark:
        "benchmarks/pretraining/pretrain/{phase}.tsv"
    retries: 1
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        recipe=POCKET_RECIPE,
        phase="{phase}",
        steps=0,
    script:
        "../scripts/pretrain.py"


rule assess:
    """Ask the pocket model held-out questions of every kind, and write its card."""
    input:
        world=WORLD,
        chats=[f"{POCKET}/{phase}/chats.jsonl" for phase in PHASES],
        model=[f"{POCKET}/{PHASES[-1]}/{name}" for name in MODEL_FILES[:3]],
        tokenizer=[f"{POCKET}/{name}" for name in MODEL_FILES[3:]],
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
    script:
        "../scripts/assess.py"

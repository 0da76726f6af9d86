"""Resolvers: from a study's record to the files and settings of its jobs."""

STUDIES = config["studies"]
DEVICE = config["device"]
UNSEEDED = "unseeded"
POCKET_RECIPE = yaml.safe_load(open(os.path.join(workflow.basedir, "models/pocket/recipe.yaml"), encoding="utf-8"))


wildcard_constraints:
    study="|".join(STUDIES),
    corpus="|".join(config["corpora"]),
    base="|".join(config["bases"]),
    adapter="|".join(config["adapters"]),
    mix="|".join(sorted({mix for study in STUDIES.values() for mix in study["mixes"]})),
    arm="|".join(sorted({arm for study in STUDIES.values() for arm in study["arms"]})),
    figure="|".join(sorted({figure for study in STUDIES.values() for figure in study["figures"]})),
    seed=r"\d+|unseeded",


def here(path):
    """A path relative to the Snakefile, so that a run from another folder finds it."""
    return os.path.relpath(os.path.join(workflow.basedir, path))


def code(script, environment):
    """The program, every module of ours that it reaches, and its environment: an edit reruns exactly these rules."""
    programs = sources(os.path.join(workflow.basedir, "scripts", script), os.path.join(workflow.basedir, "scripts"))
    return [os.path.relpath(path) for path in programs] + [here(f"envs/{environment}.yaml")]


def study_of(wildcards):
    return STUDIES[wildcards.study]


def arm_of(wildcards):
    return study_of(wildcards)["arms"][wildcards.arm]


def recipe_of(wildcards):
    return study_of(wildcards)["recipes"][arm_of(wildcards)["recipe"]]


def adapter_of(wildcards):
    return config["adapters"][recipe_of(wildcards)["adapter"]]


def base_folder(name):
    """Where the files of a base model are: our own where they stand, those of the hub where they are fetched to."""
    base = config["bases"][name]
    return here(base["folder"]) if "folder" in base else f"<results>/bases/{name}"


def base_files(wildcards):
    """The files of the base model that a study starts from."""
    base = wildcards.base if hasattr(wildcards, "base") else study_of(wildcards)["base"]
    return [f"{base_folder(base)}/{name}" for name in MODEL_FILES]


def checkpoint(study, arm, seed):
    """The files of an arm's checkpoint; those of the base model for an arm that starts from nothing."""
    if STUDIES[study]["arms"][arm]["from"] is None:
        return [f"{base_folder(STUDIES[study]['base'])}/{name}" for name in MODEL_FILES]
    return [f"<results>/checkpoints/{study}/{arm}/{seed}/{name}" for name in MODEL_FILES]


def start_of(wildcards):
    """Where an arm's training starts: the checkpoint of the arm it comes from."""
    return checkpoint(wildcards.study, arm_of(wildcards)["from"], wildcards.seed)


def initial_of(wildcards):
    """The step-0 adapter, shared by all arms of the same base, shape and seed."""
    base, shape = study_of(wildcards)["base"], recipe_of(wildcards)["adapter"]
    return f"<results>/initial/{base}/{shape}/{wildcards.seed}/adapter_model.safetensors"


def rendered_mix_of(wildcards):
    return f"<results>/rendered/{wildcards.study}/{arm_of(wildcards)['mix']}/tokens.jsonl"


def validation_of(wildcards):
    """The mix on which an arm's early stopping judges; none for a recipe without it."""
    stopping = recipe_of(wildcards)["early_stopping"]
    return {"validation": f"<results>/rendered/{wildcards.study}/{stopping['mix']}/tokens.jsonl"} if stopping else {}


def audited(wildcards):
    """No file, but a wait: nothing of a study is rendered or trained before its audit has passed."""
    checkpoints.audit.get(study=wildcards.study)
    return []


def evaluation_of(wildcards, step, name):
    study = study_of(wildcards)
    return f"<results>/{step}/{wildcards.study}/{study['evaluation']}/{name}"


def runs(study):
    """Pairs (arm, seed) of a study; an arm without training is run once."""
    record = STUDIES[study]
    arms = record["arms"].items()
    return [(name, s) for name, arm in arms for s in ([UNSEEDED] if arm["from"] is None else record["seeds"])]


def scores_of(study):
    """The score files of a study's runs."""
    return [f"<results>/scores/{study}/{arm}/{seed}.csv" for arm, seed in runs(study)]


def ideals_of(wildcards):
    """The replies that a refusal of the study should be like."""
    return study_of(wildcards)["targets"][study_of(wildcards)["ideal"]]


def closeness_of(study):
    """The files of cosines of a study's runs; none for a study without an ideal refusal."""
    compared = STUDIES[study]["ideal"] is not None
    return [f"<results>/closeness/{study}/{arm}/{seed}.csv" for arm, seed in runs(study) if compared]


def study_results(study):
    """Everything that a study publishes."""
    figures = [
        f"<results>/figures/{study}/{name}.{end}" for name in STUDIES[study]["figures"] for end in ("svg", "png", "csv")
    ]
    return [f"<results>/tables/{study}/summary.csv", f"<results>/pages/{study}/before-after.html", *figures]


BROWSE, DOWNLOAD = {"to": "browse"}, {"to": "download"}  # two halves of a list, between which the report has a switch


def listed(kind, name, caption, to):
    """Where the report lists a file, and what tells of it: below its study and kind, by its name."""
    labels = {kind: name, **to}
    return {"caption": f"../report/{caption}.rst", "category": "{study}", "subcategory": kind, "labels": labels}


def gpu():
    """GPUs of a job that trains or generates; a job on the CPU asks for none."""
    return 1 if DEVICE == "cuda" else 0


def corpus_files(wildcards):
    """A corpus's files in the order of its record: our own where they are, public ones where they are fetched to."""
    files = config["corpora"][wildcards.corpus]["files"]
    fetched = f"<results>/raw/{wildcards.corpus}"
    return [here(file["path"]) if "path" in file else f"{fetched}/{name}" for name, file in files.items()]


def pin(key):
    """A resolver of one pinned property of a public file."""
    return lambda wildcards: config["corpora"][wildcards.corpus]["files"][wildcards.file][key]


def licences_of(wildcards):
    """The licence of each corpus of a study, by the corpus's name."""
    return {name: config["corpora"][name]["licence"] for name in study_of(wildcards)["corpora"]}


def mix_of(wildcards):
    """What a mix is drawn by: its record, the split, and the texts that its rows name, so that no other mix matters."""
    study = study_of(wildcards)
    mix = study["mixes"][wildcards.mix]
    prompts = {row["prompt"]: study["prompts"][row["prompt"]] for row in mix["rows"]}
    targets = {row["target"]: study["targets"][row["target"]] for row in mix["rows"] if "target" in row}
    return {"split": study["split"], "mix": mix, "prompts": prompts, "targets": targets}


def trained_mixes(wildcards):
    """The mixes of a study that some arm is trained on or selected by."""
    arms = [arm for arm in study_of(wildcards)["arms"].values() if arm["from"] is not None]
    stopping = [study_of(wildcards)["recipes"][arm["recipe"]]["early_stopping"] for arm in arms]
    return sorted({arm["mix"] for arm in arms} | {each["mix"] for each in stopping if each})


def longest_row(wildcards):
    """The tokens that every recipe trained on a mix bears; for a mix that none is trained on, the most that any does."""
    study = study_of(wildcards)
    mine = [arm["recipe"] for arm in study["arms"].values() if arm["from"] is not None and arm["mix"] == wildcards.mix]
    limits = {name: recipe["max_length"] for name, recipe in study["recipes"].items()}
    return min(limits[name] for name in mine) if mine else max(limits.values())


def jobs():
    """Every job of the scale: its step and wildcards as in the record's path, and one file that it makes."""
    yield "check_detector", "tables/detector.csv"
    yield "describe", "README.md"
    fetched = [name for name, base in config["bases"].items() if "hub" in base]
    yield from ((f"fetch_base/{name}", f"bases/{name}/model.safetensors") for name in fetched)
    for name, corpus in config["corpora"].items():
        yield f"normalise/{name}", f"corpora/{name}/examples.jsonl"
        yield from ((f"fetch/{name}/{f}", f"raw/{name}/{f}") for f, file in corpus["files"].items() if "url" in file)
    for name, study in STUDIES.items():
        yield from study_jobs(name, study)


def study_jobs(name, study):
    """The jobs of one study, in the order of the flow."""
    yield f"audit/{name}", f"splits/{name}/card.json"
    for mix in study["mixes"]:
        yield f"calibrate/{name}/{mix}", f"splits/{name}/{mix}/examples.jsonl"
        yield f"render/{name}/{mix}", f"rendered/{name}/{mix}/tokens.jsonl"
    for arm, seed in runs(name):
        run = f"{name}/{arm}/{seed}"
        if seed != UNSEEDED:
            shape = f"{study['base']}/{study['recipes'][study['arms'][arm]['recipe']]['adapter']}/{seed}"
            yield f"initialise/{shape}", f"initial/{shape}/adapter_model.safetensors"
            yield f"train_sft/{run}", f"adapters/{run}/adapter_model.safetensors"
            yield f"merge/{run}", f"checkpoints/{run}/model.safetensors"
        yield f"predict/{run}", f"predictions/{run}.jsonl"
        yield f"score/{run}", f"scores/{run}.csv"
        if study["ideal"] is not None:
            yield f"embed/{run}", f"closeness/{run}.csv"
    yield f"summarise/{name}", f"tables/{name}/summary.csv"
    yield f"present/{name}", f"pages/{name}/before-after.html"
    yield from ((f"plot/{name}/{figure}", f"figures/{name}/{figure}.svg") for figure in study["figures"])


def phase_start(wildcards):
    """The weights that a phase of the pocket model's training starts from; none for the first."""
    before = POCKET_RECIPE["phases"][wildcards.phase]["after"]
    return {"start": f"pretraining/{before}/model.safetensors"} if before else {}

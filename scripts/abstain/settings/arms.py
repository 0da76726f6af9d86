"""Arms, controls, seeds, starts and row limits: from a resolved study to the jobs that it needs.

A study is its file's keys and its scale's values side by side (abstain.settings.studies); a resolved one is what of it
the scale runs. Every order here is the order of the record, so that tables, figures and pages agree.
"""

from collections.abc import Iterator

BASE = "base"  # the arm that is the base itself, against which the others are held
ALL = "all"  # in tables: over all seeds, or over all kinds of requests
UNSEEDED = "unseeded"  # the seed of an arm that is not trained
PREFERENCES = "dpo"  # the method of a recipe that learns from pairs of replies
LEARNED = ("target", "unended")  # what names the replies to learn in a row of a mix
NAMED = (*LEARNED, "rejected")  # what names replies in it


def run_here(study: dict) -> dict:
    """The resolved record: of a whole study the arms that the scale compares, its mixes with their sizes, its scorers.

    A mix, and a row of a kind or under a prompt, without a size is left out. An arm whose recipe does not stop early
    reads no validation.
    """
    sizes, recipes, kept = study["sizes"], study["recipes"], ("compared", "scored", "sizes")
    mixes = {name: _sized(mix, sizes[name]) for name, mix in study["mixes"].items() if name in sizes}
    arms = {name: arm for name, arm in study["arms"].items() if name in study["compared"]}
    for name, arm in trained_arms({"arms": arms}).items():
        if recipes[arm["recipe"]].get("early_stopping") is None:
            arms[name] = {**arm, "validation": None}
    evaluation = [mix for mix in study["evaluation"] if mix in mixes]
    rest = {key: value for key, value in study.items() if key not in kept}
    return {**rest, "mixes": mixes, "arms": arms, "evaluation": evaluation, "scorers": scorers_here(study)}


def scorers_here(study: dict) -> dict[str, dict]:
    """Of a whole study the records of the scorers that the scale runs, each with the values that the scale gives."""
    scored = study["scored"]
    return {name: {**record, **scored[name]} for name, record in study["scorers"].items() if name in scored}


def _sized(mix: dict, sizes: dict) -> dict:
    rows = [{**row, **_under(row["prompt"], sizes[row["kind"]])} for row in mix["rows"] if row["kind"] in sizes]
    return {**mix, "rows": [row for row in rows if row["rows"] is not None]}


def _under(prompt: str, size: dict) -> dict:
    """A kind's size under one prompt; its rows are None where the size names prompts, but not this one."""
    return {**size, "rows": size["rows"].get(prompt)} if isinstance(size["rows"], dict) else size


def trained_arms(study: dict) -> dict[str, dict]:
    """The arms that are trained, by name."""
    return {name: arm for name, arm in study["arms"].items() if arm["from"] is not None}


def arms_by(study: dict, method: str) -> dict[str, dict]:
    """Those of them whose recipe has this method."""
    recipes = study["recipes"]
    return {name: arm for name, arm in trained_arms(study).items() if recipes[arm["recipe"]]["method"] == method}


def controls(study: dict) -> dict[str, dict]:
    """The arms that are no model, by name: they say texts of the study, or what a classifier tells."""
    return {name: arm for name, arm in study["arms"].items() if is_control(arm)}


def asked_controls(study: dict) -> dict[str, dict]:
    """The same, each with those of its kinds alone that the study asks: a smaller scale leaves some out."""
    evaluated_kinds = {row["kind"] for mix in study["evaluation"] for row in study["mixes"][mix]["rows"]}
    return {
        name: {**arm, "kinds": [kind for kind in arm["kinds"] if kind in evaluated_kinds]}
        for name, arm in controls(study).items()
    }


def is_control(arm: dict) -> bool:
    """Whether an arm, given by its record, is no model."""
    return "says" in arm or "fits" in arm


def models(study: dict) -> dict[str, dict]:
    """The other arms, by name."""
    return {name: arm for name, arm in study["arms"].items() if not is_control(arm)}


def controls_with(study: dict, key: str) -> dict[str, dict]:
    """Those that have a key in their record: `says` names a target, `fits` the mix of a classifier."""
    return {name: arm for name, arm in study["arms"].items() if key in arm}


def control_of(study: dict, arm: str) -> dict:
    """A control's record, with the texts of the target where it says one."""
    record = study["arms"][arm]
    return {**record, "texts": study["targets"][record["says"]]} if "says" in record else record


def controls_by_mix(study: dict) -> dict[str, dict[str, dict]]:
    """For each mix of the evaluation that has any, its controls by name, with their texts."""
    named = {mix: [arm for arm in controls(study) if mix in scored_on(study, arm)] for mix in study["evaluation"]}
    return {mix: {arm: control_of(study, arm) for arm in found} for mix, found in named.items() if found}


def named_arms(figure: dict) -> list[str]:
    """The arms that a figure names; none where it draws all that are scored on its mix."""
    return [] if figure["arms"] == ALL else figure["arms"]


def seeds_of(study: dict, arm: str) -> list[str]:
    """The seeds that an arm is run with, as they are written in paths; an arm without training is run once."""
    return [UNSEEDED] if study["arms"][arm]["from"] is None else [str(seed) for seed in study["seeds"]]


def scored_on(study: dict, arm: str) -> list[str]:
    """The mixes of the evaluation that an arm is scored on: those of the split that it was trained on.

    An arm that is not trained is scored on all of them, a control on those that have a row for it. Another split could
    hold in its test part what was trained on, or what a classifier was fitted on.
    """
    mixes, record = study["mixes"], study["arms"][arm]
    learned = record.get("mix", record.get("fits"))
    return [
        mix
        for mix in study["evaluation"]
        if learned is None or mixes[mix]["split"] == mixes[learned]["split"]
        if not is_control(record) or any(replies_to(record, row["kind"]) for row in mixes[mix]["rows"])
    ]


def replies_to(arm: dict, kind: str) -> bool:
    """Whether an arm, given by its record, replies to requests of a kind: a model to all, a control to its own."""
    return not is_control(arm) or kind in arm["kinds"]


def runs(study: dict) -> Iterator[dict[str, str]]:
    """Every run as {"arm", "seed"}."""
    yield from ({"arm": arm, "seed": seed} for arm in study["arms"] for seed in seeds_of(study, arm))


def predictions(study: dict) -> Iterator[dict[str, str]]:
    """Every run on every mix that it is scored on, as {"arm", "seed", "mix"}."""
    yield from ({**run, "mix": mix} for run in runs(study) for mix in scored_on(study, run["arm"]))


def scores(study: dict) -> Iterator[dict[str, str]]:
    """Every prediction under every scorer, as {"arm", "seed", "mix", "scorer"}."""
    yield from ({**each, "scorer": scorer} for each in predictions(study) for scorer in study["scorers"])


def training_mixes(study: dict) -> list[str]:
    """The mixes that some arm is trained on, stopped by or fitted on, each once."""
    arms = trained_arms(study).values()
    mixes = [mix for arm in arms for mix in (arm["mix"], arm["validation"]) if mix is not None]
    return list(dict.fromkeys([*mixes, *(arm["fits"] for arm in controls_with(study, "fits").values())]))


def paired_mixes(study: dict) -> list[str]:
    """The mixes that some arm learns a preference from, each once."""
    return list(dict.fromkeys(arm["mix"] for arm in arms_by(study, PREFERENCES).values()))


def compared_mixes(study: dict) -> dict[str, list[str]]:
    """For each training mix, the mixes of the evaluation that it must share nothing with: those of its split."""
    split = {name: mix["split"] for name, mix in study["mixes"].items()}
    return {mix: [e for e in study["evaluation"] if split[e] == split[mix]] for mix in training_mixes(study)}


def audited_mixes(study: dict) -> list[str]:
    """The mixes that an audit reads: those to train on or stop by, and those to be scored, each once."""
    return list(dict.fromkeys([*training_mixes(study), *study["evaluation"]]))


def splits_of(study: dict) -> dict[str, dict]:
    """The split of each mix that an arm is trained on or stopped by."""
    return {mix: study["splits"][study["mixes"][mix]["split"]] for mix in training_mixes(study)}


def longest_row(study: dict, mix: str) -> int:
    """The most tokens of a row of a mix: the least max_length of the recipes that train on the mix or stop by it.

    For a mix that no arm uses so, the largest max_length of the study's recipes.
    """
    limits = {name: recipe["max_length"] for name, recipe in study["recipes"].items()}
    users = [arm["recipe"] for arm in trained_arms(study).values() if mix in (arm["mix"], arm["validation"])]
    return min(limits[name] for name in users) if users else max(limits.values())


def lengths_of(study: dict, mix: str) -> dict[str, int]:
    """{"max_length", "new_tokens"} of a mix: the most tokens of a row, and the most to generate after a prompt.

    Tokens are generated for the mixes of the evaluation (by `predict`) and for training mixes (by the gate of `merge`).
    """
    generated_mixes = {*study["evaluation"], *(arm["mix"] for arm in trained_arms(study).values())}
    new_tokens = study["generation"]["max_new_tokens"] if mix in generated_mixes else 0
    return {"max_length": longest_row(study, mix), "new_tokens": new_tokens}


def circle(arms: dict[str, dict], name: str) -> list[str] | None:
    """The arms that an arm comes from, itself first, when they go in a circle; else None."""
    path, current = [name], arms[name]["from"]
    while current in arms and current not in path:
        path.append(current)
        current = arms[current]["from"]
    return [*path, current] if current in path else None


def draw_of(study: dict, mix: str) -> dict:
    """What `calibrate` draws a mix from: its record, its split, and only those prompts and targets that it names."""
    record = study["mixes"][mix]
    prompts = {row["prompt"]: study["prompts"][row["prompt"]] for row in record["rows"]}
    named = [row[key] for row in record["rows"] for key in NAMED if key in row]
    targets = {name: study["targets"][name] for name in named}
    return {"split": study["splits"][record["split"]], "mix": record, "prompts": prompts, "targets": targets}

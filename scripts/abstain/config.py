"""The configuration: checked whole before any job starts, with errors that say what, where and what to do."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter

from abstain.config_files import file_faults, file_name_faults, mirror_faults, own_file_faults, room_faults
from abstain.schema import ConfigError, nearest, schema_faults
from abstain.splits import part_names

JUDGED = (("refuse", "correct-refusal"), ("answer", "false-refusal"))
COMPARED = {"frontier": "refusal", "gap": "control-gap"}  # figures of harmful against benign requests: their metric
Reference = tuple[str, str, str, Collection[str]]  # the place, what it names, the name, the names that there are


def check_file(path: str | Path) -> None:
    """Check a scale's file before it is read; raises ConfigError with the line."""
    _refuse(file_faults(path))


def check_config(config: dict, schema: str | Path) -> None:
    """Check a scale against the schema and its names against each other; raises ConfigError, one line a fault."""
    _refuse(schema_faults(config, schema) or reference_faults(config))


def check_places(config: dict, root: str | Path, environment: Mapping[str, str]) -> None:
    """Check that our own files are there and not empty, a mirror that will be asked is there, and the disk not full."""
    faults = own_file_faults(config, root) + mirror_faults(config, environment) + room_faults(Path.cwd())
    _refuse(faults, "the run cannot start")


def _refuse(faults: list[str], why: str = "the configuration cannot be used") -> None:
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise ConfigError(f"{why}:\n{listed}\nNothing was started. Correct it and run again.")


def reference_faults(config: dict) -> list[str]:
    """Files that a reader does not know, names that point to nothing, arms in a circle, odd shares, aimless rows."""
    studies = config["studies"].items()
    faults = [f"studies.{name}.{fault}" for name, study in studies for fault in _study_faults(config, study)]
    return [*file_name_faults(config), *faults]


def _study_faults(config: dict, study: dict) -> list[str]:
    """Faults of one study; what its rows say is looked at once all names point to something."""
    faults = [*_missing(_references(config, study)), *_circles(study["arms"]), *_text_faults(study)]
    faults += [f"gaps.{gap}: a prompt has the same name" for gap in study["gaps"] if gap in study["prompts"]]
    if faults := faults or [*_split_faults(study["split"], study["corpora"], "split"), *_row_faults(study)]:
        return faults
    asked = {row["prompt"] for row in study["mixes"][study["evaluation"]]["rows"]}
    faults = [*_missing(_conditions(study, "prompt of the evaluation", asked)), *_ideal_faults(study)]
    return faults or [*_figure_faults(study), *_missing(_claimed_metrics(study))]


def _missing(references: Iterable[Reference]) -> Iterator[str]:
    """Names that point to nothing; one that is used in many places is told once."""
    places: dict[tuple[str, str], list] = {}
    for place, what, name, known in references:
        if name not in known:
            places.setdefault((what, name), []).append((place, known))
    for (what, name), found in places.items():
        where, known = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        guess = nearest(name, known)
        asked = f"did you mean {guess!r}? " if guess else ""
        yield f"{where}{more}: there is no {what} {name!r}; {asked}known: {', '.join(sorted(known)) or 'none'}"


def _text_faults(study: dict) -> Iterator[str]:
    """Texts to be filled in whose braces do not pair or hold more than the name of a field."""
    texts = {f"prompts.{name}.user": prompt["user"] for name, prompt in study["prompts"].items()}
    texts |= {
        f"targets.{name}.{i}": text for name, replies in study["targets"].items() for i, text in enumerate(replies)
    }
    for where, text in texts.items():
        if odd := _unfillable(text):
            yield f"{where}: {odd}; write a field as {{question}}, and a real brace twice"


def _unfillable(text: str) -> str | None:
    try:
        holes = [(field, form or kind) for _, field, form, kind in Formatter().parse(text) if field is not None]
    except ValueError as error:
        return f"{text[:60]!r}: {error}"
    return next((f"{text[:60]!r} holds {{{field}}}" for field, form in holes if form or not field.isidentifier()), None)


def _split_faults(split: dict, corpora: list[str], where: str) -> list[str]:
    """Shares that do not add up, cuts that leave rows over or come after the last, corpora without a split."""
    sums = {field: sum(shares.values()) for field, shares in split.get("by", {}).items()}
    faults = [f"{where}.by.{field}: the shares add up to {s}, not 1" for field, s in sums.items() if abs(s - 1) > 1e-9]
    handed_on = [cut["rest"] > 0 for cut in split.get("cuts", [])]
    if handed_on and (handed_on[-1] or not all(handed_on[:-1])):
        faults.append(f"{where}.cuts: the last cut, and no other, must hand nothing on (rest: 0)")
    if "each" in split:
        extra = [(f"{where}.each.{name}", "corpus of the study", name, corpora) for name in split["each"]]
        lacking = [f"{where}.each: the corpus {name!r} has no split" for name in corpora if name not in split["each"]]
        faults += list(_missing(extra)) or lacking
    for corpus, mine in split.get("each", {}).items():
        faults += _split_faults(mine, [corpus], f"{where}.each.{corpus}")
    return faults


def _row_faults(study: dict) -> Iterator[str]:
    """Rows of a mix that is trained on need a target, rows of the evaluation the right behaviour."""
    trained = {arm["mix"]: f"the arm {name!r} is trained on it" for name, arm in study["arms"].items() if "mix" in arm}
    for name, recipe in study["recipes"].items():
        if stopping := recipe["early_stopping"]:
            trained.setdefault(stopping["mix"], f"the recipe {name!r} stops by it")
            if recipe["save_steps"] % stopping["steps"]:
                yield f"recipes.{name}.save_steps: {recipe['save_steps']} is no multiple of early_stopping.steps"
    needs = [(mix, "target", why) for mix, why in trained.items()]
    for mix, key, why in [*needs, (study["evaluation"], "should", "every arm is scored on it")]:
        without = [i for i, row in enumerate(study["mixes"][mix]["rows"]) if key not in row]
        more = f" (and {len(without) - 1} more)" if len(without) > 1 else ""
        if without:
            yield f"mixes.{mix}.rows.{without[0]}{more}: the key {key!r} is missing, and {why}"


def _ideal_faults(study: dict) -> list[str]:
    """Figures and claims about closeness need an ideal refusal, and rows of the evaluation that should be refused."""
    rows = study["mixes"].get(study["evaluation"], {"rows": []})["rows"]
    compared = {row["prompt"] for row in rows if row.get("should") == "refuse" and study["ideal"] is not None}
    figures = [(name, figure) for name, figure in study["figures"].items() if figure["plot"] == "similarity"]
    used = [(f"figures.{name}", condition) for name, figure in figures for condition in figure["conditions"]]
    claims = [(i, claim) for i, claim in enumerate(study["claims"]) if claim["metric"].startswith("closeness")]
    used += [(f"claims.{i}", claim["condition"]) for i, claim in claims]
    need = "no reply is compared with an ideal refusal; name one under `ideal`, and rows that should be refused"
    return [f"{where}: under {condition!r} {need}" for where, condition in used if condition not in compared]


def _figure_faults(study: dict) -> Iterator[str]:
    """Figures of harmful against benign requests need both kinds under every condition that they show."""
    known = metrics_of(study, "base")
    for name, figure in study["figures"].items():
        if metric := COMPARED.get(figure["plot"]):
            shown = [(kind, condition) for condition in figure["conditions"] for kind in ("harmful", "benign")]
            lacking = [f"{kind} under {where!r}" for kind, where in shown if f"{metric}-{kind}" not in known[where]]
            need = f"a {figure['plot']} shows harmful against benign requests, and the evaluation has no rows that are"
            if lacking:
                yield f"figures.{name}: {need} {', '.join(lacking)}; add them, or show other conditions"


def metrics_of(study: dict, arm: str) -> dict[str, set[str]]:
    """The metrics of an arm in a study's summary under each prompt and gap; a test compares them with its tables."""
    known: dict[str, set[str]] = {}
    for row in study["mixes"][study["evaluation"]]["rows"]:
        metrics = known.setdefault(row["prompt"], set())
        metrics |= {f"{rate}-{row['kind']}" for rate in ("refusal", "partial", "invalid")}
        metrics |= {name for should, name in JUDGED if should == row["should"]}
        if study["ideal"] is not None and row["should"] == "refuse":
            metrics |= {"closeness", "closeness-min", "closeness-max"}
            metrics |= {"closeness-above-base"} if arm != "base" else set()
    for gap, (first, second) in study["gaps"].items():
        both = known[first] & known[second]
        known[gap] = {name.replace("refusal-", "control-gap-") for name in both if name.startswith("refusal-")}
    return known


def _claimed_metrics(study: dict) -> Iterator[Reference]:
    for i, claim in enumerate(study["claims"]):
        known = set.intersection(*(metrics_of(study, arm)[claim["condition"]] for arm in claim["arms"]))
        what = f"metric of {' and '.join(claim['arms'])} under {claim['condition']!r} called"
        yield f"claims.{i}.metric", what, claim["metric"], known


def _references(config: dict, study: dict) -> Iterator[Reference]:
    """Every use of a name in a study."""
    parts = part_names(study["split"])
    yield "base", "base", study["base"], config["bases"]
    yield from ((f"corpora.{i}", "corpus", name, config["corpora"]) for i, name in enumerate(study["corpora"]))
    yield "evaluation", "mix", study["evaluation"], study["mixes"]
    for mix, record in study["mixes"].items():
        yield f"mixes.{mix}.part", "part of the split", record["part"], parts
        for i, row in enumerate(record["rows"]):
            yield f"mixes.{mix}.rows.{i}.prompt", "prompt", row["prompt"], study["prompts"]
            if "target" in row:
                yield f"mixes.{mix}.rows.{i}.target", "target", row["target"], study["targets"]
    if study["ideal"] is not None:
        yield "ideal", "target", study["ideal"], study["targets"]
    for name, recipe in study["recipes"].items():
        yield f"recipes.{name}.adapter", "adapter", recipe["adapter"], config["adapters"]
        if recipe["early_stopping"] is not None:
            yield f"recipes.{name}.early_stopping.mix", "mix", recipe["early_stopping"]["mix"], study["mixes"]
    for name, arm in study["arms"].items():
        if arm["from"] is not None:
            yield f"arms.{name}.from", "arm", arm["from"], study["arms"]
            yield f"arms.{name}.mix", "mix", arm["mix"], study["mixes"]
            yield f"arms.{name}.recipe", "recipe", arm["recipe"], study["recipes"]
    for i, claim in enumerate(study["claims"]):
        yield from ((f"claims.{i}.arms.{k}", "arm", arm, study["arms"]) for k, arm in enumerate(claim["arms"]))
    yield from _conditions(study, "prompt", study["prompts"])


def _conditions(study: dict, what: str, prompts: Collection[str]) -> Iterator[Reference]:
    """Every use of a prompt or gap outside the mixes; `prompts` are those that may be named."""
    gap, prompt = ("gap", study["gaps"]), (what, prompts)
    for name, pair in study["gaps"].items():
        yield from ((f"gaps.{name}.{i}", what, condition, prompts) for i, condition in enumerate(pair))
    for i, claim in enumerate(study["claims"]):
        kind, known = gap if claim["metric"].startswith("control-gap-") else prompt
        yield f"claims.{i}.condition", kind, claim["condition"], known
    for name, figure in study["figures"].items():
        kind, known = gap if figure["plot"] == "gap" else prompt
        places = enumerate(figure["conditions"])
        yield from ((f"figures.{name}.conditions.{i}", kind, condition, known) for i, condition in places)


def _circles(arms: dict) -> Iterator[str]:
    if arms["base"]["from"] is not None:
        yield "arms.base.from: the base starts from nothing; write base: {from: null}"
        return
    for name in arms:
        path, current = [name], arms[name]["from"]
        while current in arms and current not in path:
            path.append(current)
            current = arms[current]["from"]
        if current in path:
            circle = " <- ".join([*path, current])
            yield f"arms.{name}.from: the arms go in a circle, {circle}; let one of them start from base"
            return

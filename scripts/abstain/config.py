"""The configuration: checked whole before any job starts, with errors that say what, where and what to do."""

from pathlib import Path

import yaml


class ConfigError(ValueError):
    """A configuration that cannot be run; the message lists every fault."""


def check_config(config: dict, schema: str | Path) -> None:
    """Check a scale against the schema and its names against each other; raises ConfigError, one line a fault."""
    faults = schema_faults(config, schema) or reference_faults(config)
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise ConfigError(
            f"the configuration cannot be used:\n{listed}\nNothing was started. Correct it and run again."
        )


def schema_faults(config: dict, schema: str | Path) -> list[str]:
    """Faults of shape: each names the key, what was found and what is allowed."""
    from jsonschema import Draft202012Validator

    rules = yaml.safe_load(Path(schema).read_text(encoding="utf-8"))
    errors = Draft202012Validator(rules).iter_errors(config)
    return [_say(error) for error in sorted(errors, key=lambda e: [str(part) for part in e.absolute_path])]


def _say(error) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    found = repr(error.instance)
    about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    if error.validator == "required":
        return f"{where}: {error.message.replace(' is a required property', ' is missing')}"
    if error.validator == "additionalProperties":
        allowed = ", ".join(sorted(error.schema.get("properties", {})))
        return f"{where}: {error.message}; allowed: {allowed}"
    if error.validator == "oneOf":
        choices = " or ".join(_outline(choice) for choice in error.schema["oneOf"])
        return f"{where}: found {found[:80]}, which must be exactly one of: {choices}"
    return f"{where}: found {found[:80]}, but {error.message.removeprefix(found).strip()[:160]}. {about}".strip()


def _outline(choice: dict) -> str:
    if "required" in choice:
        about = f" ({choice['description']})" if "description" in choice else ""
        return "{" + ", ".join(choice["required"]) + "}" + about
    return str(choice.get("const", choice.get("type", "a value")))


def reference_faults(config: dict) -> list[str]:
    """Names that point to nothing, arms that go in a circle, shares that do not add up, rows without a purpose."""
    studies = config["studies"].items()
    return [f"studies.{name}.{fault}" for name, study in studies for fault in _study_faults(config, study)]


def _study_faults(config: dict, study: dict) -> list[str]:
    faults = []
    for what, used, known in _references(config, study):
        hint = f"known: {', '.join(sorted(known)) or 'none'}"
        faults += [f"{what}: there is no {item!r}; {hint}" for item in used if item not in known]
    faults += [f"arms: {circle}" for circle in _circles(study["arms"])]
    faults += [f"gaps.{gap}: a prompt has the same name" for gap in study["gaps"] if gap in study["prompts"]]
    if study["arms"]["base"]["from"] is not None:
        faults.append("arms.base: the base starts from nothing, write {from: null}")
    return [*faults, *_share_faults(study), *_row_faults(study)]


def _share_faults(study: dict) -> list[str]:
    sums = {field: sum(shares.values()) for field, shares in study["split"]["by"].items()}
    return [f"split.by.{field}: the shares add up to {s}, not 1" for field, s in sums.items() if abs(s - 1) > 1e-9]


def _row_faults(study: dict) -> list[str]:
    """Rows of a mix that is trained on need a target, rows of the evaluation the right behaviour."""
    needs = {(arm["mix"], "target"): None for arm in study["arms"].values() if arm["from"] is not None}
    needs[study["evaluation"], "should"] = None
    found = [(mix, key, study["mixes"][mix]["rows"]) for mix, key in needs if mix in study["mixes"]]
    return [f"mixes.{m}: row {i} has no {k!r}" for m, k, rows in found for i, row in enumerate(rows) if k not in row]


def _references(config: dict, study: dict):
    """Triples (where, names used, names known)."""
    rows = [row for mix in study["mixes"].values() for row in mix["rows"]]
    arms = [arm for arm in study["arms"].values() if arm["from"] is not None]
    conditions = set(study["prompts"]) | set(study["gaps"])
    yield "base", [study["base"]], set(config["bases"])
    yield "corpora", study["corpora"], set(config["corpora"])
    yield "evaluation", [study["evaluation"]], set(study["mixes"])
    yield (
        "mixes (part)",
        [mix["part"] for mix in study["mixes"].values()],
        {part for shares in study["split"]["by"].values() for part in shares},
    )
    yield "mixes (prompt)", [row["prompt"] for row in rows], set(study["prompts"])
    yield "mixes (target)", [row["target"] for row in rows if "target" in row], set(study["targets"])
    yield "gaps", [prompt for pair in study["gaps"].values() for prompt in pair], set(study["prompts"])
    yield "recipes (adapter)", [recipe["adapter"] for recipe in study["recipes"].values()], set(config["adapters"])
    yield "arms (from)", [arm["from"] for arm in arms], set(study["arms"])
    yield "arms (mix)", [arm["mix"] for arm in arms], set(study["mixes"])
    yield "arms (recipe)", [arm["recipe"] for arm in arms], set(study["recipes"])
    yield "claims (arms)", [arm for claim in study["claims"] for arm in claim["arms"]], set(study["arms"])
    yield "claims (condition)", [claim["condition"] for claim in study["claims"]], conditions
    yield "figures (conditions)", [c for figure in study["figures"].values() for c in figure["conditions"]], conditions


def _circles(arms: dict) -> list[str]:
    for name in arms:
        path, current = [name], arms[name]["from"]
        while current in arms and current not in path:
            path.append(current)
            current = arms[current]["from"]
        if current in path:
            return [f"the arms go in a circle: {' <- '.join([*path, current])}"]
    return []

"""Rows of mixes and the arms that use them: what is trained on has targets, what is scored has the right behaviour."""

from collections.abc import Iterator

from abstain.settings.arms import LEARNED, PREFERENCES, scored_on, trained_arms
from abstain.settings.schema import Fault


def row_faults(study: dict) -> list[Fault]:
    """Rows without a target or a right behaviour, arms that no mix of the evaluation fits, recipes that cannot stop."""
    return [*_lacking_keys(study), *_stopping_faults(study), *_split_faults(study)]


def _lacking_keys(study: dict) -> Iterator[Fault]:
    needs: dict[tuple[str, str], str] = {}
    for name, arm in trained_arms(study).items():
        needs.setdefault((arm["mix"], "target"), f"the arm {name!r} is trained on it")
        if arm["validation"] is not None:
            needs.setdefault((arm["validation"], "target"), f"the arm {name!r} stops by it")
        if study["recipes"].get(arm["recipe"], {}).get("method") == PREFERENCES:
            needs.setdefault((arm["mix"], "rejected"), f"the arm {name!r} learns a preference from it")
    for mix in study["evaluation"]:
        needs[mix, "should"] = "arms are scored on it"
    for (mix, key), why in needs.items():
        enough = LEARNED if key in LEARNED else (key,)
        without = [i for i, row in enumerate(study["mixes"][mix]["rows"]) if not row.keys() & set(enough)]
        more = f" (and {len(without) - 1} more rows)" if len(without) > 1 else ""
        if without:
            yield Fault(f"mixes.{mix}.rows.{without[0]}", f"the key {key!r} is missing{more}, and {why}")


def _stopping_faults(study: dict) -> Iterator[Fault]:
    """Early stopping needs a mix to stop by, and checkpoints where it evaluates."""
    for name, arm in trained_arms(study).items():
        stopping = name in study["compared"] and study["recipes"][arm["recipe"]].get("early_stopping")
        if stopping and arm["validation"] is None:
            words = f"the recipe {arm['recipe']!r} stops early and needs a mix to stop by; name one"
            yield Fault(f"arms.{name}.validation", words)
    for name, recipe in study["recipes"].items():
        stopping = recipe.get("early_stopping")
        if stopping and recipe["save_steps"] % stopping["steps"]:
            words = f"{recipe['save_steps']} is no multiple of early_stopping.steps, which is {stopping['steps']}"
            yield Fault(f"recipes.{name}.save_steps", words)


def _split_faults(study: dict) -> Iterator[Fault]:
    """An arm's mixes, and those of the arm that it comes from, belong to one split, of which some mix is scored."""
    split = {name: mix["split"] for name, mix in study["mixes"].items()}
    arms = trained_arms(study)
    for name, arm in arms.items():
        if not scored_on(study, name):
            words = f"no mix of the evaluation has the split {split[arm['mix']]!r}, so nothing could be scored"
            yield Fault(f"arms.{name}.mix", words)
        if arm["validation"] is not None and split[arm["validation"]] != split[arm["mix"]]:
            yield Fault(f"arms.{name}.validation", f"it is of another split than the mix {arm['mix']!r}")
        if arm["from"] in arms and split[arms[arm["from"]]["mix"]] != split[arm["mix"]]:
            words = f"{arm['from']!r} was trained on another split, whose training part may hold what is scored here"
            yield Fault(f"arms.{name}.from", words)

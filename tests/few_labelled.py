"""A few replies in the format of XSTest's completions, for every model, group and class that a fold needs."""

import csv
from itertools import product
from pathlib import Path

from abstain.jobs.files import sha256

MODELS, TYPES = ("one", "two", "three"), ("homonyms", "contrast_homonyms", "privacy_public", "historical_events")
REPLIES = {  # the published label: a reply to a thing
    "1_full_compliance": "To use the {thing}, you can follow these steps. First, open it.",
    "2_full_refusal": "I'm sorry, but I can't help you with the {thing}.",
    "3_partial_refusal": "I cannot say much about the {thing}, but here is what is known.",
}
COLUMNS = ("id", "type", "prompt", "completion", "annotation_1", "annotation_2", "agreement", "final_label")
RECIPE = {
    "heads": [1],
    "penalties": [1, 10],
    "scales": [1],
    "digits": 6,
    "sentences": {"no": ["I cannot do that."], "yes": ["Here is how."]},
}


def recipe_for(folder: Path) -> dict:
    """The recipe with the pins of the files that are written into the folder."""
    pins = {}
    for path in map(Path, write_labelled(folder)):
        size, digest = path.stat().st_size, sha256(path)
        pins[path.stem] = {"url": "", "in_mirror": path.name, "bytes": size, "sha256": digest}
    return {**RECIPE, "replies": pins}


def write_labelled(folder: Path) -> list[str]:
    """Write a file for each model into the folder; gives their paths in order."""
    paths = [folder / f"{model}.csv" for model in MODELS]
    for path in paths:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for number, (kind, label) in enumerate(product(TYPES, REPLIES)):
                text = REPLIES[label].format(thing=f"{path.stem} {kind.replace('_', ' ')}")
                row = {"id": f"v2-{number}", "type": kind, "prompt": "How?", "completion": f" {text}\n"}
                writer.writerow({**row, "agreement": "TRUE"} | dict.fromkeys(COLUMNS[4:6] + COLUMNS[7:], label))
    return list(map(str, paths))

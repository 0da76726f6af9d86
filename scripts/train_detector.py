"""Train the learned detector on labels of people, and judge it on models and types of prompts that it has not seen."""

from collections import Counter
from pathlib import Path

from abstain.jobs.files import write_csv, write_json
from abstain.scorers.detectors.fitting import Replies, out_of_fold, settings_of
from abstain.scorers.detectors.learned import cues, decided, features, names
from abstain.scorers.detectors.people import labelled
from abstain.scorers.detectors.registry import DETECTORS, with_cost
from fetch import fetch


def train_detector(recipe: dict, mirror: str | None, scratch: Path, weights: str, judged: str) -> None:
    """Write the weights of the regression on all replies, and what each detector says of every reply.

    The replies are fetched as `fetch` does it. What the learned detector says in `judged` comes from a regression on
    other models and other types of prompts, with a setting that was chosen among those.
    """
    from sklearn.metrics import cohen_kappa_score

    rows = labelled({model: fetched(pins, mirror, scratch) for model, pins in recipe["replies"].items()})
    texts = [row["reply"] for row in rows]
    whole, *heads = features(texts, recipe["sentences"], (None, *recipe["heads"]))
    known = Replies(whole, heads, len(cues.NAMES), rows)
    settings = settings_of(recipe)
    scores, picked = out_of_fold(known, settings)
    print("chosen in the folds (penalty, scale):", sorted(Counter(picked).items()))
    write_weights(known, known.chosen(settings, known.everything), recipe, weights)
    found = {name: DETECTORS[name].classify(texts) for name in with_cost("text")}
    found["learned"] = decided(texts, scores)
    table = [{key: row[key] for key in ("model", "id", "group", "human")} for row in rows]
    table = [{**row, **{name: classes[i] for name, classes in found.items()}} for i, row in enumerate(table)]
    write_csv(judged, table, list(table[0]))
    for name, classes in found.items():
        print(name, f"kappa {cohen_kappa_score(known.refuses, [each != 'answer' for each in classes]):.3f}")
    print(f"smallest margin out of fold: {min(map(abs, scores)):.6f}")


def fetched(pins: dict, mirror: str | None, scratch: Path) -> str:
    """The path of a pinned file, brought from a mirror or from its address."""
    scratch.mkdir(parents=True, exist_ok=True)
    path = str(scratch / Path(pins["in_mirror"]).name)
    fetch(pins["url"], pins["in_mirror"], pins["bytes"], pins["sha256"], mirror, path, scratch)
    return path


def write_weights(known: Replies, setting: tuple, recipe: dict, path: str) -> None:
    """Write the weight of every feature, rounded, with the sentences that replies are compared with."""
    weights, intercept = known.fitted(setting, known.everything)
    margins = abs(known.whole @ weights + intercept)
    print("chosen on all (penalty, scale):", setting, f"smallest margin: {margins.min():.6f}")
    rounded = [round(float(weight), recipe["digits"]) for weight in weights]
    model = {"intercept": round(intercept, recipe["digits"]), "sentences": recipe["sentences"]}
    write_json(path, model | {"weights": dict(zip(names(recipe["sentences"]), rounded, strict=True))})


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        mirror = snakemake.config["mirror"]  # noqa: F821 - no parameter: the record names no machine's folder
        train_detector(**job, mirror=mirror, scratch=job.scratch)

"""Replies that people labelled: XSTest's (Röttger et al. 2024, arXiv 2308.01263), as its repository has them."""

import csv

LABELS = {"1_full_compliance": "answer", "2_full_refusal": "refuse", "3_partial_refusal": "partial"}
DISCRIMINATION = {"nons_group_real_discr", "real_group_nons_discr", "discr"}


def labelled(files: dict[str, str]) -> list[dict]:
    """The replies of each model, by its name, with `model`, `id`, `group`, `human` (one of CLASSES) and `reply`.

    Raises KeyError for a label or a column that the published files do not have.
    """
    rows = []
    for model, path in files.items():
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                known = {"human": LABELS[row["final_label"]], "reply": row["completion"]}
                rows.append({"model": model, "id": row["id"], "group": group(row["type"]), **known})
    return rows


def group(kind: str) -> str:
    """Types of prompts that belong together: safe ones, and the unsafe ones that are their contrast."""
    kind = kind.removeprefix("contrast_")
    if kind in DISCRIMINATION:
        return "discrimination"
    return "privacy" if kind.startswith("privacy") else kind

"""The reader of XSTest: safe prompts that look unsafe, and unsafe ones, which are their contrasts."""

from collections import Counter
from collections.abc import Iterator

from abstain.corpora.lines import Quarantined, csv_rows, plain_text

KINDS = {"safe": "benign", "unsafe": "unsafe"}
CONTRAST = "contrast_"
# Families in which two types of safe prompts share one type of contrasts. The contrasts were written for the second
# type of each, prompt by prompt; in the first type the order is another, or there is nothing to be a contrast of.
SHARED = {
    "nons_group_real_discr": "discr",
    "real_group_nons_discr": "discr",
    "privacy_public": "privacy",
    "privacy_fictional": "privacy",
}
UNPAIRED = ("nons_group_real_discr", "privacy_public")


def read_xstest(prompts: str) -> Iterator[dict | Quarantined]:
    """XSTest (arXiv 2308.01263): CSV, prompts labelled safe (their kind is benign) or unsafe (their kind is unsafe).

    `family` is the type without "contrast_"; types that share their contrasts have one family. A safe prompt and its
    contrast, which has the same place among the prompts of its type, have the same `pair`; others have their own.
    """
    places: Counter[str] = Counter()
    for where, row in csv_rows(prompts, ["id", "prompt", "type", "label"]):
        places[row["type"]] += 1
        question = row["prompt"].strip()
        if not question or not row["id"].isdigit():
            yield Quarantined(where, "no prompt" if not question else f"the id {row['id']!r} is not a number")
        elif row["label"] not in KINDS:
            yield Quarantined(where, f"the label {row['label']!r} is neither safe nor unsafe")
        else:
            family = SHARED.get(row["type"], row["type"].removeprefix(CONTRAST))
            of = row["type"] if row["type"] in UNPAIRED else family
            yield {
                "id": f"xstest-{row['id']}",
                "kind": KINDS[row["label"]],
                "question": question,
                "text": plain_text(question),
                "type": row["type"],
                "family": family,
                "pair": f"{of} {places[row['type']]}",
            }

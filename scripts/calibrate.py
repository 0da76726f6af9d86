"""Draw a mix from its part of the split: which kinds, how many, under which prompt, with which reply."""

from collections import Counter
from itertools import chain

from abstain.corpora.mixes import compose, count_kinds, draw_mix, refuse_repeated, why_left_out
from abstain.corpora.splits import parts_of
from abstain.corpora.templates import with_templates
from abstain.jobs.files import read_jsonl, write_csv, write_json, write_jsonl

COLUMNS = ["source", "id", "why"]  # an id is unique in its corpus


def calibrate(
    corpora: list[str], draw: dict, licences: dict[str, str], examples: str, left_out: str, card: str
) -> None:
    """Write the mix's examples with messages, the rows left out with their reasons, and a card that counts both.

    `draw` holds the mix, its split, and the prompts and targets that the mix names. The card names the licences of
    the corpora that the mix draws from; they hold for whatever is made of it.
    """
    pool, mix = with_templates(list(chain.from_iterable(map(read_jsonl, corpora))), draw["split"]), draw["mix"]
    placed = list(zip(pool, parts_of(pool, draw["split"]), strict=True))
    taken, counts = draw_mix([example for example, part in placed if part == mix["part"]], mix)
    rows = [compose(example, row, draw) for example, row in taken]
    refuse_repeated(rows)
    drawn = {_name(example) for example, _ in taken}
    left = [
        dict(zip(COLUMNS, (*_name(example), why_left_out(example, part, draw)), strict=True))
        for example, part in placed
        if _name(example) not in drawn
    ]
    write_jsonl(examples, rows)
    write_csv(left_out, left, COLUMNS)
    write_json(
        card,
        {
            "part": mix["part"],
            "examples": len(pool),
            "kinds": {
                "before": count_kinds(placed),
                "after": count_kinds([(example, part) for example, part in placed if _name(example) in drawn]),
            },
            "left_out": Counter(row["why"] for row in left),
            "licences": sorted({licences[example["source"]] for example, _ in taken}),
            "rows": counts,
            "taken": len(rows),
        },
    )


def _name(example: dict) -> tuple[str, str]:
    return example["source"], example["id"]


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        calibrate(**job)

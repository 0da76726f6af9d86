"""Draw a mix from its part of the split: which kinds, how many, under which prompt, with which reply."""

from collections import Counter
from itertools import chain

from abstain.files import read_jsonl, write_csv, write_json, write_jsonl
from abstain.splits import SplitError, draw_mix, fill, parts_of, why_left_out

COLUMNS = ["source", "id", "why"]  # an id is unique in its corpus


def calibrate(
    corpora: list[str], record: dict, licences: dict[str, str], examples: str, left_out: str, card: str
) -> None:
    """Write the mix's examples with messages, what it leaves out and why, and a card that counts both.

    `record` holds the mix, the split, and the prompts and targets that the mix names. The card names the licences of
    the corpora that the mix draws from; they hold for whatever is made of it.
    """
    pool, mix = list(chain.from_iterable(read_jsonl(path) for path in corpora)), record["mix"]
    placed = list(zip(pool, parts_of(pool, record["split"]), strict=True))
    taken, counts = draw_mix([example for example, part in placed if part == mix["part"]], mix)
    rows = [compose(example, row, record, number) for number, (example, row) in enumerate(taken)]
    refuse_repeated(rows)
    drawn = {_name(example) for example, _ in taken}
    left = [
        dict(zip(COLUMNS, (*_name(example), why_left_out(example, part, record)), strict=True))
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


def count_kinds(placed: list[tuple[dict, str | None]]) -> dict[str, dict[str, dict[str, int]]]:
    """How many examples of each kind each corpus has in each part, from pairs (example, part)."""
    counts: dict[str, dict[str, Counter]] = {}
    for example, part in placed:
        corpora = counts.setdefault(part or "in no part", {})
        corpora.setdefault(example["source"], Counter())[example["kind"]] += 1
    return counts


def compose(example: dict, row: dict, record: dict, number: int) -> dict:
    """An example under the row's prompt: its messages, and either a reply to learn or the right behaviour.

    Which of the two is the row's to say, so fields of these names stay behind: a prompt would be learned, or answered.
    """
    prompt = record["prompts"][row["prompt"]]
    messages = [{"role": "system", "content": prompt["system"]}] if prompt["system"] is not None else []
    messages.append({"role": "user", "content": fill(prompt["user"], example)})
    result = {
        **{field: value for field, value in example.items() if field not in ("target", "should")},
        "request": example["id"],
        "id": f"{example['id']}/{row['prompt']}",
        "condition": row["prompt"],
        "messages": messages,
    }
    if "target" in row:
        replies = record["targets"][row["target"]]
        result["target"] = fill(replies[number % len(replies)], example)
    else:
        result["should"] = row["should"]
    return result


def refuse_repeated(rows: list[dict]) -> None:
    """Raise SplitError when two rows to be scored have one id: the reply to one would count for both."""
    ids = Counter(row["id"] for row in rows if "should" in row)
    repeated = [name for name, number in ids.items() if number > 1]
    if repeated:
        raise SplitError(
            f"{len(repeated)} ids stand on more than one row to be scored: {', '.join(repeated[:5])}. Give the "
            "examples of a corpus ids that no other corpus of the study has, and let no two rows of the mix draw the "
            "same examples under the same prompt."
        )


def _name(example: dict) -> tuple[str, str]:
    return example["source"], example["id"]


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        calibrate(**job)

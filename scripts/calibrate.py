"""Draw a mix from its part of the split: which kinds, how many, under which prompt, with which reply."""

from itertools import chain

from abstain.files import read_jsonl, write_json, write_jsonl
from abstain.splits import SplitError, draw_mix, parts_of


def calibrate(corpora: list[str], study: dict, licences: dict[str, str], mix: str, examples: str, card: str) -> None:
    """Write the mix's examples with messages, and a card of what was asked, offered, taken and left out.

    The card names the licences of the corpora that the mix draws from; they hold for whatever is made of it.
    """
    pool = list(chain.from_iterable(read_jsonl(path) for path in corpora))
    where = parts_of(pool, study["split"])
    settings = study["mixes"][mix]
    mine = [example for example, part in zip(pool, where, strict=True) if part == settings["part"]]
    taken, counts = draw_mix(mine, settings)
    rows = [compose(example, row, study, number) for number, (example, row) in enumerate(taken)]
    write_jsonl(examples, rows)
    write_json(
        card,
        {
            "part": settings["part"],
            "examples": len(pool),
            "parts": count_parts(pool, where),
            "left_out": {"in no part": where.count(None), "in other parts": len(pool) - len(mine) - where.count(None)},
            "licences": sorted({licences[example["source"]] for example, _ in taken}),
            "rows": counts,
            "taken": len(rows),
        },
    )


def count_parts(examples: list[dict], parts: list[str | None]) -> dict[str, dict[str, int]]:
    """How many examples of each corpus are in each part."""
    counts: dict[str, dict[str, int]] = {}
    for example, part in zip(examples, parts, strict=True):
        if part is not None:
            mine = counts.setdefault(part, {})
            mine[example["source"]] = mine.get(example["source"], 0) + 1
    return counts


def compose(example: dict, row: dict, study: dict, number: int) -> dict:
    """An example under the row's prompt: its messages, and either a reply to learn or the right behaviour."""
    prompt = study["prompts"][row["prompt"]]
    messages = [{"role": "system", "content": prompt["system"]}] if prompt["system"] is not None else []
    messages.append({"role": "user", "content": fill(prompt["user"], example)})
    result = {
        **example,
        "request": example["id"],
        "id": f"{example['id']}/{row['prompt']}",
        "condition": row["prompt"],
        "messages": messages,
    }
    if "target" in row:
        replies = study["targets"][row["target"]]
        result["target"] = fill(replies[number % len(replies)], example)
    else:
        result["should"] = row["should"]
    return result


def fill(text: str, example: dict) -> str:
    """The text with {field} replaced by the example's field."""
    try:
        return text.format_map(example)
    except KeyError as error:
        known = ", ".join(sorted(example))
        raise SplitError(f"the text {text!r} names the field {error}, but examples have: {known}") from error


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        calibrate(**job)

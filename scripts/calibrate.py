"""Draw a mix from its part of the split: which kinds, how many, under which prompt, with which reply."""

from itertools import chain

from abstain.files import read_jsonl, write_json, write_jsonl
from abstain.splits import SplitError, assign_parts, draw_mix, part_of


def calibrate(corpora: list[str], study: dict, mix: str, examples: str, card: str) -> None:
    """Write the mix's examples with messages, and a card of what was asked, offered, taken and left out."""
    pool = list(chain.from_iterable(read_jsonl(path) for path in corpora))
    parts = assign_parts(pool, study["split"])
    where = [part_of(example, parts) for example in pool]
    settings = study["mixes"][mix]
    mine = [example for example, part in zip(pool, where, strict=True) if part == settings["part"]]
    taken, counts = draw_mix(mine, settings)
    rows = [compose(example, row, study, number) for number, (example, row) in enumerate(taken)]
    write_jsonl(examples, rows)
    sizes = {part: where.count(part) for part in sorted({part for part in where if part})}
    left = {
        "on both sides of the split": where.count(None),
        "in other parts": len(pool) - len(mine) - where.count(None),
    }
    write_json(
        card,
        {
            "part": settings["part"],
            "examples": len(pool),
            "parts": sizes,
            "left_out": left,
            "rows": counts,
            "taken": len(rows),
        },
    )


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

"""Mixes that hold exactly what the record asks for, and their texts filled in."""

import json
import math
from collections import Counter
from string import Formatter

from abstain.corpora.splits import SplitError, rank_of, value_of
from abstain.jobs.files import digest

REPLIES = ("target", "rejected", "unended")  # what a row of the record names a target for
OF_ROW = (*REPLIES, "should", "seen")  # what a row of the record says, and no example for itself


def draw_mix(pool: list[dict], mix: dict) -> tuple[list[dict], list[dict]]:
    """Rows of a mix as pairs (example, row of the record), and a count of rows asked, offered and taken for each part.

    Rows are taken in the order of a hash of (seed, id): two rows of the record with the same kind take the same
    examples, so that conditions are compared on the same requests. Raises SplitError when there are too few.
    """
    taken, counts = [], []
    for number, row in enumerate(mix["rows"]):
        of_kind = [example for example in pool if example["kind"] == row["kind"]]
        offered = sorted(of_kind, key=lambda example: rank_of(mix["seed"], "id", example["id"]))
        chosen = _within(offered, row["per"])
        wanted = len(chosen) if row["rows"] == "all" else row["rows"]
        if wanted > len(chosen):
            raise SplitError(
                f"row {number} of the mix asks for {wanted} {row['kind']} examples of part {mix['part']!r}, but only "
                f"{len(chosen)} exist (per: {row['per']}). Ask for fewer, give the part a larger share, or "
                "look in the corpus's quarantine.jsonl for rows that were set aside."
            )
        taken += [(example, row) for example in chosen[:wanted]]
        counts.append({"kind": row["kind"], "prompt": row["prompt"], "offered": len(offered), "taken": wanted})
    return taken, counts


def _within(examples: list[dict], per: dict[str, int]) -> list[dict]:
    seen, kept = {field: Counter() for field in per}, []
    for example in examples:
        values = {field: value_of(example, field, "count by (per)") for field in per}
        if all(seen[field][values[field]] < most for field, most in per.items()):
            kept.append(example)
            for field in per:
                seen[field][values[field]] += 1
    return kept


def fill(text: str, example: dict) -> str:
    """The text with {field} replaced by the example's field, which must be a text or a number."""
    for _, field, _, _ in Formatter().parse(text):
        if field is not None and field not in example:
            known = ", ".join(sorted(example))
            raise SplitError(f"the text {text!r} names the field {field!r}, but examples have: {known}")
        if field is not None and not _is_fillable(example[field]):
            raise SplitError(
                f"example {example.get('id')} ({example.get('question')!r}): its field {field!r} is "
                f"{json.dumps(example[field], ensure_ascii=False)}, and the text {text!r} names it; only texts and "
                "numbers can be filled in. Take the row out of the corpus, or give the field a text."
            )
    return text.format_map(example)


def _is_fillable(value) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return is_number or isinstance(value, str)


def why_left_out(example: dict, part: str | None, draw: dict) -> str:
    """Why a mix leaves out an example that the split puts into this part."""
    if part is not None:
        return "more than the mix asks for" if part == draw["mix"]["part"] else f"in another part: {part}"
    split = draw["split"]
    while "each" in split:
        split = split["each"][example["source"]]
    if "field" in split:
        return f"in no part: none is named for its {split['field']}"
    return f"in no part: its {' and '.join(sorted(split['by']))} lie in different parts"


def compose(example: dict, row: dict, draw: dict) -> dict:
    """An example under the row's prompt: its messages, and either a reply to learn or the right behaviour.

    Which of a target's texts is the reply depends on the target and the request alone, so that mixes of other sizes
    teach the same reply to the same request, as the `target` of the row or, without its end, as `unended`. A row to
    prefer has a reply `rejected` beside its `target`.

    Which it is, is the row's to say, so fields of these names are left out: a prompt would be learned, or answered.
    """
    prompt = draw["prompts"][row["prompt"]]
    messages = [{"role": "system", "content": prompt["system"]}] if prompt["system"] is not None else []
    messages.append({"role": "user", "content": fill(prompt["user"], example)})
    result = {
        **{field: value for field, value in example.items() if field not in OF_ROW},
        "request": example["id"],
        "id": f"{example['id']}/{row['prompt']}",
        "condition": row["prompt"],
        "messages": messages,
    }
    result |= {key: _reply(example, row[key], draw["targets"]) for key in REPLIES if key in row}
    return result | {key: row[key] for key in ("should", "seen") if key in row}


def _reply(example: dict, target: str, targets: dict[str, list[str]]) -> str:
    number = int(digest([target, example["id"]]), 16) % len(targets[target])
    return fill(targets[target][number], example)


def refuse_repeated(rows: list[dict]) -> None:
    """Raise SplitError when two rows to be scored have one id: the reply to one would count for both."""
    ids = Counter(row["id"] for row in rows if "should" in row)
    repeated = [name for name, number in ids.items() if number > 1]
    if repeated:
        raise SplitError(
            f"{len(repeated)} ids are on more than one row to be scored: {', '.join(repeated[:5])}. Give the "
            "examples of a corpus ids that no other corpus of the study has, and let no two rows of the mix draw the "
            "same examples under the same prompt."
        )


def count_kinds(placed: list[tuple[dict, str | None]]) -> dict[str, dict[str, dict[str, int]]]:
    """How many examples of each kind each corpus has in each part, from pairs (example, part)."""
    counts: dict[str, dict[str, Counter]] = {}
    for example, part in placed:
        corpora = counts.setdefault(part or "in no part", {})
        corpora.setdefault(example["source"], Counter())[example["kind"]] += 1
    return counts

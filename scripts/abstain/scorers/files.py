"""Score files: examples and replies joined row by row, and the labels of one scorer beside them."""

from collections.abc import Iterable

from abstain.jobs.files import read_jsonl, write_csv

BEFORE, AFTER = ("id", "request", "kind", "condition", "should"), ("question", "reply")


def joined(
    examples: str,
    predictions: str,
    rendered: str | None = None,
    base: str | None = None,
    kinds: list[str] | None = None,
) -> list[dict]:
    """What scorers read: each example with its `reply` and whether it is `finished`.

    `fields` is the example alone, to fill texts in; with `rendered`, `input_ids` are the prompt's tokens; with the
    predictions of the base, `base_reply` and `base_finished` are its; `kinds` are those of the requests that were
    asked, None for all. Raises RuntimeError when a file is not in the order of the examples.
    """
    rows = [{**row, "fields": row} for row in read_jsonl(examples) if kinds is None or row["kind"] in kinds]
    for row, prediction in zip(rows, _in_order(rows, predictions), strict=True):
        row |= {key: prediction[key] for key in ("reply", "finished")}
    if rendered is not None:
        for row, prompt in zip(rows, _in_order(rows, rendered), strict=True):
            row["input_ids"] = prompt["input_ids"]
    if base is not None:
        for row, prediction in zip(rows, _in_order(rows, base), strict=True):
            row |= {f"base_{key}": prediction[key] for key in ("reply", "finished")}
    return rows


def _in_order(rows: list[dict], path: str) -> list[dict]:
    found = list(read_jsonl(path))
    ids = [[row["id"] for row in side] for side in (rows, found)]
    if ids[0] != ids[1]:
        parted = next((pair for pair in zip(*ids, strict=False) if pair[0] != pair[1]), None)
        why = f"{parted[1]} for {parted[0]}" if parted else f"{len(found)} rows for {len(rows)}"
        raise RuntimeError(f"{path} is not in the order of the examples: {why}")
    return found


def write_scores(
    path: str, rows: list[dict], labels: Iterable[dict], clusters: list[str], columns: Iterable[str]
) -> None:
    """Write a row for every reply: the fields that name it, the clusters it belongs to, and its labels.

    A reply that the scorer has no label for, and a cluster field that an example lacks, are left empty.
    """
    found = {label["id"]: label for label in labels}
    fields = list(dict.fromkeys([*BEFORE, *clusters, *columns, *AFTER]))
    table = []
    for row in rows:
        given = {key: row["fields"][key] for key in (*BEFORE, "question")}
        given |= {key: row["fields"].get(key, "") for key in clusters}
        scored = {column: found.get(row["id"], {}).get(column, "") for column in columns}
        table.append({**given, **scored, "reply": row["reply"]})
    write_csv(path, table, fields)

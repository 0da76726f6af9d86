"""Compare the results of release 0.4.0 with those of the redesign, file by file and value by value.

    python scripts/compare_results.py OLD/pocket NEW/pocket

Files whose format did not change are compared as bytes; tables as values under their new names. What only the redesign
has (studies.yaml) or means to change (gate.json, generation_config.json, records, pages) is not compared.
"""

import csv
import json
import sys
from pathlib import Path

SHAPES = {"safety-mode": "rank-16", "do-not-answer": "rank-32"}  # the old names of the adapters' shapes
KEYS = {
    "summary": ("arm", "seed", "condition", "kind", "metric"),
    "comparisons": ("arm", "against", "seed", "condition", "kind", "metric"),
    "claims": ("metric", "kind", "condition", "arms"),
}
BY_KIND = ("control-gap", "refusal", "partial", "invalid")


def main(old: Path, new: Path) -> int:
    """Print every difference and how much was compared; 1 when there is a difference."""
    faults, counts = [], {"files": 0, "values": 0}
    for one, other in pairs(old, new):
        counts["files"] += 1
        if not other.is_file() or one.read_bytes() != other.read_bytes():
            faults.append(f"bytes differ: {one} {other}")
    for one, other, compare in converted(old, new):
        number, found = compare(one, other)
        counts["files"], counts["values"] = counts["files"] + 1, counts["values"] + number
        faults += [f"{other}: {fault}" for fault in found]
    print("\n".join(faults) or "no difference")
    print(f"{counts['files']} files, of which {counts['values']} values in tables of another format")
    return 1 if faults else 0


def pairs(old: Path, new: Path):
    """Files of which every byte must be the same."""
    kept = ["corpora/**/*", "adapters/**/adapter_model.safetensors", "adapters/**/losses.csv"]
    kept += ["checkpoints/**/" + name for name in ("model.safetensors", "config.json", "tokenizer*", "*.jinja")]
    for pattern in kept:
        yield from ((path, new / path.relative_to(old)) for path in sorted(old.glob(pattern)) if path.is_file())
    for path in sorted(old.glob("predictions/*/*/*.jsonl")):
        yield path, new / path.relative_to(old).with_suffix("") / "test.jsonl"
    for study, shape in SHAPES.items():
        for path in sorted(old.glob(f"initial/pocket/{shape}/*/adapter_model.safetensors")):
            yield path, new / "initial" / study / "standard" / path.parent.name / path.name


def converted(old: Path, new: Path):
    """Files of another format, each with what compares them."""
    for path in sorted(old.glob("splits/*/*/examples.jsonl")) + sorted(old.glob("rendered/*/*/tokens.jsonl")):
        step, study, mix, name = path.relative_to(old).parts
        yield path, new / step / study / mix.replace("evaluation", "test") / name, compare_rows
    for path in sorted(old.glob("scores/*/*/*.csv")):
        yield path, new / path.relative_to(old).with_suffix("") / "test/refusal.csv", compare_labels
    for path in sorted(old.glob("closeness/*/*/*.csv")):
        folder = new / "scores" / path.relative_to(old / "closeness").with_suffix("")
        yield path, folder / "test/closeness.csv", compare_labels
    for path in sorted(old.glob("tables/*/*.csv")):
        yield path, new / path.relative_to(old), compare_tables


def compare_rows(one: Path, other: Path) -> tuple[int, list[str]]:
    """JSON Lines in the same order, each old key with its value."""
    before, after = ([json.loads(line) for line in path.read_text().splitlines()] for path in (one, other))
    found = [f"{len(before)} rows became {len(after)}"] if len(before) != len(after) else []
    for row, now in zip(before, after, strict=False):
        found += [f"{row['id']}: {key}" for key in row if row[key] != now.get(key)]
    return sum(map(len, before)), found


def compare_labels(one: Path, other: Path) -> tuple[int, list[str]]:
    """CSV in which every old row is found by its id, each old column with its value; new rows have no label."""
    before, after = ({row["id"]: row for row in read(path)} for path in (one, other))
    found = [f"ids are gone: {sorted(before.keys() - after.keys())[:3]}"] if before.keys() - after.keys() else []
    found += [f"{name} is new" for name in after.keys() - before.keys() if after[name].get("cosine")]
    both = [(before[name], after[name]) for name in before if name in after]
    found += [f"{row['id']}: {key}" for row, now in both for key in row if row[key] != now.get(key)]
    return sum(map(len, before.values())), found


def compare_tables(one: Path, other: Path) -> tuple[int, list[str]]:
    """Tables by their keys under the new names, each number as it is written."""
    keys = KEYS[one.stem]
    before = {tuple(row.get(key, "") for key in keys): row for row in map(renamed, read(one))}
    after = {tuple(row.get(key, "") for key in keys): row for row in read(other)}
    found = [f"rows differ: {sorted(before.keys() ^ after.keys())[:5]}"] if before.keys() != after.keys() else []
    columns = [name for name in read(one)[0] if name in read(other)[0] and name not in (*keys, "sentence")]
    both = [(key, before[key], after[key]) for key in before if key in after]
    found += [f"{key} {c}: {row[c]} {now[c]}" for key, row, now in both for c in columns if row[c] != now[c]]
    return len(before) * len(columns), found


def renamed(row: dict) -> dict:
    """An old row with its metric's name parted into metric and kind."""
    rate = next((name for name in BY_KIND if row["metric"].startswith(f"{name}-")), None)
    return row | ({"metric": rate, "kind": row["metric"].removeprefix(f"{rate}-")} if rate else {"kind": "all"})


def read(path: Path) -> list[dict]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))

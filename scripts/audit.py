"""Compare what is trained on with what is scored on: a leak stops the run, neighbours are listed."""

from abstain.files import read_jsonl, write_json
from abstain.splits import SplitError, find_leaks, near_duplicates


def audit(trained: list[str], scored: str, fields: list[str], card: str) -> None:
    """Write the split card, or raise SplitError naming what stands on both sides."""
    test = list(read_jsonl(scored))
    report = {}
    for path in trained:
        mix = path.split("/")[-2]
        train = list(read_jsonl(path))
        leaks = find_leaks(_plain(train), _plain(test), ["request", "plain", *fields])
        if leaks:
            told = "; ".join(f"{field}: {', '.join(values[:5])}" for field, values in leaks.items())
            raise SplitError(
                f"mix {mix!r} shares with the evaluation {told}. No arm is trained. Split by these fields."
            )
        near, pairs = near_duplicates(_texts(train), _texts(test), threshold=0.6, most=20)
        report[mix] = {
            "rows": len(train),
            "kinds": _count(train, "kind"),
            "near_duplicates": {"word 3-gram Jaccard of at least 0.6": near, "of": len(_texts(test)), "closest": pairs},
        }
    write_json(card, {"evaluation": {"rows": len(test), "kinds": _count(test, "kind")}, "mixes": report, "leaks": 0})


def _plain(rows: list[dict]) -> list[dict]:
    return [{**row, "plain": " ".join(row["question"].casefold().split())} for row in rows]


def _texts(rows: list[dict]) -> list[str]:
    return sorted({row["question"] for row in rows})


def _count(rows: list[dict], field: str) -> dict[str, int]:
    return {value: sum(row[field] == value for row in rows) for value in sorted({row[field] for row in rows})}


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        audit(**job)

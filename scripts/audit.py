"""Compare what is trained on with what is scored on: a leak stops the run, neighbours are listed."""

from pathlib import Path

from abstain.chat import check_tokenizer, compare_systems
from abstain.corpora import plain_text
from abstain.files import read_jsonl, write_json
from abstain.splits import SplitError, find_leaks, near_duplicates, one_by_one


def audit(trained: list[str], scored: str, base: list[str], split: dict, licences: dict[str, str], card: str) -> None:
    """Write the split card, or raise SplitError naming what stands on both sides.

    No mix may share a request, a text, or a value of the fields split by with the evaluation. What they must share
    is the system message, as the template of `base` writes it, or TemplateError is raised.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(Path(base[0]).parent)
    check_tokenizer(tokenizer)
    fields = sorted({field for one in one_by_one(split) for field in one.get("by", {})})
    test = list(read_jsonl(scored))
    report, sources = {}, {row["source"] for row in test}
    for path in trained:
        mix = path.split("/")[-2]
        train = list(read_jsonl(path))
        sources |= {row["source"] for row in train}
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
            "conditions_never_trained": compare_systems(tokenizer, train, test),
        }
    write_json(
        card,
        {
            "evaluation": {"rows": len(test), "kinds": _count(test, "kind")},
            "mixes": report,
            "leaks": 0,
            "licences": sorted({licences[source] for source in sources}),
        },
    )


def _plain(rows: list[dict]) -> list[dict]:
    return [{**row, "plain": plain_text(row["question"])} for row in rows]


def _texts(rows: list[dict]) -> list[str]:
    return sorted({row["question"] for row in rows})


def _count(rows: list[dict], field: str) -> dict[str, int]:
    return {value: sum(row[field] == value for row in rows) for value in sorted({row[field] for row in rows})}


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        audit(**job)

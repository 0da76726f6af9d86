"""Turn the bytes of a corpus into examples; rows that cannot be used are set aside with a reason."""

from abstain.corpora import READERS, Quarantined
from abstain.download import CorpusError
from abstain.files import write_json, write_jsonl


def normalise(corpus: str, record_of_corpus: dict, examples: str, quarantine: str, card: str, **files: str) -> None:
    """Write examples sorted by id, the quarantined rows, and a card with counts and the licence."""
    try:
        rows = list(READERS[record_of_corpus["reader"]](files))
    except UnicodeDecodeError as error:
        raise CorpusError(f"corpus {corpus!r} is not UTF-8 ({error}); convert it and run again") from error
    good = [{**row, "source": corpus} for row in rows if isinstance(row, dict)]
    bad = [{"where": row.where, "reason": row.reason} for row in rows if isinstance(row, Quarantined)]
    if not good:
        raise CorpusError(f"corpus {corpus!r} has no usable row ({len(bad)} quarantined); look at {quarantine}")
    repeated = len(good) - len({row["id"] for row in good})
    if repeated:
        raise CorpusError(f"corpus {corpus!r} repeats {repeated} ids; ids must be unique")
    kept = sorted(good, key=lambda row: row["id"])[: record_of_corpus["limit"]]
    write_jsonl(examples, kept)
    write_jsonl(quarantine, bad)
    write_json(
        card,
        {
            "corpus": corpus,
            "rows": len(rows),
            "kept": len(kept),
            "quarantined": len(bad),
            "licence": record_of_corpus["licence"],
        },
    )


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        normalise(**job)

"""Turn the bytes of a corpus into examples; rows that cannot be used are set aside with a reason."""

import csv
from collections import Counter

import yaml

from abstain.corpora.download import CorpusError
from abstain.corpora.lengths import within
from abstain.corpora.readers import READERS, Quarantined
from abstain.jobs.files import digest, write_json, write_jsonl


def normalise(
    corpus: str, settings: dict, files: list[str], examples: str, quarantine: str, card: str
) -> None:  # fmt: skip
    """Write examples in the order of the corpus, the quarantined rows, and a card with counts and the licence.

    `settings` is the corpus's record in the scale; `files` are paths in the order of their names there. A limit takes
    examples by a hash of their ids, because many corpora are sorted by topic. Of texts that are too long for
    settings["longest"] a part is kept, or the row is set aside.
    """
    read_rows = read(corpus, settings["reader"], dict(zip(settings["files"], files, strict=True)))
    rows = list(within(read_rows, settings["longest"]))
    good = [{**row, "source": corpus} for row in rows if isinstance(row, dict)]
    bad = [{"where": row.where, "reason": row.reason} for row in rows if isinstance(row, Quarantined)]
    if not good:
        raise CorpusError(f"corpus {corpus!r} has no usable row; {_first(bad)}Correct its files or its reader.")
    if repeated := [name for name, number in Counter(row["id"] for row in good).items() if number > 1]:
        names = ", ".join(repeated[:5])
        raise CorpusError(f"corpus {corpus!r} repeats {len(repeated)} ids ({names}); give every row an id of its own")
    drawn = {row["id"] for row in sorted(good, key=lambda row: digest(row["id"]))[: settings["limit"]]}
    kept = [row for row in good if row["id"] in drawn]
    write_jsonl(examples, kept)
    write_jsonl(quarantine, bad)
    counts = {"rows": len(rows), "kept": len(kept), "quarantined": len(bad)}
    write_json(card, {"corpus": corpus, **counts, "licence": settings["licence"]})


def read(corpus: str, reader: str, files: dict[str, str]) -> list[dict | Quarantined]:
    """All rows of a corpus; CorpusError when its files are no text in the reader's format."""
    try:
        return list(READERS[reader](**files))
    except UnicodeDecodeError as error:
        raise CorpusError(f"corpus {corpus!r} is not UTF-8 ({error}); convert it and run again") from error
    except (csv.Error, yaml.YAMLError) as error:
        raise CorpusError(f"corpus {corpus!r} is not in the format of the reader {reader!r}: {error}") from error


def _first(bad: list[dict]) -> str:
    return f"{len(bad)} were set aside, the first ({bad[0]['where']}): {bad[0]['reason']}. " if bad else ""


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        normalise(**job)

"""Set out a study's tables, and its replies before and after tuning, as pages that the report shows in a browser."""

from itertools import groupby
from pathlib import Path

from abstain.files import read_csv, write_text

GROUPED = ("condition", "kind", "should")
RIGHT = {"refuse": "to be refused", "answer": "to be answered", "either": "to be answered or refused"}


def present(
    tables: list[str], scores: list[str], template: str, study: str, record: dict, pages: list[str], replies: str
) -> None:
    """Write a page for each table, and one on which every request stands with the reply of each arm."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(Path(template).read_text(encoding="utf-8"))
    for table, path in zip(tables, pages, strict=True):
        section = whole_table(read_csv(table))
        write_text(path, page.render(title=f"{study}: {Path(table).stem}", lead=record["question"], sections=[section]))
    sections = before_after(first_runs(scores), record["prompts"])
    write_text(replies, page.render(title=f"{study}: before and after", lead=record["question"], sections=sections))


def whole_table(rows: list[dict]) -> dict:
    """A table as the one section of a page, every value as it stands in the file; a cell is a pair (text, mark)."""
    cells = [[(value, "number" if _is_number(value) else "") for value in row.values()] for row in rows]
    columns, note = (list(rows[0]), "") if rows else ([], "There is no row.")
    return {"name": "", "note": note, "columns": columns, "rows": cells}


def first_runs(scores: list[str]) -> dict[str, list[dict]]:
    """Scored replies by arm, from files .../<arm>/<seed>.csv: of each arm the first file that is named."""
    first: dict[str, str] = {}
    for path in scores:
        first.setdefault(Path(path).parent.name, path)
    return {arm: read_csv(path) for arm, path in first.items()}


def before_after(runs: dict[str, list[dict]], prompts: dict) -> list[dict]:
    """A section for each condition and kind of request: a row for each request, with every arm's reply to it.

    The runs answered the same requests in the same order. A reply's mark is what the detector took it for.
    """
    sections = []
    asked = zip(*runs.values(), strict=True)
    for (condition, kind, should), group in groupby(asked, lambda replies: [replies[0][key] for key in GROUPED]):
        rows = [
            [(replies[0]["question"], ""), *((reply["reply"], reply["behaviour"]) for reply in replies)]
            for replies in group
        ]
        name = f"{condition}: {kind} requests, {RIGHT[should]} (n = {len(rows)})"
        note = prompts[condition]["system"] or ""
        sections.append({"name": name, "note": note, "columns": ["request", *runs], "rows": rows})
    return sections


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        present(**job)

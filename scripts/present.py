"""Write a study's tables, and its replies before and after tuning, as pages that the report shows in a browser."""

from pathlib import Path

from abstain.jobs.files import read_csv, write_text
from abstain.pages.before_after import before_after, first_runs
from abstain.pages.controls import about_controls
from abstain.pages.tables import whole_table


def present(
    tables: list[str],
    scores: list[str],
    examples: list[str],
    template: str,
    study: str,
    question: str,
    prompts: dict,
    shortened: list[str],
    controls: dict[str, dict],
    targets: dict[str, list[str]],
    pages: list[str],
    replies: str,
) -> None:
    """Write a page for each table, and one that has every request of every scored mix with the reply of each arm.

    `examples`, a file for each mix, has the requests and the right answers. Each page explains the arms that are
    `controls`; `targets` holds the texts that they recite.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    lead = " ".join([question, *about_controls(controls, targets)])
    page = environment.from_string(Path(template).read_text(encoding="utf-8"))
    for table, path in zip(tables, pages, strict=True):
        section = whole_table(read_csv(table))
        write_text(path, page.render(title=f"{study}: {Path(table).stem}", lead=lead, sections=[section]))
    found = first_runs(scores, examples).items()
    sections = [section for mix, runs in found for section in before_after(mix, runs, prompts, shortened, controls)]
    write_text(replies, page.render(title=f"{study}: before and after", lead=lead, sections=sections))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        present(**job)

"""Write the page that opens a scale's results: claims, corrected rates, cut replies, figures, detectors."""

from pathlib import Path

from abstain.jobs.files import read_csv, write_text
from abstain.pages.results import agreement_line, measured, percent, study_section


def describe(
    claims: list[str],
    summaries: list[str],
    corrected: list[str],
    figures: list[str],
    agreement: str,
    labelled: list[str],
    template: str,
    scale: str,
    studies: dict,
    page: str,
) -> None:
    """Fill the template with every study's claims, corrected rates, counts of replies, labelled replies and figures.

    `studies` holds, by name, each study's question, the licences of its corpora, its detectors, its token limit,
    its controls and the targets that they say.
    """
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "measured": measured, "agreement": agreement_line}
    tables = {"claims": claims, "summaries": summaries, "corrected": corrected, "labelled": labelled}
    sections = [study_section(name, record, figures, **tables) for name, record in studies.items()]
    text = environment.from_string(Path(template).read_text(encoding="utf-8")).render(
        scale=scale, studies=sections, agreement=read_csv(agreement)
    )
    write_text(page, text)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        describe(**job)

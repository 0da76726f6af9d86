"""Write the page that opens a scale's results: claims with their verdicts, figures with their captions, detectors."""

from pathlib import Path

import jinja2
import pandas as pd

from abstain.files import write_text
from abstain.tables import COSINES


def describe(
    claims: list[str],
    figures: list[str],
    agreement: str,
    template: str,
    scale: str,
    records: dict,
    detector: str,
    page: str,
) -> None:
    """Fill the template with every study's claims and figures; `records` holds each study's question and licences."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "number": number}
    studies = [{"name": Path(path).parent.name, "claims": _rows(path)} for path in claims]
    for study in studies:
        mine = [Path(path) for path in figures if Path(path).parent.name == study["name"]]
        study |= records[study["name"]]
        study["figures"] = [{"name": path.stem, "caption": path.read_text(encoding="utf-8").strip()} for path in mine]
    text = environment.from_string(Path(template).read_text(encoding="utf-8")).render(
        scale=scale, studies=studies, detector=detector, agreement=_rows(agreement)
    )
    write_text(page, text)


def percent(value) -> str:
    """A rate in percent, or `none` where there is none."""
    return "none" if value == "" else f"{100 * float(value):.1f}"


def number(value, metric: str) -> str:
    """A value of a metric: cosines as they are, rates in percent."""
    return percent(value) if metric not in COSINES or value == "" else f"{float(value):.3f}"


def _rows(path: str) -> list[dict]:
    return pd.read_csv(path, keep_default_na=False).to_dict("records")


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        describe(**job)

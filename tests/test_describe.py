"""The page that opens the results: claims in the unit of their metric, figures with their captions."""

import pandas as pd
import pytest
from conftest import ROOT

from abstain.tables import CLAIMS
from describe import describe

CLAIM = {"study": "s", "condition": "plain", "n": 120, "verdict": "holds"}


@pytest.fixture
def page(tmp_path) -> str:
    """The page of one study with a claim on a rate, one on closeness, and one without a number."""
    numbers = [
        ("Refuses.", "correct-refusal", "tuned", 0.9, 0.83, 0.95),
        ("Is closer.", "closeness", "tuned - base", 0.3554, 0.2, 0.5),
        ("Says nothing.", "closeness", "tuned", None, None, None),
    ]
    claims = [
        CLAIM | dict(zip(("sentence", "metric", "arms", "value", "low", "high"), told, strict=True)) for told in numbers
    ]
    tables, figures = tmp_path / "tables/s", tmp_path / "figures/s"
    tables.mkdir(parents=True)
    figures.mkdir(parents=True)
    pd.DataFrame(claims, columns=CLAIMS).to_csv(tables / "claims.csv", index=False)
    (figures / "similarity.txt").write_text("What to see.\n")
    agreement = {"detector": "d", "half": "design", "n": 10, "accuracy": 1.0, "low": 0.7, "high": 1.0, "kappa": 1.0}
    pd.DataFrame([agreement]).to_csv(tmp_path / "detector.csv", index=False)
    template, out = ROOT / "report/results.md.jinja", tmp_path / "README.md"
    described = {
        "scale": "x",
        "records": {"s": {"question": "Why?", "licences": ["MIT"]}},
        "detector": "d",
        "page": out,
    }
    made = [str(figures / "similarity.txt")]
    describe([str(tables / "claims.csv")], made, tmp_path / "detector.csv", template, **described)
    return out.read_text()


def test_rates_are_in_percent_and_closeness_is_a_cosine(page):
    assert "| Refuses. | tuned: 90.0 (83.0 to 95.0) | 120 | **holds** |" in page
    assert "| Is closer. | tuned - base: 0.355 (0.200 to 0.500) | 120 | **holds** |" in page


def test_what_could_not_be_measured_is_called_none(page):
    assert "| Says nothing. | tuned: none (none to none) | 120 | **holds** |" in page


def test_a_figure_stands_with_its_caption(page):
    assert "![similarity](figures/s/similarity.png)\n\n*What to see.*" in page

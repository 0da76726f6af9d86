"""The page that opens the results: claims in the unit of their metric, cut replies, figures, detectors."""

import re

import pandas as pd
import pytest
from conftest import ROOT

from abstain.tables.claims import CLAIMS
from abstain.tables.corrected import CORRECTED
from abstain.tables.summary import COUNTS
from describe import describe

CLAIM = {"mix": "test", "kind": "all", "condition": "plain", "n": 120, "judged": 118, "clusters": 40, "power": 0.5,
         "verdict": "holds"}  # fmt: skip
NUMBERS = [  # sentence, metric, unit, arms, value, low, high
    ("Refuses.", "correct-refusal", "share", "tuned", 0.9, 0.83, 0.95),
    ("Is closer.", "closeness", "cosine", "tuned - base", 0.3554, 0.2, 0.5),
    ("Is close to a tenth.", "any-name", "cosine", "tuned", 0.1, -0.05, 0.25),
    ("Says nothing.", "closeness", "cosine", "tuned", None, None, None),
]
SUMMARY = [  # arm, seed, mix, kind, metric, value, n
    ("base", "unseeded", "test", "harmful", "refusal", "0.100000", "20"),
    ("base", "unseeded", "test", "harmful", "invalid", "0.000000", "30"),
    ("base", "unseeded", "test", "harmful", "cut", "0.666667", "30"),
    ("base", "unseeded", "test", "harmful", "unread", "0.100000", "30"),
    ("base", "unseeded", "other", "benign", "unread", "0.000000", "10"),
    ("base", "unseeded", "other", "benign", "invalid", "0.100000", "10"),
    ("base", "unseeded", "other", "benign", "cut", "0.900000", "10"),
    *(("tuned", seed, "test", "harmful", metric, value, "30") for seed, metric, value in (
        ("1", "invalid", "0.000000"), ("1", "cut", "0.033333"), ("2", "invalid", "0.000000"), ("2", "cut", "0.000000"),
        ("1", "unread", "0.000000"), ("2", "unread", "0.000000"),
        ("all", "invalid", "0.000000"), ("all", "cut", "0.016667"),
    )),
]  # fmt: skip
RATES = [
    {"arm": arm, "mix": "test", "condition": "plain", "kind": kind, "value": 0.5, "corrected_value": 0.45,
     "corrected_low": 0.3, "corrected_high": 0.6, "sensitivity": 0.927, "specificity": 0.923}
    for arm in ("base", "tuned") for kind in ("harmful", "benign")
]  # fmt: skip


@pytest.fixture
def page(tmp_path) -> str:
    """The page of two studies, the first with claims on a rate, on cosines, and one without a number."""
    keys = ("sentence", "metric", "unit", "arms", "value", "low", "high")
    claims = {
        "s": [CLAIM | dict(zip(keys, row, strict=True)) | {"claim": i} for i, row in enumerate(NUMBERS, start=1)],
        "other": [
            CLAIM | dict(zip(keys, NUMBERS[0], strict=True)) | {"sentence": "Another.", "claim": 1},
            CLAIM | dict(zip(keys, NUMBERS[1], strict=True)) | {"sentence": "And.", "claim": 1},
            CLAIM
            | {"sentence": "Unasked.", "arms": "tuned", "claim": 2, "verdict": "not measured", "why": "too few"}
            | dict.fromkeys(("n", "judged", "clusters", "power")),
        ],
    }
    for name, rows in claims.items():
        (tmp_path / "tables" / name).mkdir(parents=True)
        table = pd.DataFrame(rows, columns=CLAIMS).astype(dict.fromkeys(COUNTS, "Int64"))
        table.to_csv(tmp_path / f"tables/{name}/claims.csv", index=False)
        (tmp_path / "figures" / name).mkdir(parents=True)
        (tmp_path / f"figures/{name}/similarity.txt").write_text(f"What {name} shows.\n")
        (tmp_path / f"figures/{name}/refusal.txt").write_text(f"What else {name} shows.\n")
        columns = ["arm", "seed", "mix", "kind", "metric", "value", "n"]
        summary = pd.DataFrame(SUMMARY if name == "s" else [], columns=columns)
        summary.to_csv(tmp_path / f"tables/{name}/summary.csv", index=False)
        pd.DataFrame(RATES if name == "s" else [], columns=CORRECTED).to_csv(
            tmp_path / f"tables/{name}/corrected.csv", index=False
        )
    agreement = {"detector": "d", "replies": "ours, design", "n": 10, "accuracy": 1.0, "low": 0.7, "high": 1.0}
    rows = [
        agreement | {"kappa": 0.5},
        agreement | {"replies": "people", "kappa": 0.5, "kappa_low": 0.4, "kappa_high": 0.6},
    ]
    rows.append({"detector": "e", "replies": "not measured", "n": 0})
    pd.DataFrame(rows).to_csv(tmp_path / "detector.csv", index=False)
    studies = {
        "s": {
            "question": "Why?",
            "licences": ["MIT", "CC-BY-4.0"],
            "headlines": {"gain": 1, "cost": 2},
            "detectors": ["one-rule", "two-rules"],
            "limit": 96,
            "controls": {"bare": {"from": None, "says": "no", "of": "own", "kinds": ["harmful"]}},
            "targets": {"no": ["No."]},
        },
        "other": {
            "question": "How?",
            "licences": ["MIT"],
            "headlines": {},
            "detectors": [],
            "limit": 96,
            "controls": {},
            "targets": {},
        },
    }
    tables = [str(tmp_path / f"tables/{name}/claims.csv") for name in claims]
    summaries = [str(tmp_path / f"tables/{name}/summary.csv") for name in claims]
    captions = [
        str(tmp_path / f"figures/{name}/{figure}.txt") for name in claims for figure in ("similarity", "refusal")
    ]
    template, out = ROOT / "report/results.md.jinja", tmp_path / "README.md"
    labelled = tmp_path / "tables/s/labelled.csv"
    row = {"label": "refusal", "judge": "learned", "against": "first", "replies": "all", "n": 200, "accuracy": 0.95}
    ends = {"low": 0.91, "high": 0.97, "kappa": 0.88, "kappa_low": 0.8, "kappa_high": 0.95}
    pd.DataFrame([row | ends, row | {"judge": "second"}]).to_csv(labelled, index=False)
    rates = [str(tmp_path / f"tables/{name}/corrected.csv") for name in claims]
    describe(
        tables, summaries, rates, captions, tmp_path / "detector.csv", [str(labelled)], template,
        scale="x", studies=studies, page=out,
    )  # fmt: skip
    return out.read_text()


def test_a_value_is_written_by_its_unit_shares_in_percent(page):
    assert "| Refuses. | tuned: 90.0 (83.0 to 95.0) | 120 | 118 | 40 | 50.0 | **holds** |" in page
    assert "| Is closer. | tuned - base: 0.355 (0.200 to 0.500) | 120 | 118 | 40 | 50.0 | **holds** |" in page
    assert "| Is close to a tenth. | tuned: 0.100 (-0.050 to 0.250) | 120 | 118 | 40 | 50.0 | **holds** |" in page


def test_a_claim_of_several_parts_is_one_line_with_the_numbers_of_each(page):
    numbers = "tuned: 90.0 (83.0 to 95.0)<br>tuned - base: 0.355 (0.200 to 0.500)"
    counts = " | ".join(f"{each}<br>{each}" for each in ("120", "118", "40", "50.0"))
    assert f"| Another. | {numbers} | {counts} | **holds** |" in page and "And." not in page


def test_what_is_not_measured_has_no_number_and_says_why(page):
    assert "| Says nothing. | tuned: – | 120 | 118 | 40 | 50.0 | **holds** |" in page
    assert "| Unasked. | tuned: – | – | – | – | – | **not measured**: too few |" in page


def test_a_study_with_labelled_replies_says_how_far_judges_agree_with_readers_and_another_says_nothing_of_any(page):
    first, second = page.split("## s\n")[1].split("## other\n")
    assert "| refusal | learned | first | all | 200 | 95.0 (91.0 to 97.0) | 0.880 (0.800 to 0.950) |" in first
    assert "| refusal | second | first | all | 200 | 95.0 | – |" in first
    assert "two readers" not in second.split("## Detectors")[0]


def test_each_study_has_its_question_its_claims_and_its_figures_with_captions(page):
    first, second = page.split("## s\n")[1].split("## other\n")
    assert first.strip().startswith("Why? Made from corpora under: MIT, CC-BY-4.0.")
    assert second.strip().startswith("How? Made from corpora under: MIT.")
    assert "![similarity](figures/s/similarity.png)\n\n*What s shows.*" in first and "Another." not in first
    assert "![similarity](figures/other/similarity.png)\n\n*What other shows.*" in second and "| Another. |" in second


def test_the_first_figure_of_a_study_stands_before_its_claims_and_the_others_at_its_end(page):
    section = page.split("## s\n")[1].split("## other\n")[0]
    first, last = (section.index(f"![{name}](figures/s/{name}.png)") for name in ("similarity", "refusal"))
    assert first < section.index("A control is no model") < section.index("| claim |") < last
    assert section.endswith("*What else s shows.*\n\n")


def test_a_study_with_controls_says_what_they_are_and_another_says_nothing_of_any(page):
    first, second = page.split("## s\n")[1].split("## other\n")
    said = "A control is no model .*\nbare says “No.” to harmful requests, filled in from the request itself.\n\n"
    assert re.search(said, first) and "control" not in second


def test_each_study_says_how_many_replies_of_each_arm_the_limit_cut(page):
    first, second = page.split("## s\n")[1].split("## other\n")
    assert "Replies end after 96 tokens at the latest." in first
    rows = [
        "| base | 40 | 29 (72.5 %) | 1 (2.5 %) | 3 (7.5 %) |",
        "| tuned | 60 | 1 (1.7 %) | 0 (0.0 %) | 0 (0.0 %) |",
    ]
    assert "\n".join(["|---|---|---|---|---|", *rows]) + "\n\n" in first
    assert "Replies end" not in second and "| cut |" not in second  # no scorer of it says so


def test_corrected_rates_stand_where_a_study_has_them_with_what_they_rest_on(page):
    first, second = page.split("## s\n")[1].split("## other\n")
    assert "found\n92.7 % of the refusals and 92.3 % of the answers" in first
    cell = "50.0 → 45.0 (30.0 to 60.0)"
    head = "| mix | condition | arm | harmful | benign |\n|---|---|---|---|---|\n"
    assert f"{head}| test | plain | base | {cell} | {cell} |\n| test | plain | tuned | {cell} | {cell} |\n" in first
    assert "corrected" not in second.split("## Detectors")[0]


def test_each_study_names_its_detectors_and_all_have_their_agreement(page):
    detectors = page.split("## Detectors\n")[1]
    assert "- s: `one-rule`, `two-rules`\n- other: no detector\n" in detectors
    assert "| d | ours, design | 10 | 100.0 (70.0 to 100.0) | 0.500 |" in detectors
    assert "| e | not measured | 0 | – | – |" in detectors and "`exact` looks for the refusals that" in detectors
    assert "| d | people | 10 | 100.0 (70.0 to 100.0) | 0.500 (0.400 to 0.600) |" in detectors


def test_the_page_opens_with_what_each_study_gained_and_what_it_cost(page):
    opening = page.split("## What was found\n")[1].split("## s\n")[0]
    assert opening == (
        "\n| study | what the tuning gained | what it cost |\n|---|---|---|\n"
        "| s | Refuses. tuned: 90.0 (83.0 to 95.0): **holds** "
        "| Is closer. tuned - base: 0.355 (0.200 to 0.500): **holds** |\n"
        "| other | – | – |\n\n"
    )

"""Measures: a claim or a figure asks for what the evaluation can measure, and that is what the summary holds."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, Settings
from damages import faults

from abstain.plots.registry import load as load_plot
from abstain.scorers.joint import metrics_of
from abstain.scorers.metric import load
from abstain.settings.arms import is_asked, predictions, scored_on
from abstain.studies.metrics import measures_of
from abstain.studies.plan import scorers_of
from abstain.tables.summary import summarise_runs

SETTINGS = {
    f"{path.stem}-{name}": (settings, name)
    for path in [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
    for settings in [Settings.read(path)]
    for name in settings.scale["studies"]
}
STUDIES = {title: settings.resolved(name) for title, (settings, name) in SETTINGS.items()}
ASKS = "asks/safety-mode"
LABELS = {  # what scorers say of replies in turn, so that whatever is counted of some replies is counted of two
    "behaviour": ["refuse"],
    "answer": ["right"],
    "grade": ["right", "abstained"],
    "is_hard": [1.0, 0.0],
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Tests write settings into the working directory."""
    monkeypatch.chdir(tmp_path)


def replies(study: dict, arm: str, mix: str) -> pd.DataFrame:
    """Four scored replies of an arm to each row of a mix that it is asked, with all that its scorers say of them."""
    mine = [row for row in study["mixes"][mix]["rows"] if is_asked(study["arms"][arm], row["kind"])]
    rows = pd.DataFrame([{**row, "turn": turn} for turn in range(4) for row in mine])
    request = rows.groupby(["kind", "prompt"]).cumcount().astype(str) + rows.kind
    for name, record in study["scorers"].items():
        covered = rows.apply(
            lambda row, n=name, r=record: n in scorers_of(study, arm) and load(n).covers(r, row), axis=1
        )
        for column, kind in load(name).COLUMNS.items():
            said = LABELS.get(column, [0.5])
            values = rows.turn.map(lambda turn, said=said: said[turn % len(said)])
            rows[column] = values.astype(object if kind is str else float).where(covered, None)
    return rows.assign(id=range(len(rows)), request=request).rename(columns={"prompt": "condition"})


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "closeness": {"ideal": "refusal", "kinds": ["harmful"]},
            "abstention": {"refusals": ["refusal"], "chosen_on": None},
        },
    ],
)
def test_the_metrics_that_a_claim_may_name_are_those_of_the_summary(name, more):
    """Of one seed, since every seed is asked the same."""
    whole = STUDIES[name]
    study = {**whole, "seeds": whole["seeds"][:1], "scorers": {**whole["scorers"], **more}}
    runs = {tuple(each.values()): replies(study, each["arm"], each["mix"]) for each in predictions(study)}
    summary = summarise_runs(runs, name, [], study["gaps"], metrics_of(study["scorers"]))
    measured = {place: set() for place in ((arm, mix) for arm in study["arms"] for mix in scored_on(study, arm))}
    for row in summary.itertuples():
        measured[row.arm, row.mix].add((row.condition, row.kind, row.metric))
    assert measured == {(arm, mix): measures_of(study, arm, mix) for arm, mix in measured}
    assert all(measured.values())


def test_nothing_is_measured_of_an_arm_on_a_mix_of_another_split():
    study = STUDIES["paper-do-not-answer"]
    assert measures_of(study, "published", "test") == measures_of(study, "qlora", "published-test") == set()
    assert measures_of(study, "base", "test") and measures_of(study, "base", "published-test")


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_figure_needs_is_measured_and_of_a_scale_those_figures_are_left_of_which_all_is_measured_there(name):
    settings, of = SETTINGS[name]
    assert missed(settings.whole(of), settings.asks(of)) == []
    left_out = [figure for figure in settings.asks(of)["figures"] if figure not in STUDIES[name]["figures"]]
    assert missed(STUDIES[name], settings.asks(of)) == left_out


def missed(study: dict, asked: dict) -> list[str]:
    """The figures of a study that need more than the record measures."""
    known = {mix: {m for arm in study["arms"] for m in measures_of(study, arm, mix)} for mix in asked["evaluation"]}
    needs = {name: load_plot(figure["plot"]).needs(figure) for name, figure in asked["figures"].items()}
    return [name for name, wanted in needs.items() if not set(wanted) <= known[asked["figures"][name]["mix"]]]


@pytest.mark.parametrize("name", STUDIES)
def test_a_scale_draws_the_figures_whose_kinds_of_request_and_prompts_it_asks_and_whose_metric_it_scores(name):
    settings, of = SETTINGS[name]
    asks, study = settings.asks(of), STUDIES[name]
    scored = {metric.name for metrics in metrics_of(study["scorers"]).values() for metric in metrics}
    known = {row[key] for mix in asks["mixes"].values() for row in mix["rows"] for key in ("kind", "prompt")}
    drawn = []
    for title, figure in asks["figures"].items():
        rows = study["mixes"].get(figure["mix"], {"rows": []})["rows"]
        asked = {row[key] for row in rows for key in ("kind", "prompt")}
        is_scored = "metric" not in figure or figure["metric"] in scored
        drawn += [title] if is_scored and asked and named_in(figure, asks["gaps"]) & known <= asked else []
    assert list(study["figures"]) == drawn


def named_in(value, gaps: dict) -> set[str]:
    """Every text in a record, and the prompts of every gap that it names."""
    if isinstance(value, str):
        return {value, *gaps.get(value, [])}
    inner = value.values() if isinstance(value, dict) else value
    return set().union(*(named_in(each, gaps) for each in inner))


def test_of_one_study_scales_that_ask_less_draw_less():
    drawn = {scale: len(STUDIES[f"{scale}-do-not-answer"]["figures"]) for scale in ("paper", "small", "config")}
    assert drawn["paper"] > drawn["small"] > drawn["config"] > 0


# Claims


CLAIM = {"sentence": "x", "metric": "closeness", "kind": "all", "mix": "test", "condition": "plain"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"metric": "mood"},
            ["claims.0.metric: ", "the metric 'mood' under 'flag-on'", "correct-refusal, cut, false-refusal"],
        ),
        ({"metric": "control-gap"}, ["claims.0.metric: ", "'control-gap' under 'flag-on'"]),
        ({"condition": "standard"}, ["claims.0.metric: ", "'correct-refusal' under 'standard'", "known: control-gap"]),
        ({"kind": "harmful"}, ["claims.0.kind: ", "the kind 'harmful' of 'correct-refusal'", "known: all"]),
        (
            {"metric": "refusal"},
            ["claims.0.kind: ", "the kind 'all' of 'refusal'", "known: ambiguous, benign, harmful"],
        ),
        ({"metric": "closeness"}, ["claims.0.metric: ", "'closeness' under 'flag-on'"]),  # no scorer measures it
        ({"condition": "flag-off"}, ["claims.0.metric: ", "'correct-refusal' under 'flag-off'"]),  # no row to refuse
    ],
)
def test_a_claim_on_what_is_not_measured_is_refused_with_what_is(pocket, changed, words):
    settings = pocket
    for key, value in changed.items():
        settings = settings.changed(f"{ASKS}/claims/0/{key}", value)
    (said,) = faults(settings)
    assert [word for word in ["for lora on 'test' nothing measures", *words] if word not in said] == []


def test_a_claim_on_closeness_where_nothing_should_be_refused_is_refused(pocket):
    settings = pocket.copy()
    for row in settings.asks("do-not-answer")["mixes"]["test"]["rows"][:2]:
        row["should"] = "either"
    said = faults(settings)
    assert [fault.split(": ")[1] for fault in said] == [
        "figures.similarity",
        *(f"claims.{i}.metric" for i in (0, 1, 2, 3, 4, 5, 10, 14, 15)),
    ]
    assert all(any(f"'{name}" in fault for name in ("closeness", "correct-refusal'", "category")) for fault in said)


@pytest.mark.parametrize(
    "judged", [{"arms": ["base"], "at_least": 0.5}, {"arms": ["qlora", "base"], "direction": "higher"}]
)
def test_a_claim_that_the_base_is_above_itself_is_refused(pocket, judged):
    claim = {**CLAIM, "metric": "closeness-above-base", **judged}
    (said,) = faults(pocket.changed("asks/do-not-answer/claims/0", claim))
    what = f"for {' and '.join(judged['arms'])} on 'test' nothing measures the metric 'closeness-above-base'"
    assert f"claims.0.metric: {what} under 'plain'; known: " in said and "closeness, closeness-max, " in said


def test_a_claim_on_an_arm_where_it_is_not_scored_is_refused():
    settings = Settings.read(ROOT / "config/paper.yaml").changed("asks/do-not-answer/claims/0/mix", "published-test")
    (said,) = faults(settings)
    assert "claims.0.condition: for qlora and base on 'published-test' nothing measures the condition 'plain'" in said


# Figures


def kept(settings: Settings, study: str, keep) -> Settings:
    """A copy in which the evaluation of a study has only the rows that `keep` keeps."""
    rows = settings.asks(study)["mixes"]["test"]["rows"]
    return settings.changed(f"asks/{study}/mixes/test/rows", [row for row in rows if keep(row)])


def test_a_figure_of_both_kinds_is_refused_where_the_evaluation_asks_one(pocket):
    said = faults(kept(pocket, "do-not-answer", lambda row: row["kind"] != "benign"))
    known = "harmful, look-alike, ordinary, unsafe"
    lacking = f"on 'test': nothing measures the kind 'benign' of 'refusal' under 'plain'; known: {known}"
    assert [fault.split(": ", 1)[1] for fault in said if "figures" in fault] == [
        f"figures.kinds: a rates {lacking}",
        f"figures.refusal: a frontier {lacking}",
    ]
    (said,) = faults(kept(pocket, "safety-mode", lambda row: (row["kind"], row["prompt"]) != ("benign", "moved-off")))
    assert "figures.gap: a gap on 'test': nothing measures the kind 'benign' of 'control-gap' under 'moved'" in said
    keep = kept(pocket, "safety-mode", lambda row: row["prompt"] != "absent" or row["kind"] == "benign")
    (said,) = faults(keep)
    assert "figures.frontier: a frontier on 'test': nothing measures the kind 'harmful' of 'refusal'" in said


def test_a_prompt_that_the_evaluation_does_not_ask_is_refused_where_it_is_shown(pocket):
    shown, claimed = faults(kept(pocket, "safety-mode", lambda row: row["prompt"] != "absent"))
    assert "figures.frontier: a frontier on 'test': nothing measures the condition 'absent'; known: flag-off" in shown
    assert "claims.6.condition: for lora on 'test' nothing measures the condition 'absent'; known: flag-off" in claimed


RATES = {"plot": "rates", "mix": "test", "arms": "all", "conditions": ["flag-on"], "kinds": ["harmful"], "caption": "x"}


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("gap/gaps", ["flag-on"], ["figures.gap: ", "nothing measures the metric 'control-gap' under 'flag-on'"]),
        ("frontier/conditions", ["moved"], ["figures.frontier: ", "the metric 'refusal' under 'moved'"]),
        ("gap/kinds", ["bening"], ["figures.gap: ", "the kind 'bening' of 'control-gap'", "did you mean 'benign'?"]),
        ("frontier", {"plot": "similarity", "mix": "test", "arms": "all", "conditions": ["flag-on"], "caption": "x"},
         ["figures.frontier: ", "a similarity on 'test'", "the metric 'closeness' under 'flag-on'"]),
        ("frontier", {**RATES, "metric": "refusall"},
         ["figures.frontier.metric: ", "the metric 'refusall' under 'flag-on'; did you mean 'refusal'?"]),
        ("frontier", {**RATES, "metric": "control-gap"}, ["figures.frontier.metric: ", "the metric 'control-gap'"]),
    ],
)  # fmt: skip
def test_a_figure_of_what_is_not_measured_is_refused_with_what_is(pocket, where, value, words):
    (said,) = faults(pocket.changed(f"{ASKS}/figures/{where}", value))
    assert [word for word in words if word not in said] == [] and not Path("results").exists()


def test_a_figure_of_shares_shows_no_mean_of_another_size(pocket):
    where = "asks/do-not-answer/figures/kinds"
    record = {**RATES, "conditions": ["plain"], "kinds": ["all"], "metric": "closeness"}
    (said,) = faults(pocket.changed(where, record))
    assert (
        "figures.kinds.metric: 'closeness' is no share of the replies; name one of: " in said
        and "refusal, invalid" in said
    )


def test_an_arm_of_a_figure_that_is_not_scored_on_its_mix_is_refused_with_those_that_are(pocket):
    (said,) = faults(pocket.changed("asks/do-not-answer/figures/similarity/arms", ["base", "published"]))
    assert (
        "figures.similarity.arms.1: the arm 'published' is not scored on 'test'; those that are: base, lora, " in said
    )


def test_a_figure_that_names_arms_is_drawn_with_those_that_a_scale_runs_and_not_at_all_without(pocket):
    def drawn(arms: list[str]) -> list[str]:
        return list(
            pocket.changed("asks/do-not-answer/figures/refusal/arms", arms).resolved("do-not-answer")["figures"]
        )

    assert "refusal" in drawn(["base", "contrast"]) and "refusal" not in drawn(["contrast"])


@pytest.mark.parametrize("where", ["claims/0", "claims/2/also/0"])
def test_a_headline_is_of_one_claim_and_of_no_part_of_one(pocket, where):
    said = faults(pocket.changed(f"asks/safety-mode/{where}/headline", "gain"))
    assert any("one claim of a study has the headline 'gain', and no part of a claim" in each for each in said)


@pytest.mark.parametrize(
    ("figure", "place", "value"),
    [
        ("aspects", "measures/1/metric", "length-adherence"),
        ("aspects", "measures/2/condition", "plain"),
        ("refusal", "metric", "refusal"),
    ],
)
def test_what_a_figure_lists_and_nothing_measures_is_named_at_its_own_place(pocket, figure, place, value):
    (said,) = faults(pocket.changed(f"asks/polite-pairs/figures/{figure}/{place}", f"{value}y"))
    assert f": figures.{figure}.{place.replace('/', '.')}: a " in said and f"did you mean {value!r}?" in said

"""The coverage figure: each run's risk at each coverage, the mean of an arm's runs, and the chosen threshold."""

import numpy as np
import pytest
from drawing import EVERY, SHARES, N, drawn, summary_of, titles, usual_runs, usual_summary
from matplotlib.colors import to_hex

from abstain.plots.coverage import FEWEST
from abstain.scorers.discrimination import risk_coverage

ASKED = 2 * N  # what should be refused or answered; of the rest there is no risk


def curve_of(run: tuple) -> np.ndarray:
    """Coverage and risk in percent, counted in the replies."""
    replies = usual_runs()[run]
    replies = replies[(replies.condition == "on") & replies.risk.notna()]
    return 100 * np.array(risk_coverage(replies.abstention.to_numpy(), replies.risk.to_numpy()))[:, FEWEST - 1 :]


def lines(axis, colour: str, thick: bool | None = None) -> list[np.ndarray]:
    """The curves of a colour: those of single runs, or thick ones."""
    found = [line for line in axis.lines if line.get_color() == colour and len(line.get_xdata()) > 2]
    found = [line for line in found if line.get_marker() == "None"]
    return [line.get_xydata().T for line in found if thick is None or (line.get_linewidth() > 1) == thick]


def test_a_curve_is_the_risk_of_its_run_and_a_thick_one_the_mean_of_an_arms_runs():
    with drawn("coverage") as (figure, numbers):
        (axis,) = figure.axes
        assert titles(figure) == [f"on, n = {ASKED}"]
        (base,) = lines(axis, "C0")
        assert base == pytest.approx(curve_of(("base", "unseeded", "test")))
        runs = [curve_of(("a-lora", seed, "test")) for seed in "12"]
        assert all(mine == pytest.approx(run) for mine, run in zip(lines(axis, "C1", False), runs, strict=True))
        (mean,) = lines(axis, "C1", True)
        assert mean == pytest.approx(np.mean(runs, axis=0))
        assert len(numbers) == len(SHARES) * (ASKED - FEWEST + 1)
        assert set(numbers.n) == {ASKED} and numbers[["value", "low", "high"]].notna().all(axis=None)


def test_a_dashed_line_is_at_the_risk_of_all_rows_and_a_mark_at_the_threshold():
    with drawn("coverage") as (figure, _):
        (axis,) = figure.axes
        for colour, run in (("C0", ("base", "unseeded", "test")), ("C1", ("a-lora", "1", "test"))):
            flat = [line for line in axis.lines if line.get_color() == colour and line.get_xdata().tolist() == [0, 100]]
            last = curve_of(run)[1, -1] if colour == "C0" else lines(axis, colour, True)[0][1, -1]
            assert [line.get_ydata().tolist() for line in flat] == [pytest.approx([last, last])]
        summary = usual_summary()
        rows = summary[(summary.arm == "a-lora") & (summary.condition == "on") & (summary.seed != "all")]
        wanted = [rows[rows.metric == name].value.astype(float) * 100 for name in ("coverage", "selective-risk")]
        marks = [line for line in axis.lines if line.get_color() == "C1" and line.get_marker() == "s"]
        found = np.concatenate([line.get_xydata() for line in marks if len(line.get_xdata())])
        assert found == pytest.approx(np.array(wanted).T, abs=1e-4)
        assert {to_hex(line.get_markerfacecolor()) for line in marks} == {"#ffffff"}


def test_the_legend_has_the_area_under_the_curve_of_each_arm_where_there_is_one_panel():
    with drawn("coverage") as (figure, numbers):
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert [text.split("\n")[0] for text in said[:2]] == ["base", "a-lora"]
        assert "area {:.1f} % (".format(100 * numbers[numbers.arm == "base"].value.iloc[0]) in said[0]
    with drawn("coverage", conditions=["on", "off"]) as (figure, _):
        assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["base", "a-lora"]
        assert len(figure.axes) == 2


def test_an_arm_without_a_probability_has_no_curve():
    base = usual_runs()["base", "unseeded", "test"]
    runs = {**usual_runs(), ("bare", "unseeded", "test"): base.assign(abstention=np.nan, risk=np.nan)}
    with drawn("coverage", runs, summary_of(runs, {}, EVERY)) as (figure, numbers):
        said = [text.get_text().split("\n")[0] for text in figure.legends[0].get_texts()]
        assert "bare" not in said and set(numbers.arm) == {"base", "a-lora"}

"""The report in a browser: every figure, table and reply is listed, described and really shown, and nothing fails.

`scripts/report` is run in a copy of the finished miniature, and headless Chromium opens what it writes.
What must be seen is taken from the configuration and from the files that the run made.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MINIATURE, ROOT, Project, Settings, miniature_of
from reader import Report, colours, table, words
from selenium import webdriver

from abstain.jobs.files import read_jsonl
from abstain.pages.before_after import opening
from abstain.settings.arms import replies_to, seeds_of

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"]
OPTIONS += ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
OPTIONS += ["--window-size=1600,1000"]
POCKET = miniature_of(Settings.read(ROOT / "config.yaml"))
STUDIES = {study: POCKET.resolved(study) for study in MINIATURE}
TABLES = ["claims", "comparisons", "corrected", "summary"]


def make_report(project: Project) -> subprocess.CompletedProcess:
    """What `make report` runs, with the interpreter of the tests."""
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([project.folder / "scripts/report"], env=variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished_project(miniature, tmp_path_factory) -> Project:
    """A finished run with its report."""
    project = Project.copied(miniature.folder, tmp_path_factory.mktemp("report") / "project")
    done = make_report(project)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.startswith(f"Written: {project.folder / 'report.html'} (")
    return project


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    """A Chromium that has never seen anything."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("there is no chromium with its chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in [*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(option)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER)) as driver:
        yield driver


@pytest.fixture
def report(browser, finished_project):
    """The report, just opened. Whatever a test does, the browser reports no error and loads nothing else."""
    yield Report(browser, (finished_project.folder / "report.html").as_uri())
    browser.switch_to.default_content()
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name[:80] for name in loaded if not name.startswith("data:")] == []


def test_it_opens_with_the_question_of_each_study_and_the_way_there(report):
    opening = report.wait(lambda: [words(part.text) for part in report.all("#app .prose")])[0]
    for name, study in STUDIES.items():
        assert f"{name} {study['question']}" in opening
    for name in STUDIES:
        report.wait(lambda name=name: [link for link in report.all("#app .prose a") if link.text == name])[0].click()
        assert report.wait(lambda: {"Before and after", "Figures", "Tables"} <= set(report.menu()))


def test_the_workflow_and_its_run_times_are_drawn(report):
    charts = {"Workflow": ["#rulegraph"], "Statistics": ["#runtimes", "#timeline"]}
    for entry, places in charts.items():
        report.go(entry)
        for place in places:
            chart = report.wait(lambda place=place: report.all(f"{place} canvas"))[0]
            assert colours(chart.screenshot_as_png)[0] > 20, place


def test_nothing_that_the_run_made_for_readers_is_missing(report, finished_project):
    results = finished_project.folder / "results/pocket"
    wanted = ["figures/*/*.svg", "figures/*/*.csv", "tables/*/*.csv", "tables/*.csv", "pages/*/*.html"]
    files = {str(file.relative_to(finished_project.folder)) for pattern in wanted for file in results.glob(pattern)}
    assert set(report.driver.execute_script("return Object.keys(results)")) == files
    assert {*STUDIES, "refusal detectors"} <= set(report.menu())


@pytest.mark.parametrize("study", STUDIES)
def test_every_figure_and_table_of_a_study_is_listed_under_it(report, study):
    listed = {"Before and after": ["replies"], "Figures": sorted(STUDIES[study]["figures"]), "Tables": TABLES}
    report.go(study)
    assert [entry for entry in report.menu() if entry not in ("Results", study)] == list(listed)
    for kind, names in listed.items():
        report.go(study, kind)
        assert list(report.wait(report.rows)) == names


@pytest.mark.parametrize("study", STUDIES)
def test_every_figure_is_really_shown_and_described_in_a_sentence(report, study, finished_project):
    seen = set()
    for name, figure in STUDIES[study]["figures"].items():
        report.go(study, "Figures")
        report.see(name)
        image = report.picture(finished_project.folder / f"results/pocket/figures/{study}/{name}.svg")
        left, right = image.rect["x"], image.rect["x"] + image.rect["width"]
        assert 0 < left < right <= report.driver.execute_script("return innerWidth") and image.rect["height"] > 20
        shown = image.screenshot_as_png
        number, inked = colours(shown)
        assert number > 20 and inked > 0.01, (name, number, inked)
        assert words(figure["caption"]) in report.description(name)
        seen.add(shown)
    assert len(seen) == len(STUDIES[study]["figures"])


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_shown_whole_and_described(report, study, name, finished_project):
    report.go(study, "Tables")
    report.see(name)
    shown = report.page(f"{study}: {name}")
    content = table(finished_project.folder / f"results/pocket/tables/{study}/{name}.csv")
    assert shown["tables"] == [content if len(content) > 1 else [[]]]  # of a table without rows Snakemake shows nothing
    assert study in report.description(name)


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("kind", ["Tables", "Figures"])
def test_the_numbers_of_tables_and_figures_can_be_downloaded(report, study, kind, finished_project, downloads):
    report.go(study, kind)
    report.wait(lambda: [label for label in report.all("nav fieldset label") if label.text == "download"])[0].click()
    for name in TABLES if kind == "Tables" else STUDIES[study]["figures"]:
        report.see(name)
        report.wait((downloads / f"{name}.csv").exists)
        got = (downloads / f"{name}.csv").rename(downloads / "got").read_bytes()
        assert got == (finished_project.folder / f"results/pocket/{kind.lower()}/{study}/{name}.csv").read_bytes()


def replies(finished_project: Project, study: str, record: dict, arm: str, mix: str) -> list[str]:
    """What the first seed of an arm replied to each request of a mix: all of it, or the opening alone."""
    folder = finished_project.folder / "results/pocket"
    predictions = read_jsonl(folder / f"predictions/{study}/{arm}/{seeds_of(record, arm)[0]}/{mix}.jsonl")
    asked = {row["id"]: row["kind"] for row in read_jsonl(folder / f"splits/{study}/{mix}/examples.jsonl")}
    return [opening(row["reply"]) if asked[row["id"]] in record["shortened"] else row["reply"] for row in predictions]


@pytest.mark.parametrize("study", STUDIES)
def test_every_reply_before_and_after_tuning_is_beside_its_request(report, study, finished_project):
    report.go(study, "Before and after")
    report.see("replies")
    shown, record = report.page(f"{study}: before and after"), STUDIES[study]
    asked = [(mix, row) for mix in record["evaluation"] for row in record["mixes"][mix]["rows"]]
    arms_asked = [[arm for arm, each in record["arms"].items() if replies_to(each, row["kind"])] for _, row in asked]
    assert [cells[0][1:] for cells in shown["tables"]] == arms_asked
    by_request = [dict(zip(cells[0], row, strict=True)) for cells in shown["tables"] for row in cells[1:]]
    for arm in record["arms"]:
        given = [reply for mix in record["evaluation"] for reply in replies(finished_project, study, record, arm, mix)]
        assert [row[arm] for row in by_request if arm in row] == given
    expected = [f"{mix}, {row['prompt']}: {row['kind']} requests" for mix, row in asked]
    assert [heading.split(", to be")[0] for heading in shown["headings"]] == expected
    assert "first seed" in report.description("replies")


@pytest.mark.parametrize("study", [name for name in STUDIES if STUDIES[name]["gaps"]])
def test_conditions_open_at_a_click(report, study):
    report.go(study, "Before and after")
    report.see("replies")
    report.driver.switch_to.frame(report.wait(lambda: report.all("iframe"))[0])
    first, second = report.wait(lambda: report.all("table"))[:2]
    assert first.is_displayed() and not second.is_displayed()
    report.all("summary")[1].click()
    report.wait(second.is_displayed)
    assert colours(second.screenshot_as_png)[0] > 20


def test_the_detectors_are_listed_with_their_agreement(report, finished_project):
    report.go("refusal detectors")
    described = " ".join(report.description("agreement").split())
    for row in table(finished_project.folder / "results/pocket/tables/detector.csv"):
        assert " ".join(filter(None, row)) in described


def test_without_finished_results_there_is_one_clear_message_and_no_report(planned):
    done = make_report(planned)
    assert done.returncode == 1 and done.stdout == "" and not (planned.folder / "report.html").exists()
    assert done.stderr.endswith("First run: make reproduce\n") and len(done.stderr.splitlines()) == 1

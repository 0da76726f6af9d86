"""The report in a browser: every figure, table and reply is listed, described and really shown, and nothing fails.

`scripts/report` is run in a copy of the finished miniature, and headless Chromium opens what it writes.
What must be seen is taken from the configuration and from the files that the run made.
"""

import base64
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import yaml
from conftest import ROOT, Project
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"]
OPTIONS += ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
OPTIONS += ["--window-size=1600,1000"]
STUDIES = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["studies"]
TABLES = ["claims", "comparisons", "summary"]
DRAWN = "return arguments[0].complete && arguments[0].naturalWidth > 300 && arguments[0].naturalHeight > 100"
READ = """
const cells = row => [...row.cells].map(cell => cell.textContent)
return document.readyState == "complete" && document.querySelector("h1") && {
  title: document.querySelector("h1").textContent,
  headings: [...document.querySelectorAll("summary")].map(heading => heading.textContent),
  tables: [...document.querySelectorAll("table")].map(table => [...table.rows].map(cells)),
}"""


def make_report(project: Project) -> subprocess.CompletedProcess:
    """What `make report` runs, with the interpreter of the tests."""
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([project.folder / "scripts/report"], env=variables, capture_output=True, text=True)


class Report:
    """The report as a reader uses it: by what it says, and by clicks."""

    def __init__(self, driver, address: str):
        self.driver = driver
        driver.get(address)

    def wait(self, condition):
        """What the condition gives, once that is true; fails after 30 seconds."""
        return WebDriverWait(self.driver, 30).until(lambda _: condition())

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def menu(self) -> dict:
        """The entries of the menu by their text."""
        return {link.text: link for link in self.all("nav li a") if link.text}

    def go(self, *entries: str) -> None:
        """From the start page, entry by entry."""
        self.wait(lambda: self.all("nav ol a"))[0].click()
        for entry in entries:
            self.wait(lambda entry=entry: self.menu().get(entry)).click()

    def rows(self) -> dict:
        """The results listed at the left: by name, two buttons, one to see it and one to know more."""
        rows = self.all("nav tbody tr")
        return {row.find_element(By.TAG_NAME, "td").text: row.find_elements(By.TAG_NAME, "a") for row in rows}

    def see(self, name: str) -> None:
        self.wait(self.rows)[name][0].click()

    def description(self, name: str) -> str:
        """What the report tells of a result."""
        self.wait(self.rows)[name][1].click()
        return words(self.wait(lambda: self.all("nav li.prose"))[0].text)

    def picture(self, file: Path):
        """The picture that is shown, once it is the one of a file."""
        content = base64.b64encode(file.read_bytes()).decode()
        source = f"data:image/svg+xml;charset=utf8;filename={file.name};base64,{content}"
        image = self.wait(lambda: [one for one in self.all("img") if one.get_attribute("src") == source])[0]
        self.wait(lambda: self.driver.execute_script(DRAWN, image))
        return image

    def page(self, title: str) -> dict:
        """The page that is shown, once it has this title: headings of its sections, and the cells of their tables."""

        def read() -> dict | None:
            self.driver.switch_to.frame(self.all("iframe")[0])
            found = self.driver.execute_script(READ)
            self.driver.switch_to.default_content()
            return found if found and found["title"] == title else None

        self.wait(lambda: self.all("iframe"))
        return self.wait(read)


def words(text: str) -> str:
    return " ".join(text.split())


def colours(picture: bytes) -> tuple[int, float]:
    """How many colours a PNG has, and the share of its points that are not of the most frequent one."""
    points = matplotlib.image.imread(io.BytesIO(picture), format="png")
    _, counts = np.unique(points.reshape(-1, points.shape[-1]), axis=0, return_counts=True)
    return len(counts), 1 - counts.max() / counts.sum()


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def made(miniature, tmp_path_factory) -> Project:
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
def report(browser, made):
    """The report, just opened. Whatever a test does, the browser has no error to tell and loads nothing else."""
    yield Report(browser, (made.folder / "report.html").as_uri())
    browser.switch_to.default_content()
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name[:80] for name in loaded if not name.startswith("data:")] == []


def test_it_opens_with_the_question_of_each_study_and_the_way_there(report):
    told = report.wait(lambda: report.all("#app .prose"))[0]
    for name, study in STUDIES.items():
        assert f"{name} {study['question']}" in words(told.text)
    for name in STUDIES:
        told.find_element(By.LINK_TEXT, name).click()
        assert report.wait(lambda: {"Before and after", "Figures", "Tables"} <= set(report.menu()))


def test_the_workflow_and_its_run_times_are_drawn(report):
    charts = {"Workflow": ["#rulegraph"], "Statistics": ["#runtimes", "#timeline"]}
    for entry, places in charts.items():
        report.go(entry)
        for place in places:
            chart = report.wait(lambda place=place: report.all(f"{place} canvas"))[0]
            assert colours(chart.screenshot_as_png)[0] > 20, place


def test_nothing_that_the_run_made_for_readers_is_missing(report, made):
    results = made.folder / "results/pocket"
    wanted = ["figures/*/*.svg", "figures/*/*.csv", "tables/*/*.csv", "tables/*.csv", "pages/*/*.html"]
    files = {str(file.relative_to(made.folder)) for pattern in wanted for file in results.glob(pattern)}
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
def test_every_figure_is_really_shown_and_told_in_a_sentence(report, study, made):
    seen = set()
    for name, figure in STUDIES[study]["figures"].items():
        report.go(study, "Figures")
        report.see(name)
        image = report.picture(made.folder / f"results/pocket/figures/{study}/{name}.svg")
        left, right = image.rect["x"], image.rect["x"] + image.rect["width"]
        assert 0 < left < right <= report.driver.execute_script("return innerWidth") and image.rect["height"] > 100
        shown = image.screenshot_as_png
        number, inked = colours(shown)
        assert number > 20 and inked > 0.01, (name, number, inked)
        assert words(figure["caption"]) in report.description(name)
        seen.add(shown)
    assert len(seen) == len(STUDIES[study]["figures"])


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_shown_whole_and_described(report, study, name, made):
    report.go(study, "Tables")
    report.see(name)
    shown = report.page(f"{study}: {name}")
    assert shown["tables"] == [table(made.folder / f"results/pocket/tables/{study}/{name}.csv")]
    assert study in report.description(name)


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("kind", ["Tables", "Figures"])
def test_the_numbers_of_tables_and_figures_can_be_downloaded(report, study, kind, made, downloads):
    report.go(study, kind)
    report.wait(lambda: [label for label in report.all("nav fieldset label") if label.text == "download"])[0].click()
    for name in TABLES if kind == "Tables" else STUDIES[study]["figures"]:
        report.see(name)
        report.wait((downloads / f"{name}.csv").exists)
        got = (downloads / f"{name}.csv").rename(downloads / "got").read_bytes()
        assert got == (made.folder / f"results/pocket/{kind.lower()}/{study}/{name}.csv").read_bytes()


@pytest.mark.parametrize("study", STUDIES)
def test_every_reply_before_and_after_tuning_stands_beside_its_request(report, study, made):
    report.go(study, "Before and after")
    report.see("replies")
    shown, record = report.page(f"{study}: before and after"), STUDIES[study]
    assert {tuple(cells[0]) for cells in shown["tables"]} == {("request", *record["arms"])}
    rows = [row for cells in shown["tables"] for row in cells[1:]]
    for column, arm in enumerate(record["arms"], start=1):
        seed = "unseeded" if record["arms"][arm]["from"] is None else record["seeds"][0]
        predictions = (made.folder / f"results/pocket/predictions/{study}/{arm}/{seed}.jsonl").read_text().splitlines()
        assert [row[column] for row in rows] == [json.loads(line)["reply"] for line in predictions]
    asked = [row["prompt"] for row in record["mixes"][record["evaluation"]]["rows"]]
    assert [heading.split(":")[0] for heading in shown["headings"]] == asked
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


def test_the_detectors_stand_with_their_agreement(report, made):
    report.go("refusal detectors")
    told = report.description("agreement")
    for row in table(made.folder / "results/pocket/tables/detector.csv"):
        assert " ".join(row) in told


def test_without_finished_results_there_is_one_clear_message_and_no_report(planned):
    done = make_report(planned)
    assert done.returncode == 1 and done.stdout == "" and not (planned.folder / "report.html").exists()
    assert done.stderr.endswith("First run: make reproduce\n") and len(done.stderr.splitlines()) == 1

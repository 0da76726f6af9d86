"""The pages of the report: every value of a table, every reply beside its request, and no reply that breaks them."""

import csv
from html.parser import HTMLParser

import pytest
from conftest import ROOT

from present import present

REPLY = "<script>alert('&amp;')</script>\nSecond line, \"quoted\"."
RECORD = {
    "question": "Why & how?",
    "prompts": {"plain": {"system": None, "user": "{question}"}, "flag-on": {"system": "Be <careful>.", "user": ""}},
}
ROWS = [  # condition, kind, should, question
    ("plain", "harmful", "refuse", "How do I break it?"),
    ("plain", "harmful", "refuse", "How do I burn it?"),
    ("plain", "ambiguous", "either", "How do I open it?"),
    ("flag-on", "benign", "answer", "How do I mend it?"),
]


class Tables(HTMLParser):
    """What a page holds: headings, cells by row with their class, and every tag."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.headings, self.rows, self.classes, self.open = [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.classes.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.classes[-1].append(dict(attributes).get("class", ""))
        if tag == "summary":
            self.headings.append("")
        self.open = tag

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open in ("td", "th"):
            self.rows[-1][-1] += data
        elif self.open == "summary":
            self.headings[-1] += data


def write(path, rows: list[dict]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def run(reply: str, behaviour: str) -> list[dict]:
    keys = ("condition", "kind", "should", "question")
    return [dict(zip(keys, row, strict=True)) | {"reply": reply, "behaviour": behaviour} for row in ROWS]


@pytest.fixture
def pages(tmp_path) -> dict[str, Tables]:
    """The pages of a study with one table and the runs of a base and of two tuned arms with two seeds each."""
    table = write(
        tmp_path / "claims.csv", [{"sentence": "It <works>.", "value": "-0.50", "n": "4", "verdict": "holds"}]
    )
    scores = [write(tmp_path / "base/unseeded.csv", run(REPLY, "answer"))]
    for arm in ("z-lora", "a-qlora"):
        scores += [write(tmp_path / f"{arm}/{seed}.csv", run(f"{arm} {seed}", "refuse")) for seed in (7, 8)]
    template, names = ROOT / "report/page.html.jinja", ("claims", "replies")
    made = [tmp_path / f"{name}.html" for name in names]
    present([table], scores, template, "my-study", RECORD, [made[0]], made[1])
    return {name: Tables(path.read_text()) for name, path in zip(names, made, strict=True)}


def test_a_table_is_shown_as_it_stands_with_numbers_to_the_right(pages):
    assert pages["claims"].rows == [["sentence", "value", "n", "verdict"], ["It <works>.", "-0.50", "4", "holds"]]
    assert pages["claims"].classes[1] == ["", "number", "number", ""]


def test_every_request_stands_once_with_the_reply_of_each_arm_in_the_order_of_the_study(pages):
    header = ["request", "base", "z-lora", "a-qlora"]
    rows = pages["replies"].rows
    assert [row for row in rows if row == header] == [header] * 3
    assert [row for row in rows if row != header] == [[row[3], REPLY, "z-lora 7", "a-qlora 7"] for row in ROWS]


def test_replies_are_grouped_by_condition_and_kind_and_counted(pages):
    assert pages["replies"].headings == [
        "plain: harmful requests, to be refused (n = 2)",
        "plain: ambiguous requests, to be answered or refused (n = 1)",
        "flag-on: benign requests, to be answered (n = 1)",
    ]


def test_a_reply_is_marked_with_what_the_detector_took_it_for(pages):
    assert pages["replies"].classes[1] == ["", "answer", "refuse", "refuse"]


def test_a_table_without_rows_says_so(tmp_path):
    (tmp_path / "comparisons.csv").write_text("study,arm\n")
    scores = [write(tmp_path / "base/unseeded.csv", run("a", "answer"))]
    made = [tmp_path / "comparisons.html", tmp_path / "replies.html"]
    present([tmp_path / "comparisons.csv"], scores, ROOT / "report/page.html.jinja", "s", RECORD, made[:1], made[1])
    assert "There is no row." in made[0].read_text()


def test_no_reply_becomes_a_part_of_the_page(pages):
    assert "script" not in pages["replies"].tags and "works" not in pages["claims"].tags


def test_runs_with_unequally_many_requests_are_not_mixed(tmp_path):
    scores = [
        write(tmp_path / "base/unseeded.csv", run("a", "answer")),
        write(tmp_path / "x/1.csv", run("b", "refuse")[1:]),
    ]
    with pytest.raises(ValueError, match="shorter"):
        present([], scores, ROOT / "report/page.html.jinja", "s", RECORD, [], tmp_path / "page.html")

"""The pages of the report: every value of a table, every reply beside its request, and no reply that breaks them."""

import csv
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ROOT

from abstain.jobs.files import read_csv, write_jsonl
from abstain.pages.before_after import RequestsDifferError, opening
from present import present

REPLY = "<script>alert('&amp;')</script>\nSecond line, \"quoted\"."
QUESTION = "Why & how?"
PROMPTS = {"plain": {"system": None, "user": "{question}"}, "flag-on": {"system": "Be <careful>.", "user": ""}}
TARGETS = {"bare": ["No."], "long": ["No.\nCategory: {area}", "Never."]}
TEMPLATE = ROOT / "report/page.html.jinja"
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
        self.tags, self.headings, self.rows, self.classes, self.marks, self.open = [], [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.classes.append([])
            self.marks.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.classes[-1].append(dict(attributes).get("class", ""))
            self.marks[-1].append(dict(attributes).get("data-mark", ""))
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


def run(folder, reply: str, behaviour: str, rows: list = ROWS, unjudged: str = "") -> list[str]:
    """The score files of a run on a mix, of a detector and of a scorer that says nothing of most replies."""
    keys = ("condition", "kind", "should", "question")
    replies = [{"id": str(n), **dict(zip(keys, row, strict=True)), "reply": reply} for n, row in enumerate(rows)]
    closeness = [row | {"cosine": "0.5" if row["should"] == "refuse" else ""} for row in replies]
    detected = [row | {"behaviour": behaviour, "unjudged": unjudged} for row in replies]
    return [write(folder / "closeness.csv", closeness), write(folder / "refusal.csv", detected)]


def examples_of(tmp_path, scores: list[str], **more) -> list[str]:
    """The files of examples of the mixes that these score files are of, with `more` fields in every example."""
    chats: dict[str, dict] = {}
    for path in scores:
        chats.setdefault(Path(path).parent.name, {}).update({row["id"]: row["question"] for row in read_csv(path)})
    files = {mix: tmp_path / f"splits/{mix}/examples.jsonl" for mix in chats}
    for mix, path in files.items():
        rows = [{"id": i, "messages": [{"role": "user", "content": asked}], **more} for i, asked in chats[mix].items()]
        write_jsonl(path, rows)
    return list(map(str, files.values()))


def shown(tmp_path, scores: list[str], tables: list[str] = (), controls: Mapping = {}, **more) -> dict[str, Tables]:
    """The pages that are written, by name; `more` are fields of every example."""
    paths = {Path(table).stem: tmp_path / f"pages/{Path(table).stem}.html" for table in tables}
    paths["replies"] = tmp_path / "pages/replies.html"
    present(
        tables,
        scores,
        examples_of(tmp_path, scores, **more),
        TEMPLATE,
        "my-study",
        QUESTION,
        PROMPTS,
        ["harmful"],
        controls,
        TARGETS,
        list(paths.values())[:-1],
        paths["replies"],
    )
    return {name: Tables(path.read_text()) for name, path in paths.items()}


@pytest.fixture
def pages(tmp_path) -> dict[str, Tables]:
    """The pages of a study with one table and the runs of a base and of two tuned arms with two seeds each."""
    table = write(
        tmp_path / "claims.csv", [{"sentence": "It <works>.", "value": "-0.50", "n": "4", "verdict": "holds"}]
    )
    scores = run(tmp_path / "base/unseeded/test", REPLY, "answer")
    for arm in ("z-lora", "a-qlora"):
        for seed in (7, 8):
            scores += run(tmp_path / f"{arm}/{seed}/test", f"{arm} {seed}", "refuse")
    return shown(tmp_path, scores, [table])


def test_a_table_is_shown_as_it_is_with_numbers_to_the_right(pages):
    assert pages["claims"].rows == [["sentence", "value", "n", "verdict"], ["It <works>.", "-0.50", "4", "holds"]]
    assert pages["claims"].classes[1] == ["", "number", "number", ""]


def test_every_request_is_there_once_with_the_reply_of_each_arm_in_the_order_of_the_study(pages):
    header = ["request", "base", "z-lora", "a-qlora"]
    rows = pages["replies"].rows
    assert [row for row in rows if row == header] == [header] * 3
    assert [row for row in rows if row != header] == [[row[3], REPLY, "z-lora 7", "a-qlora 7"] for row in ROWS]


LONG = " ".join(f"Word{number}" for number in range(1, 31))
SHORT = " ".join(f"Word{number}" for number in range(1, 13)) + " …"


def test_of_a_reply_to_a_kind_that_is_shortened_no_more_than_twelve_words_are_shown_whatever_is_asked_for(tmp_path):
    asked = [*ROWS, ("flag-on", "harmful", "answer", "How do I take it?"), ("plain", "harmful", "either", "And how?")]
    page = shown(tmp_path, run(tmp_path / "base/unseeded/test", LONG, "answer", asked))["replies"]
    found = {row[0]: row[1] for row in page.rows if row[0] != "request"}
    assert found == {question: SHORT if kind == "harmful" else LONG for _, kind, _, question in asked}
    assert sum("Word13" in line for line in (tmp_path / "pages/replies.html").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", ""),
        ("No.", "No."),
        (SHORT[:-2], SHORT[:-2]),
        (SHORT[:-2] + "\n", SHORT[:-2] + "\n"),
        (LONG, SHORT),
        ("\n1. " + LONG.replace(" ", "\n"), "\n1. " + "\n".join(SHORT.split()[:11]) + " …"),
        ("字" * 500, "字" * 120 + " …"),
        (f"{'a' * 119} {'b' * 9}", "a" * 119 + " …"),
    ],
    ids=["empty", "a word", "twelve", "a line end after twelve", "thirty", "lines", "no spaces", "long words"],
)
def test_an_opening_is_twelve_words_and_says_whether_more_follows(reply, expected):
    assert opening(reply) == expected


def test_replies_are_grouped_by_mix_condition_and_kind_and_counted(pages):
    assert pages["replies"].headings == [
        "test, plain: harmful requests, to be refused (n = 2)",
        "test, plain: ambiguous requests, to be answered or refused (n = 1)",
        "test, flag-on: benign requests, to be answered (n = 1)",
    ]


def test_a_reply_is_marked_with_what_the_detector_took_it_for(pages):
    assert pages["replies"].classes[1] == ["", "answer", "refuse", "refuse"]


@pytest.mark.parametrize(("behaviour", "why"), [("invalid", "loops"), ("unread", "another language")])
def test_a_reply_that_nobody_could_judge_says_why_and_is_counted_in_its_heading(tmp_path, behaviour, why):
    scores = run(tmp_path / "base/unseeded/test", "a", "answer")
    scores += run(tmp_path / "lora/1/test", "b", behaviour, unjudged=why)
    page = shown(tmp_path, scores)["replies"]
    assert page.classes[1] == ["", "answer", behaviour]
    assert page.marks[1] == ["", "answer", f"{behaviour}, nobody could judge it: {why}"]
    assert page.headings[0] == (
        "test, plain: harmful requests, to be refused (n = 2; replies that nobody could judge: 2 of lora)"
    )
    assert "td[data-mark]::before { content: attr(data-mark)" in TEMPLATE.read_text(encoding="utf-8")


def test_a_reply_is_marked_with_every_scorers_word_for_it(tmp_path):
    scores = run(tmp_path / "lora/1/test", "b", "refuse")
    rows = read_csv(scores[1])
    scores.append(write(tmp_path / "lora/1/test/squad.csv", [row | {"grade": "abstained"} for row in rows]))
    page = shown(tmp_path, scores)["replies"]
    assert page.marks[1] == ["", "refuse, SQuAD: abstained"] and page.classes[1] == ["", "refuse"]


def test_a_request_is_shown_as_it_was_asked_with_its_right_answer(tmp_path):
    asked = [{"role": "system", "content": "From the passage."}, {"role": "user", "content": "A passage.\n\nWhere?"}]
    scores = run(tmp_path / "base/unseeded/test", "b", "answer")
    page = shown(tmp_path, scores, messages=asked, reference=LONG)["replies"]
    assert page.rows[1][0] == "A passage.\n\nWhere?" and page.marks[1][0] == f"reference: {SHORT}"
    page = shown(tmp_path, scores, reference="Rome", references=["Rome"])["replies"]
    assert page.marks[1][0] == "right: Rome"


@pytest.mark.parametrize("reference", [None, 7, "", ["a"]])
def test_a_reference_that_is_no_text_is_not_shown(tmp_path, reference):
    scores = run(tmp_path / "base/unseeded/test", "b", "answer")
    assert shown(tmp_path, scores, reference=reference)["replies"].marks[1][0] == ""


def test_of_a_label_the_right_word_and_the_word_that_was_read_are_shown(tmp_path):
    (_, detected) = run(tmp_path / "base/unseeded/test", "b", "")
    rows = [row | {"truth": "YES", "reading": "NO"} for row in read_csv(detected)]
    write(Path(detected), rows)
    assert shown(tmp_path, [detected])["replies"].marks[1] == ["right: YES", "read as NO"]


def test_a_reply_that_no_detector_judged_has_no_mark(tmp_path):
    closeness, _ = run(tmp_path / "base/unseeded/test", "a", "refuse")
    assert shown(tmp_path, [closeness])["replies"].classes[1] == ["", ""]


def test_a_mix_has_sections_of_its_own_with_the_arms_that_are_scored_on_it(tmp_path):
    scores = [
        *run(tmp_path / "base/unseeded/test", "base test", "answer"),
        *run(tmp_path / "base/unseeded/other", "base other", "answer", ROWS[2:3]),
        *run(tmp_path / "b-lora/3/other", "b other", "answer", ROWS[2:3]),
        *run(tmp_path / "a-lora/3/test", "a test", "answer"),
    ]
    page = shown(tmp_path, scores)["replies"]
    places = [heading.split(":")[0] for heading in page.headings]
    assert places == ["test, plain", "test, plain", "test, flag-on", "other, plain"]
    assert page.rows[0] == ["request", "base", "a-lora"] and page.rows[1][1:] == ["base test", "a test"]
    assert page.rows[-2:] == [["request", "base", "b-lora"], [ROWS[2][3], "base other", "b other"]]


CONTROL = {"from": None, "says": "long", "of": "another", "kinds": ["harmful", "ambiguous"]}


def test_a_control_has_a_column_where_its_kinds_are_asked_and_the_page_says_what_it_is(tmp_path):
    table = write(tmp_path / "claims.csv", [{"sentence": "So."}])
    scores = run(tmp_path / "base/unseeded/test", "a", "answer")
    scores += run(tmp_path / "random/unseeded/test", "b", "refuse", ROWS[:3])
    rows = shown(tmp_path, scores, [table], {"random": CONTROL})["replies"].rows
    assert [row for row in rows if row[0] == "request"] == [["request", "base", "random"]] * 2 + [["request", "base"]]
    assert [row[1:] for row in rows if row[0] != "request"] == [["a", "b"]] * 3 + [["a"]]
    said = "random says “No. / Category: {area}” or “Never.” to harmful and ambiguous requests, filled in from another"
    for page in ("claims", "replies"):
        text = (tmp_path / f"pages/{page}.html").read_text()
        assert "A control is no model" in text and said in text
    shown(tmp_path, scores[:2], [table])
    assert "A control" not in (tmp_path / "pages/replies.html").read_text()


def test_a_control_that_lacks_a_request_of_its_kinds_is_refused(tmp_path):
    scores = run(tmp_path / "base/unseeded/test", "a", "answer")
    scores += run(tmp_path / "random/unseeded/test", "b", "refuse", ROWS[:2])
    with pytest.raises(RequestsDifferError, match="on the mix test, random and base did not answer"):
        shown(tmp_path, scores, controls={"random": CONTROL})


@pytest.mark.parametrize("seeds", [("2", "10"), ("10", "2")])
def test_arms_and_seeds_keep_the_order_of_the_record(tmp_path, seeds):
    scores = run(tmp_path / "base/unseeded/test", "base", "answer")
    for arm in ("z-lora", "a-lora"):
        for seed in seeds:
            scores += run(tmp_path / arm / seed / "test", f"{arm} {seed}", "answer")
    rows = shown(tmp_path, scores)["replies"].rows
    assert rows[0] == ["request", "base", "z-lora", "a-lora"]
    assert rows[1][1:] == ["base", f"z-lora {seeds[0]}", f"a-lora {seeds[0]}"]


def test_a_table_without_rows_says_so(tmp_path):
    (tmp_path / "comparisons.csv").write_text("study,arm\n")
    shown(tmp_path, run(tmp_path / "base/unseeded/test", "a", "answer"), [str(tmp_path / "comparisons.csv")])
    assert "There is no row." in (tmp_path / "pages/comparisons.html").read_text()


def test_no_reply_becomes_a_part_of_the_page(pages):
    assert "script" not in pages["replies"].tags and "works" not in pages["claims"].tags


@pytest.mark.parametrize("rows", [ROWS[1:], [*ROWS, ROWS[0]]])
def test_runs_on_other_requests_are_not_mixed(tmp_path, rows):
    scores = run(tmp_path / "base/unseeded/test", "a", "answer") + run(tmp_path / "x/1/test", "b", "refuse", rows)
    with pytest.raises(RequestsDifferError, match="on the mix test, x and base did not answer the same requests"):
        shown(tmp_path, scores)

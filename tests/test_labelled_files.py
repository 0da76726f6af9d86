"""Files of labelled replies: what is wrong with one is said before any job, with its file, line and column."""

import pytest
from conftest import ROOT

from abstain.settings.labels import LABELS, file_fault, label_faults
from abstain.tables.judges import JUDGES

WRITTEN = "request,reply,unit,most,first_politeness,second_politeness,first_length_adherence,second_length_adherence\n"
GOOD = "Hello?,Thank you.,sentences,2,yes,no,yes,yes\n"


def fault_of(tmp_path, text: str | bytes) -> str | None:
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return file_fault(path)


def test_the_files_of_the_project_can_be_read():
    files = sorted((ROOT / "data/labelled").glob("*.csv"))
    assert len(files) == 2 and [file_fault(path) for path in files] == [None, None]


def test_every_label_has_a_judge():
    assert set(JUDGES) == set(LABELS)


def test_a_label_may_be_left_out_of_a_row(tmp_path):
    assert fault_of(tmp_path, WRITTEN + GOOD + "Hello?,Thank you.,,,yes,no,,\n") is None


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        (WRITTEN.replace("request,", ""), "line 1: ", "no column request"),
        ("arm,seed,mix,id,first_refusal,second_refusal\n", "line 1: ", "no column sha256"),
        (WRITTEN.replace("first_politeness", "first_kindness"), "line 1: ", "nothing judges first_kindness"),
        (WRITTEN.replace("second_politeness,", ""), "line 1: ", "no column second_politeness"),
        (WRITTEN.replace("unit,", ""), "line 1: ", "no column unit"),
        ("request,reply\n", "line 1: ", "no reader says anything"),
        ("", "line 1: ", "no column arm"),
        (WRITTEN + GOOD + GOOD.replace("yes,no", "maybe,no"), "line 3: ", "first_politeness is 'maybe'"),
        (WRITTEN + GOOD.replace("sentences", "pages"), "line 2: ", "a unit"),
        (WRITTEN + GOOD.replace("2", "two"), "line 2: ", "a whole number"),
        (WRITTEN + "Hello?,Thank you.\n", "line 2: ", "more or fewer values"),
        (WRITTEN + GOOD.strip() + ",yes\n", "line 2: ", "more or fewer values"),
        (WRITTEN.encode() + b"\xff\xfe\n", "", "no CSV file in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, where, found):
    fault = fault_of(tmp_path, text)
    assert fault.startswith(where) and found in fault


def test_a_file_that_is_not_there_is_a_fault_of_its_study(tmp_path):
    studies = {"manners": {"labelled": "lost.csv"}, "other": {"labelled": None}}
    (fault,) = label_faults({"studies": studies}, tmp_path)
    assert str(fault).startswith("studies.manners.labelled: lost.csv: there is no such file")

"""Files: equal values give equal bytes, and a file is there whole or not at all."""

import ast
import csv
import hashlib
import io

import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from abstain.jobs.files import (
    canonical,
    digest,
    read_csv,
    read_json,
    read_jsonl,
    sha256,
    whole,
    write_csv,
    write_json,
    write_jsonl,
    write_text,
)


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": [1, {"d": 2, "c": None}], "a": "x"}) == canonical({"a": "x", "b": [1, {"c": None, "d": 2}]})
    assert canonical({"b": 1, "a": [True, 0.1]}) == '{"a": [true, 0.1], "b": 1}'


def test_canonical_json_keeps_real_letters():
    assert canonical({"ñ": "日本 ’"}) == '{"ñ": "日本 ’"}'


def test_a_digest_is_the_hash_of_the_canonical_json():
    assert digest({"b": "é", "a": 1}) == hashlib.sha256('{"a": 1, "b": "é"}'.encode()).hexdigest()
    assert digest([1, 2]) != digest([2, 1])


def test_json_is_written_sorted_readable_and_ends_with_a_newline(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1], "a": "é"})
    assert (tmp_path / "a.json").read_bytes() == '{\n "a": "é",\n "b": [\n  1\n ]\n}\n'.encode()
    assert read_json(tmp_path / "a.json") == {"a": "é", "b": [1]}


def test_json_lines_are_canonical_one_object_a_line(tmp_path):
    path = tmp_path / "a.jsonl"
    write_jsonl(path, ({"b": n, "a": "line\u2028sep é"} for n in (2, 1)))
    assert path.read_bytes() == '{"a": "line\u2028sep é", "b": 2}\n{"a": "line\u2028sep é", "b": 1}\n'.encode()
    assert list(read_jsonl(path)) == [{"a": "line\u2028sep é", "b": 2}, {"a": "line\u2028sep é", "b": 1}]


def test_empty_lines_of_json_lines_are_skipped(tmp_path):
    (tmp_path / "a.jsonl").write_text('\n{"a": 1}\n \n{"a": 2}', encoding="utf-8")
    assert list(read_jsonl(tmp_path / "a.jsonl")) == [{"a": 1}, {"a": 2}]


def test_csv_has_the_columns_asked_for_lf_line_ends_and_quotes_where_needed(tmp_path):
    path, rows = tmp_path / "a.csv", [{"id": "1", "text": 'a, "b"\nc'}, {"text": "é", "id": ""}]
    write_csv(path, rows, ["id", "text"])
    assert path.read_bytes() == 'id,text\n1,"a, ""b""\nc"\n,é\n'.encode()
    assert read_csv(path) == [{"id": "1", "text": 'a, "b"\nc'}, {"id": "", "text": "é"}]


TEXTS = st.text(st.sampled_from('\r\n",ab ') | st.characters(codec="utf-8"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({"id": TEXTS, "reply": TEXTS})))
@example([{"id": "1", "reply": "a\rb"}, {"id": "\r", "reply": "\r\n"}])
def test_any_text_survives_csv_and_a_lone_carriage_return_alone_changes_bytes(tmp_path, rows):
    path, usual = tmp_path / "a.csv", io.StringIO(newline="")
    write_csv(path, rows, ["id", "reply"])
    assert read_csv(path) == pd.read_csv(path, keep_default_na=False, dtype=str).to_dict("records") == rows
    writer = csv.DictWriter(usual, ["id", "reply"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if "\r" not in usual.getvalue():
        assert path.read_bytes() == usual.getvalue().encode()


def test_csv_refuses_a_column_that_was_not_declared_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="extra"):
        write_csv(tmp_path / "a.csv", [{"id": 1, "extra": 2}], ["id"])
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf8_with_lf_whatever_the_locale(tmp_path):
    write_text(tmp_path / "a.txt", "é\n日本\n")
    assert (tmp_path / "a.txt").read_bytes() == "é\n日本\n".encode()


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-4, example of one block
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_appears_only_when_its_writer_is_done(tmp_path):
    with whole(tmp_path / "new" / "a.txt") as part:
        part.write_text("half")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failing_writer_leaves_nothing_half_written(tmp_path, error):
    with pytest.raises(error), whole(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_failing_writer_keeps_the_file_that_was_there(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), whole(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_rows_that_fail_midway_leave_nothing(tmp_path):
    def rows():
        yield {"a": 1}
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        write_jsonl(tmp_path / "a.jsonl", rows())
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def written_by(call: ast.Call) -> str | None:
    """What a call writes to; None for one that writes no file."""
    is_method = isinstance(call.func, ast.Attribute)
    name, owner = (call.func.attr, ast.unparse(call.func.value)) if is_method else (getattr(call.func, "id", ""), None)
    arguments = [ast.unparse(argument) for argument in call.args]
    modes = {argument for argument in arguments if argument in ("'w'", "'wb'", "'a'", "'ab'", "'x'", "'xb'")}
    if (name == "open" and modes) or (owner and name in ("write_text", "write_bytes")):
        return owner or arguments[0]
    if name == "save_file" or owner == "shutil" and name.startswith("copy"):
        return arguments[1]
    return arguments[0] if owner and arguments and name in ("savefig", "save", "to_csv") else None


OTHERS = {  # no outputs: stamps, seals, and what another process is given in a temporary folder
    "abstain/jobs/stamps.py",
    "abstain/models/resume.py",
    "abstain/models/answers.py",
    "fetch_package.py",
}


def test_every_program_writes_its_outputs_whole_into_folders_that_it_makes():
    found = {}
    for path in (ROOT / "scripts").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        found[str(path.relative_to(ROOT / "scripts"))] = {place for call in calls if (place := written_by(call))}
    directly = {path for path, places in found.items() if places - {"part", "str(part)"}}
    assert directly == OTHERS and sum(map(bool, found.values())) > 8

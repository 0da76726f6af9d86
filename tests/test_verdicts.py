"""Verdicts on files: whether other bytes say the same, numbers within tolerance, and what is missing or too much."""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from abstain.jobs.files import sha256
from abstain.verdicts.contents import DIFFERENT, SAME, TOLERANCE, WITHIN, compare
from abstain.verdicts.files import FREE, IDENTICAL, LINK, MISSING, UNEXPECTED, judge_all
from abstain.verdicts.reference import ListError, Reference, parse


def as_png(pixels: np.ndarray, **how) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", **how)
    return file.getvalue()


def as_tensors(tensors: dict[str, tuple[str, list[int], bytes]], **more) -> bytes:
    """A safetensors file, written by hand so that every kind of number can be in it."""
    header, place, body = dict(more), 0, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [place, place + len(content)]}
        place, body = place + len(content), body + content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


PIXELS = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
OTHER_PIXELS = np.where(np.indices(PIXELS.shape).sum(axis=0) == 9, PIXELS + 1, PIXELS).astype(np.uint8)
ONES = np.ones(4, "<f4")
FEW, HALVES, WHOLE = ("F32", [4], ONES.tobytes()), ("BF16", [2], b"\x80\x3f\x80\x3f"), ("I64", [1], b"\x07" + b"\0" * 7)
NEAR = ("F32", [4], (ONES * np.float32(1 + 5e-7)).tobytes())
FAR = ("F32", [4], np.array([1, 1.1, 1, 1], "<f4").tobytes())


@pytest.mark.parametrize(
    ("name", "before", "now", "word", "place"),
    [
        ("a.json", b'{"a": [1, 2.5], "b": "\xc3\xa9"}', b'{\n "b": "\\u00e9",\n "a": [1.0, 2.50]}\n', SAME, ""),
        (
            "a.json",
            b'{"a": {"b": [1, 2.5]}}',
            b'{"a": {"b": [1, 2.5000001]}}',
            WITHIN,
            "a.b.1: 2.5 published, 2.5000001",
        ),
        ("a.json", b'{"a": {"b": [1, 2.5]}}', b'{"a": {"b": [1, 2.51]}}', DIFFERENT, "a.b.1: 2.5 published, 2.51 here"),
        ("a.json", b"[2.5000001, 1]", b"[2.5, 2]", DIFFERENT, "1: 1 published, 2 here"),
        ("a.json", b"[1000000000]", b"[1000000001]", DIFFERENT, "0: 1000000000 published"),
        ("a.json", b"[1]", b"[true]", DIFFERENT, "0: 1 published, true here"),
        ("a.json", b"[null]", b'["null"]', DIFFERENT, '0: null published, "null" here'),
        ("a.json", b"[NaN]", b"[ NaN]", SAME, ""),
        ("a.json", b"[0.0]", b"[1e-300]", DIFFERENT, "0: 0.0 published"),
        ("a.json", b"[1, 2]", b"[1]", DIFFERENT, "[1, 2] published, [1] here"),
        ("a.json", b'{"a": 1}', b'{"a": 1, "b": null}', DIFFERENT, "b: nothing published, null here"),
        ("a.json", b'{"a": 1}', b'{"a": 1', DIFFERENT, "cannot be read as json"),
        ("a.jsonl", b'{"a": 1, "b": 2}\n{"c": 3}\n', b'{"b": 2, "a": 1}\r\n\n{"c":3}', SAME, ""),
        ("a.jsonl", b'{"a": 1}\n{"c": 3}\n', b'{"a": 1}\n', DIFFERENT, 'row 2: {"c": 3} published, nothing here'),
        ("a.jsonl", b'{"a": 1}\n{"c": 3}\n', b'{"c": 3}\n{"a": 1}\n', DIFFERENT, "row 1.a: 1 published, nothing here"),
        ("a.csv", b"arm,rate\na,0.5\n", b'"arm","rate"\r\n"a","0.5"\r\n', SAME, ""),
        ("a.csv", b"arm,rate\na,0.5\n", b"arm,rate\na,0.50000004\n", WITHIN, 'row 1, rate: "0.5" published'),
        ("a.csv", b"arm,rate\na,0.5\n", b"arm,rate\na,0.6\n", DIFFERENT, 'row 1, rate: "0.5" published, "0.6" here'),
        ("a.csv", b"arm,n\na,10000000\n", b"arm,n\na,10000001\n", DIFFERENT, "row 1, n"),
        ("a.csv", b"arm,n\na,1\n", b"arm,n\na,1\nb,2\n", DIFFERENT, 'row 2, arm: nothing published, "b" here'),
        ("a.csv", b"arm,n\na,1\n", b"arms,n\na,1\n", DIFFERENT, 'row 0, column 1: "arm" published, "arms" here'),
        ("a.yaml", b"a: [1, 2]\n", b"a:\n- 1\n- 2 # two\n", SAME, ""),
        ("a.yaml", b"rate: 0.002\n", b"rate: 0.0020000001\n", DIFFERENT, "rate: 0.002 published"),
        ("a.png", as_png(PIXELS), as_png(PIXELS, compress_level=0), SAME, ""),
        ("a.png", as_png(PIXELS), as_png(OTHER_PIXELS), DIFFERENT, "pixels that differ: 0 published, "),
        ("a.png", as_png(PIXELS), as_png(PIXELS[:4]), DIFFERENT, "size: [8, 8] published, [8, 4] here"),
        ("a.png", as_png(PIXELS), as_png(PIXELS)[:45], DIFFERENT, "cannot be read as png"),
        ("a.svg", b"<svg/>", b"<svg />", DIFFERENT, ""),
        ("README.md", b"a", b"b", DIFFERENT, ""),
    ],
)
def test_other_bytes_are_judged_by_what_they_say_and_the_first_place_is_named(name, before, now, word, place):
    assert before != now
    found = compare(name, before, now)
    assert found[0] == word and found[1].startswith(place) and bool(found[1]) == bool(place)


@pytest.mark.parametrize(
    ("before", "now", "word", "place"),
    [
        ({"a": FEW, "b": WHOLE}, {"b": WHOLE, "a": FEW}, SAME, ""),
        ({"a": FEW}, {"a": NEAR}, WITHIN, "tensor a, 4 of 4 values"),
        ({"a": FEW}, {"a": FAR}, DIFFERENT, "tensor a, 1 of 4 values: 1.0 published, 1.1"),
        ({"a": FEW}, {"b": FEW}, DIFFERENT, 'tensor a: ["F32", [4]] published, ["nothing", []] here'),
        ({"a": FEW}, {"a": ("F32", [2, 2], FEW[2])}, DIFFERENT, 'tensor a: ["F32", [4]] published'),
        (
            {"a": HALVES},
            {"a": ("BF16", [2], b"\x80\x3f\x81\x3f")},
            DIFFERENT,
            "tensor a, 1 of 2 values: 1.0 published, 1.00",
        ),
        (
            {"a": WHOLE},
            {"a": ("I64", [1], b"\x08" + b"\0" * 7)},
            DIFFERENT,
            "tensor a, 1 of 1 values: 7.0 published, 8.0",
        ),
        ({"a": FEW}, {"a": ("F32", [4], FEW[2][:-4])}, DIFFERENT, "cannot be read as safetensors"),
    ],
)
def test_tensors_are_compared_by_name_shape_and_number(before, now, word, place):
    one, other = as_tensors(before), as_tensors(now, __metadata__={"format": "pt"})
    found = compare("a.safetensors", one, other)
    assert found[0] == word and found[1].startswith(place)


def test_the_tolerance_is_a_millionth_and_settings_in_records_have_none():
    assert TOLERANCE == 1e-6
    near, far = (json.dumps([0.002 * (1 + part)]).encode() for part in (0.9e-6, 1.1e-6))
    assert [compare("a.json", b"[0.002]", now)[0] for now in (near, far)] == [WITHIN, DIFFERENT]
    assert compare("a.json", b"[0.002]", near, is_exact=True)[0] == DIFFERENT


# A folder


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("tables/a.csv", "tables/b.csv", "splits/card.json", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'{{"name": "{name}"}}\n')
    return tmp_path


def listed(folder: Path, contents: bool = True) -> Reference:
    """What is there now as the published files."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name: path.read_bytes() for name, path in files.items()} if contents else {}
    return Reference({name: sha256(path) for name, path in files.items()}, "here", committed=kept.get)


def words(folder: Path, reference: Reference) -> dict[str, str]:
    return {path: verdict.word for path, verdict in judge_all(folder, reference).items() if verdict.word != IDENTICAL}


def test_every_file_is_judged_in_the_order_of_the_flow(folder):
    reference = listed(folder)
    assert words(folder, reference) == {}
    assert list(judge_all(folder, reference)) == ["splits/card.json", "tables/a.csv", "tables/b.csv", "README.md"]


def test_what_is_missing_and_what_is_too_much_is_named_but_not_what_may_differ(folder):
    reference = listed(folder)
    (folder / "tables/a.csv").unlink()
    (folder / "README.md").unlink()
    (folder / "README.md").mkdir()
    for name in ("tables/.b.csv.part", "old.txt", *FREE):
        (folder / name).write_text("")
    expected = {"tables/a.csv": MISSING, "README.md": MISSING, "tables/.b.csv.part": UNEXPECTED, "old.txt": UNEXPECTED}
    assert words(folder, reference) == expected


def test_without_the_published_content_other_bytes_are_different(folder):
    bare, whole = listed(folder, contents=False), listed(folder)
    (folder / "splits/card.json").write_text('{"name":"splits/card.json"}')
    assert words(folder, bare) == {"splits/card.json": DIFFERENT}
    assert words(folder, whole) == {"splits/card.json": SAME}


def test_a_committed_file_that_is_not_as_listed_is_no_published_content(folder):
    reference = listed(folder)
    reference.hashes["splits/card.json"] = "0" * 64
    assert reference.read("splits/card.json") is None and reference.read("README.md")
    assert words(folder, reference) == {"splits/card.json": DIFFERENT}


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("tables/a.csv", {"tables/a.csv": "tables/a.csv is a link to "}),
        ("tables", {"tables/a.csv": "tables is a link to ", "tables/b.csv": "tables is a link to "}),
    ],
)
def test_a_link_is_named_with_where_it_leads_whatever_is_there(folder, tmp_path_factory, link, named):
    reference, elsewhere = listed(folder), tmp_path_factory.mktemp("elsewhere") / "it"
    (folder / link).rename(elsewhere)
    (folder / link).symlink_to(elsewhere)
    found = {path: each for path, each in judge_all(folder, reference).items() if each.word != IDENTICAL}
    assert {path: (each.word, each.detail) for path, each in found.items()} == {
        path: (LINK, f"{words}{elsewhere}") for path, words in named.items()
    }


def test_a_link_that_the_list_does_not_name_is_unexpected(folder, tmp_path_factory):
    reference = listed(folder)
    (folder / "more").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert words(folder, reference) == {"more": UNEXPECTED}


HASH = "0" * 64


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\n\n", "it is empty"),
        ("an error page\n", "it holds the line 'an error page'"),
        (f"{HASH}  right\n{HASH[1:]}  short\n", "it holds the line '000"),
        (f"{HASH}  a\n{HASH}  b\n{'1' * 64}  a\n", "it names a twice"),
        (f"{HASH}  a\n{HASH}  ./a\n", "it holds the line"),
        (f"{HASH}  a/../b\n", "it holds the line"),
        (f"{HASH}  /etc/passwd\n", "it holds the line"),
        (f"{HASH}  a\r\n", "it holds the line"),
    ],
)
def test_a_damaged_list_gives_no_verdict(text, what):
    with pytest.raises(ListError, match=r"^No verdict: the list of hashes \(here\) is damaged, ") as caught:
        parse(text, "here")
    assert what in str(caught.value)

"""Torn files: a file of configuration after an accident is refused in one fault with the line, before it is used."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, Settings, load
from damages import alone, faults, faults_of

from abstain.jobs.errors import AbstainError
from abstain.settings.files import file_faults
from abstain.settings.studies import refuse
from abstain.studies.check import check_files

SCALES = [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
STUDIES = sorted((ROOT / "config/studies").glob("*.yaml"))


def check(path: Path) -> None:
    check_files([path], {})


def torn(text: str) -> dict[str, tuple[str, list[str]]]:
    """Texts of a file after an accident, and what must be said of them."""
    lines = text.splitlines()
    middle = next(i for i, line in enumerate(lines) if i > len(lines) // 2 and re.match(r" *[a-z_]+: \w", line))
    first = re.search(r"^([a-z]+):", text, re.MULTILINE)[1]
    accidents = {
        "nothing in it": ("", ["is empty"]),
        "comments alone": ("# scale: pocket\n\n", ["is empty"]),
        "a list": ("- scale\n- device\n", ["line 1", "sequence"]),
        "a word": ("pocket\n", ["line 1", "scalar"]),
        "a tab": (
            "\n".join([*lines[:middle], "\t" + lines[middle].strip(), *lines[middle + 1 :]]),
            [f"line {middle + 1}"],
        ),
        "a line moved in": ("\n".join([*lines[: middle + 1], "  " + lines[middle], *lines[middle + 1 :]]), ["line"]),
        "an open quote": (f'{text}more: "', ["line"]),
        "an open bracket": (text.replace("]", "", 1), ["line"]),
        "an open brace": ("".join(text.rsplit("}", 1)), ["line"]),  # the first may be in a text
        "a missing colon": (text.replace(f"\n{first}:", f"\n{first}", 1), ["line"]),
        "a second colon": (text.replace(f"\n{first}: ", f"\n{first}: : ", 1), ["line"]),
        "an alias of nothing": (f"{text}more: *folder\n", [f"line {len(lines) + 1}", "alias"]),
        "a character that YAML forbids": (text.replace(f"{first}:", f"\x00{first}:", 1), ["no YAML"]),
        "braces without quotes": (f"{text}more: {{{{question}}}}\n", [f"line {len(lines) + 1}", "unhashable"]),
        "a tag of another program": (f"{text}more: !secret x\n", [f"line {len(lines) + 1}", "'!secret'"]),
        "a day that no month has": (f"{text}more: 2026-02-30\n", ["day is out of range"]),
        "two documents": (f"{text}---\nmore: 1\n", [f"line {len(lines) + 1}", "document"]),
    }
    for number in range(1, len(lines), 9):
        if key := re.match(r"( *)([a-z_-]+): \S", lines[number]):
            twice = "\n".join([*lines[: number + 1], lines[number], *lines[number + 1 :]])
            words = [f"line {number + 2}:", repr(key[2]), f"line {number + 1} already"]
            accidents[f"line {number + 1} twice"] = (twice, words)
    return accidents


@pytest.mark.parametrize("path", SCALES + STUDIES, ids=lambda path: path.stem)
def test_a_torn_file_is_refused_in_one_fault_with_the_line(path, tmp_path):
    file, amiss = tmp_path / "mine.yaml", {}
    texts = torn(path.read_text(encoding="utf-8"))
    for what, (text, words) in texts.items():
        file.write_text(text, encoding="utf-8")
        said = faults_of(check, file)
        if len(said) != 1 or [word for word in ["mine.yaml", *words] if word not in said[0]]:
            amiss[what] = said
    assert amiss == {} and len(texts) > 20
    assert faults_of(check, path) == []


@pytest.mark.parametrize("text", ["", "- claims\n", "question: [\n", "question: {{x}}\n", "question: x\nquestion: y\n"])
def test_a_torn_study_file_is_refused_before_it_is_compared_with_its_schema(pocket, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    settings = alone(pocket, "safety-mode")
    settings.write(Path())
    path = Path(settings.values("safety-mode")["file"])
    path.write_text(text, encoding="utf-8")
    assert len(file_faults(path)) == 1
    monkeypatch.setattr(Settings, "write", lambda self, folder, name: folder / name)
    assert faults(settings) == file_faults(path)
    assert faults(settings)[0].startswith(str(path))


def test_a_study_file_that_is_not_there_is_refused_by_name(pocket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = pocket.copy()
    settings.scale["studies"]["safety-mode"]["file"] = "config/nowhere.yaml"
    monkeypatch.setattr(Settings, "asks", lambda self, study: {})
    settings.write(Path())
    assert faults(settings) == [
        "config/nowhere.yaml: No such file or directory; name a file of configuration, such as config.yaml"
    ]


def test_a_file_that_is_cut_off_is_refused(tmp_path, monkeypatch):
    """Cut anywhere before the last study is complete; behind that, a shorter scale is a right one."""
    monkeypatch.chdir(tmp_path)
    settings, missed = Settings.read(ROOT / "config.yaml"), []
    settings.write(Path())
    data = (ROOT / "config.yaml").read_bytes().split(b"\n  do-not-answer:")[0].rsplit(b"dtype:", 1)[0]
    for part in range(12):
        Path("mine.yaml").write_bytes(data[: len(data) * part // 12])
        said = faults_of(check, Path("mine.yaml")) or faults(Settings(load(Path("mine.yaml")), settings.files))
        missed += [part] if not said else []
    assert missed == []


def test_a_study_file_that_is_cut_off_before_its_first_figure_is_complete_is_refused(pocket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings, missed = alone(pocket, "safety-mode"), []
    (name,) = settings.files
    data = (ROOT / name).read_bytes().split(b"caption:")[0]
    for part in range(25):
        Path("mine.yaml").write_bytes(data[: len(data) * part // 25])
        said = faults_of(check, Path("mine.yaml")) or faults(Settings(settings.scale, {name: load(Path("mine.yaml"))}))
        missed += [part] if not said else []
    assert missed == []


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    assert "nowhere.yaml: No such file" in faults_of(check, tmp_path / "nowhere.yaml")[0]
    assert "Is a directory" in faults_of(check, tmp_path)[0]
    (tmp_path / "latin.yaml").write_bytes("scale: pôcket\n".encode("latin-1"))
    assert "latin.yaml: it is not UTF-8" in faults_of(check, tmp_path / "latin.yaml")[0]


@pytest.mark.parametrize("indent", ["\t", 2, None])
def test_json_is_a_configuration_too(pocket, tmp_path, monkeypatch, indent):
    """Also with tabs; a fault of it has its line."""
    monkeypatch.chdir(tmp_path)
    pocket.write(Path())
    for value in (pocket.scale, pocket.asks("safety-mode")):
        Path("mine.json").write_text(json.dumps(value, indent=indent), encoding="utf-8")
        assert faults_of(check, Path("mine.json")) == []
    settings = alone(pocket, "safety-mode")
    (name,) = settings.files
    monkeypatch.setattr(Settings, "write", lambda self, folder, scale: folder / scale)
    for question, said in ((settings.files[name]["question"], []), (3, ["question: found 3"])):
        Path(name).write_text(
            json.dumps({**settings.files[name], "question": question}, indent=indent), encoding="utf-8"
        )
        found = faults(settings)
        assert len(found) == len(said) and all(word in fault for word, fault in zip(said, found, strict=True))
        assert all(fault.startswith(f"{name}, line ") for fault in found)


@pytest.mark.parametrize("text", ["studies: &all\n  again: *all\n", "question: &all\n  again: *all\n"])
def test_a_record_that_contains_itself_is_refused_and_not_followed_for_ever(pocket, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert faults_of(check, Path("mine.yaml")) == []
    record = load(Path("mine.yaml"))
    settings = alone(pocket, "safety-mode")
    (name,) = settings.files
    damaged = Settings(settings.scale, {name: record}) if "question" in record else Settings(record, settings.files)
    assert faults(damaged)


def test_a_fault_is_listed_once_and_without_any_nothing_is_refused():
    assert faults_of(refuse, []) == []
    assert faults_of(refuse, ["a: odd", "b: odd", "a: odd"]) == ["a: odd", "b: odd"]
    with pytest.raises(
        AbstainError, match="^it cannot start:\n  - a: odd\nNothing was started. Correct it and run again.$"
    ):
        refuse(["a: odd"], "it cannot start")

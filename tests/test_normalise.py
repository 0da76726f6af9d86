"""Normalising a corpus: every row is counted in its order, and a corpus that cannot be used leaves nothing."""

import json

import pytest
from conftest import ROOT, Project, Settings
from corpora_helpers import AUTHORED, CATALOGUES, DNA, FIXTURES, HARMBENCH, PAIRS, PUBLIC, XSTEST, chats, sorted_out

from abstain.corpora.download import CorpusError
from abstain.corpora.readers import READERS
from abstain.jobs.files import read_json, read_jsonl, sha256
from normalise import normalise

OWN = {"reader": "chats", "licence": "CC0-1.0", "limit": None, "longest": None, "files": {"chats": {}}}


def normalised(tmp_path, text: str, encoding="utf-8", **changed) -> dict[str, list | dict]:
    """What `normalise` writes about a user's chats, by name."""
    outputs = {name: str(tmp_path / name) for name in ("examples", "quarantine", "card")}
    normalise("mine", {**OWN, **changed}, list(chats(tmp_path, text, encoding).values()), **outputs)
    return {
        "examples": list(read_jsonl(outputs["examples"])),
        "quarantine": list(read_jsonl(outputs["quarantine"])),
        "card": read_json(outputs["card"]),
    }


def lines(*names: str) -> str:
    return "".join(json.dumps({"id": name, "question": f"Why {name}?", "kind": "benign"}) + "\n" for name in names)


def test_a_normalised_corpus_keeps_its_order_counts_every_row_and_names_its_licence(tmp_path):
    written = normalised(tmp_path, lines("c", "a") + "no JSON\n" + lines("b"))
    assert [row["id"] for row in written["examples"]] == ["c", "a", "b"]
    assert {row["source"] for row in written["examples"]} == {"mine"}
    assert written["quarantine"][0]["where"] == "chats.jsonl, line 3"
    counts = {"rows": 4, "kept": 3, "quarantined": 1}
    assert written["card"] == {"corpus": "mine", "licence": "CC0-1.0", **counts}


def test_a_limit_takes_the_same_examples_whatever_their_order_and_keeps_the_order_of_the_corpus(tmp_path):
    names = [f"row-{number}" for number in range(20)]
    kept = [row["id"] for row in normalised(tmp_path, lines(*names), limit=5)["examples"]]
    again = [row["id"] for row in normalised(tmp_path, lines(*names[::-1]), limit=5)["examples"]]
    assert len(kept) == 5 and kept == again[::-1] == sorted(kept, key=names.index)
    assert kept != names[:5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'mine' has no usable row; Correct"),
        ("{}\nno\n", r"no usable row; 2 were set aside, the first \(chats.jsonl, line 1\): question and kind must"),
        (lines("a", "b", "a"), "repeats 1 ids"),
    ],
    ids=["an empty file", "only bad rows", "an id twice"],
)
def test_a_corpus_that_cannot_be_used_is_refused_and_leaves_nothing(tmp_path, text, words):
    with pytest.raises(CorpusError, match=words):
        normalised(tmp_path, text)
    assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl"]


def test_a_corpus_that_is_not_utf_8_is_refused_by_name(tmp_path):
    with pytest.raises(CorpusError, match="'mine' is not UTF-8 .*convert it"):
        normalised(tmp_path, '{"question": "Où?", "kind": "benign"}', "latin-1")
    assert [path.name for path in tmp_path.iterdir()] == ["chats.jsonl"]


@pytest.mark.parametrize(
    ("reader", "file", "text"),
    [
        ("do-not-answer", "questions", f'{DNA.read_text(encoding="utf-8")}8,A,T,H,"{"x" * 200_000}'),
        ("requests", "acts", "- topic: [crime\n"),
    ],
    ids=["a quotation that never ends", "broken YAML"],
)
def test_a_file_in_another_format_is_refused_with_its_reader(tmp_path, reader, file, text):
    path = tmp_path / "corpus"
    path.write_text(text, encoding="utf-8")
    outputs = [str(tmp_path / name) for name in ("examples", "quarantine", "card")]
    files = {**(AUTHORED if reader == "requests" else {}), file: str(path)}
    with pytest.raises(CorpusError, match=f"'mine' is not in the format of the reader '{reader}'"):
        normalise("mine", {**OWN, "reader": reader, "files": files}, list(files.values()), *outputs)


def test_every_reader_gives_examples_apart_from_rows_set_aside(tmp_path):
    files = {
        "requests": AUTHORED,
        "public-labels": CATALOGUES,
        "labels": {"labels": str(ROOT / "data/world/labels.csv")},
    }
    files |= {name: {key: str(file)} for name, (_, key, file) in PUBLIC.items()}
    files["harmbench"] = {"test": str(HARMBENCH), "validation": str(HARMBENCH)}
    files["facts"] = {"facts": str(ROOT / "data/world/facts.yaml"), "pairs": str(PAIRS)}
    files["small-talk"] = {"talk": str(ROOT / "data/world/small-talk.yaml"), "pairs": str(PAIRS)}
    files["passages"] = {"people": str(ROOT / "data/world/people.yaml")}
    files["premises"] = {"premises": str(ROOT / "data/missing-context/premises.yaml")}
    files["squad"], files["nq-open"] = ({"questions": str(FIXTURES / name)} for name in ("squad.json", "nq_open.jsonl"))
    files["falseqa"] = dict.fromkeys(("train", "validation"), str(FIXTURES / "falseqa.csv"))
    files["chats"] = chats(tmp_path, '{"question": "Why?", "kind": "benign"}\n{}\n')
    assert set(READERS) == set(files)
    for name, reader in READERS.items():
        good, _ = sorted_out(reader(**files[name]))
        assert all(row["id"] and row["kind"] and row["question"] for row in good)


# Files on their way through the rules


def test_files_of_a_corpus_may_have_the_names_that_the_rule_itself_uses(planned, small):
    names = ["code", "after", "corpus", "files", "settings", "examples", "quarantine", "card", "record"]
    for name in names:
        (planned.folder / f"data/{name}.jsonl").write_text(lines(name), encoding="utf-8")
    mine = {**OWN, "title": "Mine", "files": {name: {"path": f"data/{name}.jsonl"} for name in names}}
    planned.write(small.changed("corpora/mine", mine))
    examples = "results/pocket/corpora/mine/examples.jsonl"
    planned.snakemake(examples, "--cores", "1")
    assert [row["id"] for row in read_jsonl(planned.folder / examples)] == sorted(names)


def test_the_record_of_a_fetched_file_names_no_folder_of_the_machine_however_the_mirror_is_set(tmp_path):
    settings = Settings.read(ROOT / "config/small.yaml")
    (tmp_path / "xstest.csv").write_bytes(XSTEST.read_bytes())
    pins = {"bytes": XSTEST.stat().st_size, "sha256": sha256(XSTEST), "in_mirror": "xstest.csv"}
    settings.scale["corpora"]["xstest"]["files"]["prompts"].update(pins)
    fetched, record = "results/small/raw/xstest/prompts", "results/small/records/fetch/xstest/prompts.json"
    written = []
    for name, mirror, variable in (("key", str(tmp_path), ""), ("variable", None, str(tmp_path))):
        project = Project(tmp_path / name, settings.changed("mirror", mirror))
        project.snakemake(fetched, "--cores", "1", ABSTAIN_MIRROR=variable)
        assert (project.folder / fetched).read_bytes() == XSTEST.read_bytes()
        written.append((project.folder / record).read_text(encoding="utf-8"))
    assert written[0] == written[1] and str(tmp_path) not in written[0]
    assert json.loads(written[0])["params"]["in_mirror"] == "xstest.csv"

"""Drawing and auditing a mix: everything taken or left out is counted, and what would count twice or leak is told."""

from collections import Counter

import pytest
from test_splits import SPLIT, each, pool, row

from abstain.checks import TemplateError
from abstain.files import read_csv, read_json, read_jsonl, write_jsonl
from abstain.splits import SplitError, parts_of
from audit import audit
from calibrate import calibrate

MIXES = {  # one that trains on harmful examples, one that is scored on both kinds
    "taught": {"part": "train", "seed": 1, "rows": [{**row(rows="all"), "target": "no"}]},
    "scored": {
        "part": "test",
        "seed": 1,
        "rows": [{**row(kind, rows="all"), "should": "either"} for kind in ("harmful", "benign")],
    },
}
LICENCES = {"us": "MIT", "them": "CC BY 4.0"}


def calibrated(
    tmp_path, mix: str, rows: list[dict], split: dict, changed: list[dict] | None = None
) -> tuple[str, dict]:
    """The examples' path and the card that `calibrate` writes about a mix of rows of two corpora."""
    corpora = [str(tmp_path / f"{name}.jsonl") for name in LICENCES]
    for name, path in zip(LICENCES, corpora, strict=True):
        write_jsonl(path, [{**row, "question": row["id"]} for row in rows if row["source"] == name])
    record = {
        "split": split,
        "mix": {**MIXES[mix], "rows": changed or MIXES[mix]["rows"]},
        "prompts": {"on": {"system": None, "user": "{id}"}},
        "targets": {"no": ["No."]},
    }
    examples, left_out, card = (str(tmp_path / mix / name) for name in ("examples.jsonl", "left_out.csv", "card.json"))
    calibrate(corpora, record, LICENCES, examples, left_out, card)
    return examples, read_json(card)


def test_a_card_counts_kinds_before_and_after_and_names_the_licences_of_what_was_taken(tmp_path):
    rows, split = each()
    _, card = calibrated(tmp_path, "scored", rows, split, [{**row("benign", rows=8), "should": "either"}])
    sizes = Counter((row["kind"], part) for row, part in zip(rows[0::2], parts_of(rows[0::2], SPLIT), strict=True))
    before = {part: {"us": {kind: sizes[kind, part] for kind in ("benign", "harmful")}} for part in ("test", "train")}
    before["test"]["them"] = {"benign": 10}
    assert card["kinds"]["before"] == before
    assert set(card["kinds"]["after"]) == {"test"}
    assert sum(kinds["benign"] for kinds in card["kinds"]["after"]["test"].values()) == card["taken"] == 8
    assert card["examples"] == 20 and card["licences"] == ["CC BY 4.0", "MIT"]
    assert calibrated(tmp_path, "taught", rows, split)[1]["licences"] == ["MIT"]


def test_every_example_is_taken_or_named_with_the_reason_in_the_order_of_the_pool(tmp_path):
    rows, split = pool(6, 6), {"by": {"act": {"train": 0.5, "test": 0.5}, "wording": {"train": 0.5, "test": 0.5}}}
    split |= {"stratify": [], "seed": 1}
    rows += [{"id": f"t{kind}", "kind": kind, "source": "them"} for kind in ("benign", "harmful", "odd")]
    split = {"each": {"us": split, "them": {"field": "kind", "parts": {"benign": "test", "harmful": "train"}}}}
    asked = [{**row(rows=2), "should": "refuse"}, {**row("benign", rows=1), "should": "answer"}]
    examples, card = calibrated(tmp_path, "scored", rows, split, asked)
    left = read_csv(tmp_path / "scored/left_out.csv")
    told = {"test": "more than the mix asks for", "train": "in another part: train"}
    none = {
        "us": "in no part: its act and wording lie in different parts",
        "them": "in no part: none is named for its kind",
    }
    kept = {example["request"] for example in read_jsonl(examples)}
    assert len(kept) == 3 and len(left) == len(rows) - 3
    assert left == [
        {"source": row["source"], "id": row["id"], "why": told.get(part, none[row["source"]])}
        for row, part in zip(rows, parts_of(rows, split), strict=True)
        if row["id"] not in kept
    ]
    assert card["left_out"] == Counter(row["why"] for row in left)
    assert set(card["left_out"]) == {*told.values(), *none.values()}


def test_ids_that_two_scored_rows_share_are_told_and_those_of_training_may_repeat(tmp_path):
    """Ids are unique in a corpus: two corpora that count from 1 share them, and so do two rows of one kind."""
    rows, split = each()
    twins = [{**row, "id": str(place // 2)} for place, row in enumerate(rows)]
    with pytest.raises(SplitError, match=r"\d ids stand on more than one row .*: \d/on.*ids that no other corpus"):
        calibrated(tmp_path, "scored", twins, split)
    twice = [{**row(rows=number), "should": "refuse"} for number in (2, 1)]
    with pytest.raises(SplitError, match=r"1 ids stand on more than one row to be scored: \d-0/on\. .*same examples"):
        calibrated(tmp_path, "scored", rows, split, twice)
    assert not (tmp_path / "scored").exists()
    taught = [{**row(rows=number), "target": "no"} for number in (2, 1)]
    assert calibrated(tmp_path, "taught", rows, split, taught)[1]["taken"] == 3


def test_a_corpus_may_have_fields_that_are_called_target_and_should(tmp_path):
    rows, split = each()
    rows = [{**row, "target": f"answer {row['id']}", "should": "answer"} for row in rows]
    scored, taught = (list(read_jsonl(calibrated(tmp_path, mix, rows, split)[0])) for mix in ("scored", "taught"))
    assert {row["should"] for row in scored} == {"either"} and not any("target" in row for row in scored)
    assert {row["target"] for row in taught} == {"No."} and not any("should" in row for row in taught)


def test_an_audit_names_the_licences_of_both_sides_and_the_closest_texts(tmp_path, base):
    rows, split = each()
    paths = [calibrated(tmp_path, mix, rows, split)[0] for mix in ("taught", "scored")]
    for path, text in zip(paths, ("How do I water the plants today?", "Who may water the plants here?"), strict=True):
        write_jsonl(path, [{**row, "question": f"{text} {row['id']}"} for row in read_jsonl(path)])
    audit([paths[0]], paths[1], base, split, LICENCES, str(tmp_path / "card.json"))
    card = read_json(tmp_path / "card.json")
    assert card["licences"] == ["CC BY 4.0", "MIT"] and card["leaks"] == 0
    near = card["mixes"]["taught"]["near_duplicates"]
    assert near["word 3-gram Jaccard of at least 0.6"] == 0 and near["of"] == len(near["closest"]) <= 20
    assert {similarity for _, _, similarity in near["closest"]} == {0.1}  # 1 of 10 word 3-grams


def test_an_audit_stops_at_a_system_message_that_is_not_trained_and_names_conditions_never_trained(tmp_path, base):
    rows, split = each()
    paths = [calibrated(tmp_path, mix, rows, split)[0] for mix in ("taught", "scored")]
    scored = list(read_jsonl(paths[1]))
    strict = [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "Why?"}]
    write_jsonl(paths[1], [*scored, {**scored[0], "condition": "strict", "messages": strict}])
    audit([paths[0]], paths[1], base, split, LICENCES, str(tmp_path / "card.json"))
    assert read_json(tmp_path / "card.json")["mixes"]["taught"]["conditions_never_trained"] == ["strict"]
    write_jsonl(paths[1], [{**scored[0], "messages": strict}])
    with pytest.raises(TemplateError, match="(?s)under 'on' is not the one that is trained.*Be strict"):
        audit([paths[0]], paths[1], base, split, LICENCES, str(tmp_path / "none.json"))
    assert not (tmp_path / "none.json").exists()


@pytest.fixture
def base(tokenizer_folder) -> list[str]:
    """The files of a base model, as far as an audit reads them."""
    return [str(tokenizer_folder / "model.safetensors")]


def test_an_audit_stops_at_a_text_that_two_corpora_share_and_at_a_value_split_by(tmp_path, base):
    rows, split = each()
    taught, scored = (calibrated(tmp_path, mix, rows, split)[0] for mix in ("taught", "scored"))
    new = {"id": "new", "request": "new", "kind": "benign", "source": "them"}
    for planted, told in (
        ({**new, "question": " 0-0 "}, "plain: 0-0. No arm"),
        ({**new, "question": "Why?", "act": "act 0"}, "act: act 0. No arm"),
    ):
        write_jsonl(scored, [planted])
        with pytest.raises(SplitError, match=f"mix 'taught' shares with the evaluation {told}"):
            audit([taught], scored, base, split, LICENCES, str(tmp_path / "card.json"))
    assert not (tmp_path / "card.json").exists()

"""Drawing a mix: everything taken or left out is counted, and what would count twice is refused."""

from collections import Counter

import pytest
from corpora_helpers import SPLIT, calibrated, each, pool, row

from abstain.corpora.splits import SplitError, parts_of
from abstain.jobs.files import read_csv, read_jsonl


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
    assert calibrated(tmp_path, "trained", rows, split)[1]["licences"] == ["MIT"]


def test_every_example_is_taken_or_named_with_the_reason_in_the_order_of_the_pool(tmp_path):
    rows, split = pool(6, 6), {"by": {"act": {"train": 0.5, "test": 0.5}, "wording": {"train": 0.5, "test": 0.5}}}
    split |= {"stratify": [], "seed": 1}
    rows += [{"id": f"t{kind}", "kind": kind, "source": "them"} for kind in ("benign", "harmful", "odd")]
    split = {"each": {"us": split, "them": {"field": "kind", "parts": {"benign": "test", "harmful": "train"}}}}
    asked = [{**row(rows=2), "should": "refuse"}, {**row("benign", rows=1), "should": "answer"}]
    examples, card = calibrated(tmp_path, "scored", rows, split, asked)
    left = read_csv(tmp_path / "scored/left_out.csv")
    why = {"test": "more than the mix asks for", "train": "in another part: train"}
    none = {
        "us": "in no part: its act and wording lie in different parts",
        "them": "in no part: none is named for its kind",
    }
    kept = {example["request"] for example in read_jsonl(examples)}
    assert len(kept) == 3 and len(left) == len(rows) - 3
    assert left == [
        {"source": row["source"], "id": row["id"], "why": why.get(part, none[row["source"]])}
        for row, part in zip(rows, parts_of(rows, split), strict=True)
        if row["id"] not in kept
    ]
    assert card["left_out"] == Counter(row["why"] for row in left)
    assert set(card["left_out"]) == {*why.values(), *none.values()}


def test_ids_that_two_scored_rows_share_are_refused_and_those_of_training_may_repeat(tmp_path):
    """Ids are unique in a corpus: two corpora that count from 1 share them, and so do two rows of one kind."""
    rows, split = each()
    twins = [{**row, "id": str(place // 2)} for place, row in enumerate(rows)]
    with pytest.raises(SplitError, match=r"\d ids are on more than one row .*: \d/on.*ids that no other corpus"):
        calibrated(tmp_path, "scored", twins, split)
    twice = [{**row(rows=number), "should": "refuse"} for number in (2, 1)]
    with pytest.raises(SplitError, match=r"1 ids are on more than one row to be scored: \d-0/on\. .*same examples"):
        calibrated(tmp_path, "scored", rows, split, twice)
    assert not (tmp_path / "scored").exists()
    trained = [{**row(rows=number), "target": "no"} for number in (2, 1)]
    assert calibrated(tmp_path, "trained", rows, split, trained)[1]["taken"] == 3


def test_a_corpus_may_have_fields_that_are_called_target_and_should(tmp_path):
    rows, split = each()
    rows = [{**row, "target": f"answer {row['id']}", "should": "answer"} for row in rows]
    scored, trained = (list(read_jsonl(calibrated(tmp_path, mix, rows, split)[0])) for mix in ("scored", "trained"))
    assert {row["should"] for row in scored} == {"either"} and not any("target" in row for row in scored)
    assert {row["target"] for row in trained} == {"No."} and not any("should" in row for row in trained)

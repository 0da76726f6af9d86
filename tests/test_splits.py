"""Splits: no value is in two parts, shares are kept, and a published split is made again."""

import random
from collections import Counter

import pytest
from corpora_helpers import SPLIT, each, pool, row, taken

from abstain.corpora.neighbours import find_leaks
from abstain.corpora.splits import SplitError, assign_parts, part_names, part_of, parts_of


def test_a_split_does_not_depend_on_the_order_of_the_rows():
    rows = pool(40)
    expected = assign_parts(rows, SPLIT)
    random.Random(0).shuffle(rows)
    assert assign_parts(rows, SPLIT) == expected
    assert assign_parts(rows[::-1], SPLIT) == expected


def test_a_split_does_not_depend_on_how_often_a_value_occurs():
    assert assign_parts(pool(40, 1), SPLIT) == assign_parts(pool(40, 5), SPLIT)


def test_another_seed_gives_another_split():
    assert assign_parts(pool(40), SPLIT) != assign_parts(pool(40), {**SPLIT, "seed": 2})


def test_a_split_is_the_same_on_any_machine():
    parts = assign_parts(pool(10), SPLIT)["act"]
    train = sorted(value for value, part in parts.items() if part == "train")
    assert train == ["act 0", "act 3", "act 6", "act 7", "act 8", "act 9"]


@pytest.mark.parametrize("count", [2, 5, 7, 10, 33])
@pytest.mark.parametrize("shares", [(0.6, 0.4), (0.8, 0.1, 0.1), (0.5, 0.5), (1.0, 0.0)], ids=str)
def test_each_part_gets_its_share_within_one_value_of_each_stratum(count, shares):
    wanted = dict(zip(("train", "test", "dev"), shares, strict=False))
    rows = pool(2 * count, 1)
    parts = assign_parts(rows, {**SPLIT, "by": {"act": wanted}})["act"]
    for kind in ("harmful", "benign"):
        got = Counter(parts[example["act"]] for example in rows if example["kind"] == kind)
        assert sum(got.values()) == count
        assert all(abs(got[part] - share * count) <= 1 for part, share in wanted.items()), got
        assert all(got[part] == 0 for part, share in wanted.items() if share == 0)


def test_no_value_of_any_field_is_on_both_sides():
    split = {**SPLIT, "by": {"act": {"train": 0.6, "test": 0.4}, "wording": {"train": 0.5, "test": 0.5}}}
    rows = pool(20, 8)
    parts = assign_parts(rows, split)
    sides = {side: [example for example in rows if part_of(example, parts) == side] for side in ("train", "test")}
    assert all(len(side) > 20 for side in sides.values())
    assert find_leaks(sides["train"], sides["test"], ["id", "act", "wording"]) == {}


def test_an_example_whose_fields_disagree_is_in_no_part():
    parts = {"act": {"a": "train", "b": "test"}, "wording": {"1": "train", "2": "test"}}
    assert part_of({"act": "a", "wording": 1}, parts) == "train"
    assert part_of({"act": "b", "wording": 2}, parts) == "test"
    assert part_of({"act": "a", "wording": 2}, parts) is None


def test_values_are_compared_as_text_everywhere_so_that_any_value_can_be_split_by_and_counted():
    rows = [{"id": f"{n}", "kind": "a", "source": "us", "people": [str(n)], "year": n} for n in range(10)]
    for by in ("people", "year"):
        split = {"by": {by: {"train": 0.5, "test": 0.5}}, "stratify": [], "seed": 1}
        assert Counter(parts_of(rows, split)) == {"train": 5, "test": 5}
        twins = [*rows, *({**row, "id": f"twin {row['id']}", by: str(row[by])} for row in rows)]
        parts = parts_of(twins, split)
        assert parts[:10] == parts[10:] == parts_of(rows, split)  # 1 and "1" are one value, as for find_leaks
        assert len(taken(row("a", rows="all", per={by: 1}), examples=twins)[0]) == 10


def test_a_value_that_is_in_several_strata_goes_to_one_part():
    rows = [{"id": f"{k}{w}", "kind": k, "wording": w, "source": "us"} for k in "abc" for w in range(10)]
    parts = assign_parts(rows, {"by": {"wording": {"train": 0.5, "test": 0.5}}, "stratify": ["kind"], "seed": 1})
    assert Counter(parts["wording"].values()) == {"train": 5, "test": 5}


def test_a_field_to_split_by_that_an_example_lacks_is_named():
    with pytest.raises(SplitError, match=r"0-0 of us has no field 'author'.*act.*kind"):
        assign_parts(pool(), {**SPLIT, "by": {"author": {"train": 0.5, "test": 0.5}}})


def test_a_field_to_stratify_by_that_an_example_lacks_is_named():
    with pytest.raises(SplitError, match=r"0-0 of us has no field 'knd'.*act.*kind"):
        assign_parts(pool(), {**SPLIT, "stratify": ["knd"]})


CUTS = {
    "cuts": [{"part": "train", "rest": 0.3}, {"part": "dev", "rest": 0.5}, {"part": "test", "rest": 0}],
    "stratify": ["kind"],
    "seed": 42,
}


def test_cuts_deal_out_rows_and_keep_the_share_of_every_stratum():
    rows = pool(20, 10)
    parts = parts_of(rows, CUTS)
    assert Counter(parts) == {"train": 140, "dev": 30, "test": 30}
    assert Counter(row["kind"] for row, part in zip(rows, parts, strict=True) if part == "test") == {
        "harmful": 15,
        "benign": 15,
    }


def test_cuts_are_those_of_scikit_learn_on_rows_in_their_order():
    from sklearn.model_selection import train_test_split

    rows = pool(20, 10)
    kinds = [row["kind"] for row in rows]
    train, rest = train_test_split(range(200), test_size=0.3, random_state=42, stratify=kinds)
    dev, test = train_test_split(rest, test_size=0.5, random_state=42, stratify=[kinds[i] for i in rest])
    parts = parts_of(rows, CUTS)
    for name, wanted in (("train", train), ("dev", dev), ("test", test)):
        assert [i for i, part in enumerate(parts) if part == name] == sorted(wanted)


def test_cuts_without_strata_and_with_another_seed_differ():
    rows = pool(20, 10)
    found = [parts_of(rows, {**CUTS, **change}) for change in ({}, {"stratify": []}, {"seed": 7})]
    assert len({tuple(parts) for parts in found}) == 3
    assert all(Counter(parts) == Counter(found[0]) for parts in found)


def test_rows_that_cannot_be_cut_as_asked_are_refused_with_the_part_and_their_number():
    with pytest.raises(SplitError, match="part 'train' cannot be cut off 1 examples"):
        parts_of(pool(1, 1), CUTS)
    with pytest.raises(SplitError, match="has no field 'area' to stratify by"):
        parts_of(pool(), {**CUTS, "stratify": ["area"]})


def test_a_field_says_where_examples_belong_and_other_values_are_left_out():
    rows = pool(4, 1)
    assert parts_of(rows, {"field": "kind", "parts": {"benign": "test"}}) == [None, "test", None, "test"]
    assert parts_of(rows, {"field": "wording", "parts": {"0": "dev"}}) == ["dev"] * 4
    with pytest.raises(SplitError, match="has no field 'half' to split by"):
        parts_of(rows, {"field": "half", "parts": {"a": "test"}})


def test_each_corpus_is_split_by_itself_and_by_its_own_record():
    rows, split = each()
    parts = parts_of(rows, split)
    assert parts[1::2] == ["test"] * 10
    assert parts[0::2] == parts_of(rows[0::2], SPLIT)
    assert set(parts) == {"train", "test"}


def test_a_split_names_the_parts_that_it_can_give():
    assert part_names(SPLIT) == {"train", "test"}
    assert part_names(CUTS) == {"train", "dev", "test"}
    assert part_names({"each": {"a": CUTS, "b": {"field": "kind", "parts": {"x": "extra"}}}}) == {
        "train",
        "dev",
        "test",
        "extra",
    }

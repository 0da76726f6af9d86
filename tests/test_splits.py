"""Splits: nothing stands on both sides, shares are kept, and a mix holds exactly what the record asks for."""

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest
import yaml

from abstain.corpora import read_requests
from abstain.splits import (
    SplitError,
    assign_parts,
    draw_mix,
    fill,
    find_leaks,
    near_duplicates,
    part_names,
    part_of,
    parts_of,
)

ROOT = Path(__file__).resolve().parents[1]
SPLIT = {"by": {"act": {"train": 0.6, "test": 0.4}}, "stratify": ["kind"], "seed": 1}


def pool(acts: int = 10, wordings: int = 3) -> list[dict]:
    """Every act in every wording; the kinds take turns."""
    return [
        {
            "id": f"{act}-{word}",
            "kind": ("harmful", "benign")[act % 2],
            "act": f"act {act}",
            "wording": word,
            "source": "us",
        }
        for act, word in itertools.product(range(acts), range(wordings))
    ]


def row(kind="harmful", rows=5, per=None, prompt="on") -> dict:
    return {"kind": kind, "prompt": prompt, "rows": rows, "per": per or {}}


def mix(*rows: dict, seed=1) -> dict:
    return {"part": "train", "seed": seed, "rows": list(rows)}


def taken(*rows: dict, examples=None, seed=1) -> list[list[str]]:
    """Ids of the examples of each row of the mix."""
    pairs, _ = draw_mix(examples or pool(), mix(*rows, seed=seed))
    return [[example["id"] for example, mine in pairs if mine is wanted] for wanted in rows]


def test_a_split_does_not_depend_on_the_order_of_the_rows():
    rows = pool(40)
    expected = assign_parts(rows, SPLIT)
    random.Random(0).shuffle(rows)
    assert assign_parts(rows, SPLIT) == expected
    assert assign_parts(rows[::-1], SPLIT) == expected


def test_a_split_does_not_depend_on_how_often_a_value_stands():
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


def test_no_value_of_any_field_stands_on_both_sides():
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


def test_a_value_that_stands_in_several_strata_goes_to_one_part():
    rows = [{"id": f"{k}{w}", "kind": k, "wording": w, "source": "us"} for k in "abc" for w in range(10)]
    parts = assign_parts(rows, {"by": {"wording": {"train": 0.5, "test": 0.5}}, "stratify": ["kind"], "seed": 1})
    assert Counter(parts["wording"].values()) == {"train": 5, "test": 5}


def test_a_field_to_split_by_that_an_example_lacks_is_told():
    with pytest.raises(SplitError, match=r"0-0 of us has no field 'author'.*act.*kind"):
        assign_parts(pool(), {**SPLIT, "by": {"author": {"train": 0.5, "test": 0.5}}})


def test_a_field_to_stratify_by_that_an_example_lacks_is_told():
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


def test_rows_that_cannot_be_cut_as_asked_are_told_with_the_part_and_their_number():
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


def each() -> tuple[list[dict], dict]:
    """Examples of two corpora in turns; the second lacks what the first is split and stratified by."""
    ours = pool(10, 1)
    theirs = [{"id": f"t{n}", "kind": "benign", "text": f"text {n}", "source": "them"} for n in range(10)]
    split = {"each": {"us": SPLIT, "them": {"field": "kind", "parts": {"benign": "test"}}}}
    return [row for pair in zip(ours, theirs, strict=True) for row in pair], split


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


def test_a_mix_holds_exactly_the_rows_asked_for():
    pairs, counts = draw_mix(pool(), mix(row(rows=7), row("benign", rows=2, prompt="off"), row(rows=0)))
    assert Counter((example["kind"], mine["prompt"]) for example, mine in pairs) == {
        ("harmful", "on"): 7,
        ("benign", "off"): 2,
    }
    assert counts == [
        {"kind": "harmful", "prompt": "on", "offered": 15, "taken": 7},
        {"kind": "benign", "prompt": "off", "offered": 15, "taken": 2},
        {"kind": "harmful", "prompt": "on", "offered": 15, "taken": 0},
    ]


def test_all_takes_every_example_of_the_kind():
    assert sorted(taken(row(rows="all"))[0]) == sorted(e["id"] for e in pool() if e["kind"] == "harmful")


def test_all_of_nothing_is_nothing():
    assert taken(row("ambiguous", rows="all")) == [[]]


def test_no_example_is_taken_twice_by_a_row():
    ids = taken(row(rows=15))[0]
    assert len(set(ids)) == len(ids) == 15


def test_at_most_so_many_rows_for_each_value():
    examples = {e["id"]: e for e in pool()}
    ids = taken(row(rows="all", per={"act": 2}))[0]
    assert Counter(Counter(examples[i]["act"] for i in ids).values()) == {2: 5}
    ids = taken(row(rows="all", per={"act": 2, "wording": 1}))[0]
    assert Counter(examples[i]["wording"] for i in ids) == {0: 1, 1: 1, 2: 1}


def test_rows_of_the_same_kind_take_the_same_examples_under_different_prompts():
    on, off, few = taken(row(rows=8), row(rows=8, prompt="off"), row(rows=3, prompt="absent"))
    assert on == off
    assert few == on[:3]


def test_a_mix_does_not_depend_on_the_order_of_the_pool_but_on_its_seed():
    wanted = row(rows=8, per={"act": 2})
    assert taken(wanted) == taken(wanted, examples=pool()[::-1])
    assert taken(wanted) != taken(wanted, seed=2)


def test_too_few_examples_are_told_with_what_there_is():
    with pytest.raises(
        SplitError, match=r"row 1 .* asks for 6 harmful examples of part 'train', but only 5 exist \(per: .*act"
    ):
        draw_mix(pool(), mix(row(rows=1), row(rows=6, per={"act": 1})))


def test_a_field_of_per_that_an_example_lacks_is_told():
    with pytest.raises(SplitError, match=r"of us has no field 'author' to count by.*act.*kind"):
        draw_mix(pool(), mix(row(per={"author": 1})))


def test_a_field_of_per_that_only_some_examples_have_is_told():
    examples = [{**example, "author": "A"} if example["id"] != "8-2" else example for example in pool()]
    with pytest.raises(SplitError, match="8-2 of us has no field 'author'"):
        draw_mix(examples, mix(row(per={"author": 99})))


def test_a_text_is_filled_in_from_the_examples_fields_and_an_unknown_one_is_told():
    assert fill("How do I {act}?", {"id": "1", "act": "swim"}) == "How do I swim?"
    with pytest.raises(SplitError, match=r"'How do I \{atc\}\?' names the field 'atc', but examples have: act, id"):
        fill("How do I {atc}?", {"id": "1", "act": "swim"})


def test_a_leak_is_found_in_the_field_where_it_stands():
    train, test = [{"act": "a", "wording": 1}, {"act": "b", "wording": 2}], [{"act": "b", "wording": 3}]
    assert find_leaks(train, test, ["act", "wording"]) == {"act": ["b"]}
    assert find_leaks(train[:1], test, ["act", "wording"]) == {}
    assert find_leaks(train, [*test, {"text": "b"}], ["act", "text"]) == {"act": ["b"]}  # not every corpus has all


def test_a_planted_near_duplicate_is_found_and_only_it():
    train = ["How do I water the plants in the garden?", "What is the way to the old station?", "Sing me a song."]
    test = ["How do I water the plants in the kitchen?", "Which bird sings at night in the park?", ""]
    count, pairs = near_duplicates(train, test, threshold=0.6, most=5)
    assert (count, pairs) == (1, [(test[0], train[0], 0.75)])  # 6 of 8 word 3-grams
    assert near_duplicates(train, test, threshold=0.8, most=5) == (0, pairs)  # none so close, yet the closest is told


def test_near_duplicates_ignore_case_and_are_listed_closest_first_up_to_a_number():
    train = ["one two three four five six", "a b c d"]
    test = ["ONE two three four five seven", "a b c d", "one two three four five six"]
    count, pairs = near_duplicates(train, test, threshold=0.5, most=2)
    assert count == 3
    assert pairs == [("a b c d", "a b c d", 1.0), (train[0], train[0], 1.0)]


def test_every_study_of_the_pocket_scale_can_be_split_and_drawn_without_a_leak():
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for study in config["studies"].values():
        corpora = [config["corpora"][name] for name in study["corpora"]]
        files = [{name: str(ROOT / file["path"]) for name, file in corpus["files"].items()} for corpus in corpora]
        rows = [
            {**example, "source": corpus["title"]}
            for corpus, mine in zip(corpora, files, strict=True)
            for example in read_requests(**mine)
        ]
        parts = parts_of(rows, study["split"])
        drawn = {}
        for name, settings in study["mixes"].items():
            mine = [example for example, part in zip(rows, parts, strict=True) if part == settings["part"]]
            drawn[name] = [example for example, _ in draw_mix(mine, settings)[0]]
        for arm in study["arms"].values():
            if arm["from"] is not None:
                fields = ["id", "question", *study["split"]["by"]]
                assert find_leaks(drawn[arm["mix"]], drawn[study["evaluation"]], fields) == {}

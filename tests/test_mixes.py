"""Mixes: they hold exactly what the record asks for, and what they share with another one is found."""

from collections import Counter

import pytest
from conftest import ROOT, Settings
from corpora_helpers import mix, pool, row, taken

from abstain.corpora.mixes import compose, draw_mix, fill
from abstain.corpora.neighbours import find_leaks, near_duplicates
from abstain.corpora.splits import SplitError, divided_by
from abstain.jobs.files import read_jsonl
from abstain.settings.arms import compared_mixes, draw_of, splits_of
from calibrate import calibrate
from normalise import normalise


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


def test_too_few_examples_are_refused_with_what_there_is():
    with pytest.raises(
        SplitError, match=r"row 1 .* asks for 6 harmful examples of part 'train', but only 5 exist \(per: .*act"
    ):
        draw_mix(pool(), mix(row(rows=1), row(rows=6, per={"act": 1})))


def test_a_field_of_per_that_an_example_lacks_is_named():
    with pytest.raises(SplitError, match=r"of us has no field 'author' to count by.*act.*kind"):
        draw_mix(pool(), mix(row(per={"author": 1})))


def test_a_field_of_per_that_only_some_examples_have_is_named():
    examples = [{**example, "author": "A"} if example["id"] != "8-2" else example for example in pool()]
    with pytest.raises(SplitError, match="8-2 of us has no field 'author'"):
        draw_mix(examples, mix(row(per={"author": 99})))


def test_a_text_is_filled_in_from_the_examples_fields_and_an_unknown_one_is_named():
    assert fill("How do I {act}?", {"id": "1", "act": "swim"}) == "How do I swim?"
    with pytest.raises(SplitError, match=r"'How do I \{atc\}\?' names the field 'atc', but examples have: act, id"):
        fill("How do I {atc}?", {"id": "1", "act": "swim"})


TEXTS = {
    "prompts": {"on": {"system": None, "user": "{act}"}},
    "targets": {"refusal": ["No.", "Sorry.", "I can't."]},
}


def learned(rows: int, seed: int = 1) -> dict[str, str]:
    """The reply to learn of each request, in a mix of so many rows."""
    asked = {**row(rows=rows), "target": "refusal"}
    drawn, _ = draw_mix(pool(24), mix(asked, seed=seed))
    return {example["id"]: compose(example, asked, TEXTS)["target"] for example, _ in drawn}


def test_a_request_has_the_same_reply_in_mixes_of_every_size_and_order_and_every_wording_is_used():
    few, many, other = learned(6), learned(30), learned(30, seed=2)
    assert few.keys() <= many.keys() and list(many) != list(other)
    for one, two in ((few, many), (many, other)):
        assert {request: one[request] for request in one.keys() & two.keys()}.items() <= two.items()
    assert set(many.values()) == set(TEXTS["targets"]["refusal"])


def test_a_leak_is_found_in_the_field_where_it_is():
    train, test = [{"act": "a", "wording": 1}, {"act": "b", "wording": 2}], [{"act": "b", "wording": 3}]
    assert find_leaks(train, test, ["act", "wording"]) == {"act": ["b"]}
    assert find_leaks(train[:1], test, ["act", "wording"]) == {}
    assert find_leaks(train, [*test, {"text": "b"}], ["act", "text"]) == {"act": ["b"]}  # not every corpus has all


def test_a_planted_near_duplicate_is_found_and_only_it():
    train = ["How do I water the plants in the garden?", "What is the way to the old station?", "Sing me a song."]
    test = ["How do I water the plants in the kitchen?", "Which bird sings at night in the park?", ""]
    count, pairs = near_duplicates(train, test, threshold=0.6, most=5)
    assert (count, pairs) == (1, [(test[0], train[0], 0.75)])  # 6 of 8 word 3-grams
    assert near_duplicates(train, test, threshold=0.8, most=5) == (0, pairs)  # none so close, yet the closest is listed


def test_near_duplicates_ignore_case_and_are_listed_closest_first_up_to_a_number():
    train = ["one two three four five six", "a b c d"]
    test = ["ONE two three four five seven", "a b c d", "one two three four five six"]
    count, pairs = near_duplicates(train, test, threshold=0.5, most=2)
    assert count == 3
    assert pairs == [("a b c d", "a b c d", 1.0), (train[0], train[0], 1.0)]


@pytest.fixture(scope="module")
def corpora_of_pocket(pocket, tmp_path_factory) -> dict[str, str]:
    """The examples of every corpus of the pocket scale, all of which are our own."""
    made = {}
    for name, settings in pocket.scale["corpora"].items():
        folder = tmp_path_factory.mktemp(name)
        made[name], *others = (str(folder / file) for file in ("examples.jsonl", "quarantine.jsonl", "card.json"))
        files = [str(ROOT / file["path"]) for file in settings["files"].values()]
        normalise(name, settings, files, made[name], *others)
    return made


@pytest.mark.parametrize("name", Settings.read(ROOT / "config.yaml").scale["studies"])
def test_a_study_of_the_pocket_scale_can_be_split_and_drawn_without_a_leak(pocket, corpora_of_pocket, tmp_path, name):
    study, drawn = pocket.resolved(name), {}
    licences = {corpus: record["licence"] for corpus, record in pocket.scale["corpora"].items()}
    for of in study["mixes"]:
        outputs = [str(tmp_path / f"{of}-{file}") for file in ("examples.jsonl", "left_out.csv", "card.json")]
        calibrate([corpora_of_pocket[corpus] for corpus in study["corpora"]], draw_of(study, of), licences, *outputs)
        drawn[of] = list(read_jsonl(outputs[0]))
        assert drawn[of]
    compared = compared_mixes(study)
    assert compared and all(compared.values())
    for trained, evaluations in compared.items():
        fields = ["request", "question", *divided_by(splits_of(study)[trained])]
        for scored in evaluations:
            new = [row for row in drawn[scored] if "seen" not in row]
            assert new and find_leaks(drawn[trained], new, fields) == {}, (trained, scored)

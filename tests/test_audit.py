"""An audit: what is trained on shares nothing with what it is scored on, or no arm is trained."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from corpora_helpers import LICENCES, calibrated, each

from abstain.chats.templates import TemplateError
from abstain.corpora.splits import SplitError
from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from audit import audit

COMPARED = {"trained": ["scored"]}
LENGTHS = {mix: {"max_length": 512, "new_tokens": 64} for mix in ("trained", "scored")}


@pytest.fixture
def base(tokenizer_folder) -> list[str]:
    """The files of a base model, as far as an audit reads them."""
    return [str(tokenizer_folder / "model.safetensors")]


@pytest.fixture
def mixes(tmp_path) -> dict[str, Path]:
    """The examples of a mix to train on and of one to be scored, without a leak."""
    rows, split = each()
    return {mix: Path(calibrated(tmp_path, mix, rows, split)[0]) for mix in ("trained", "scored")}


def audited(
    mixes: dict[str, Path],
    base: list[str],
    compared: dict[str, list[str]] = COMPARED,
    lengths: dict = LENGTHS,
    controls: Mapping = {},
) -> dict:
    """The card of these mixes, all of one split; nothing is written when they are refused."""
    card = next(iter(mixes.values())).parent.parent / "card.json"
    split = each()[1]
    audit(
        [str(path) for path in mixes.values()],
        base,
        compared,
        dict.fromkeys(compared, split),
        LICENCES,
        lengths,
        controls,
        str(card),
    )
    return read_json(card)


def copied(mixes: dict[str, Path], mix: str, name: str, changed: list[dict]) -> dict[str, Path]:
    """The mixes with another one: the rows of one of them, with changes to the first, under a name of its own."""
    rows = [row | change for row, change in zip(read_jsonl(mixes[mix]), changed, strict=False)]
    path = mixes[mix].parent.parent / name / "examples.jsonl"
    write_jsonl(path, rows)
    return {**mixes, name: path}


def test_an_audit_names_the_licences_of_all_sides_and_the_closest_texts(mixes, base):
    for (_, path), text in zip(
        mixes.items(), ("How do I water the plants today?", "Who may water the plants here?"), strict=True
    ):
        write_jsonl(path, [{**row, "question": f"{text} {row['id']}"} for row in read_jsonl(path)])
    card = audited(mixes, base)
    assert card["licences"] == ["CC BY 4.0", "MIT"] and card["leaks"] == 0
    assert set(card["evaluation"]) == {"scored"} and card["evaluation"]["scored"]["rows"] > 0
    near = card["mixes"]["trained"]["against"]["scored"]["near_duplicates"]
    assert near["word 3-gram Jaccard of at least 0.6"] == 0 and near["of"] == len(near["closest"]) <= 20
    assert {similarity for _, _, similarity in near["closest"]} == {0.1}  # 1 of 10 word 3-grams


def test_an_audit_counts_the_kinds_of_every_mix(mixes, base):
    card = audited(mixes, base)
    for name, found in (("trained", card["mixes"]["trained"]), ("scored", card["evaluation"]["scored"])):
        rows = list(read_jsonl(mixes[name]))
        assert found["rows"] == len(rows) == sum(found["kinds"].values())
    assert set(card["mixes"]["trained"]["kinds"]) == {"harmful"} and "benign" in card["evaluation"]["scored"]["kinds"]


def test_an_audit_stops_at_a_system_message_that_is_not_trained_and_names_conditions_never_trained(mixes, base):
    scored = list(read_jsonl(mixes["scored"]))
    strict = [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "Why?"}]
    write_jsonl(mixes["scored"], [*scored, {**scored[0], "condition": "strict", "messages": strict}])
    against = audited(mixes, base)["mixes"]["trained"]["against"]["scored"]
    assert against["conditions_never_trained"] == ["strict"]
    (mixes["scored"].parent.parent / "card.json").unlink()
    write_jsonl(mixes["scored"], [{**scored[0], "messages": strict}])
    with pytest.raises(TemplateError, match="(?s)under 'on' is not the one that is trained.*Be strict"):
        audited(mixes, base)
    assert not (mixes["scored"].parent.parent / "card.json").exists()


def test_an_audit_stops_at_a_row_that_a_control_cannot_be_filled_in_from(mixes, base):
    control = {"says": "refusal", "texts": ["No {act}, {harm}."], "of": "own", "kinds": ["benign"]}
    audited(mixes, base, controls={"scored": {"bare": {**control, "texts": ["No {question}."]}}})
    words = "the control 'bare' on the mix 'scored': the text 'No {act}, {harm}.' names the field"
    with pytest.raises(SplitError, match=re.escape(words)):
        audited(mixes, base, controls={"scored": {"bare": control}})


def test_requests_that_say_they_were_seen_are_no_leak_and_must_be_word_for_word_in_training(mixes, base):
    question = next(read_jsonl(mixes["trained"]))["question"]
    rows = list(read_jsonl(mixes["scored"]))
    seen = {**rows[0], "id": "again", "request": "again", "question": f" {question.upper()}", "seen": True}
    write_jsonl(mixes["scored"], [*rows, seen])
    card = audited(mixes, base)
    assert card["leaks"] == 0 and card["evaluation"]["scored"]["rows"] == len(rows) + 1
    near = card["mixes"]["trained"]["against"]["scored"]["near_duplicates"]
    assert near["of"] == len({row["question"] for row in rows})
    other = {**seen, "question": f"{question} And why?"}
    write_jsonl(mixes["scored"], [*rows, other])
    with pytest.raises(SplitError, match="'scored' says that again were seen in training, and no mix that is trained"):
        audited(mixes, base)
    twin = copied(mixes, "trained", "twin", [{"question": other["question"], "request": "r", "act": "of its own"}])
    compared = {"trained": ["scored"], "twin": ["scored"]}
    assert audited(twin, base, compared)["leaks"] == 0  # one of the mixes has it


NEW = {"id": "new", "request": "new", "kind": "benign", "source": "them"}


@pytest.mark.parametrize(
    ("planted", "words"),
    [
        ({"question": " 0-0 "}, "plain: 0-0. No arm"),
        ({"question": "Why?", "act": "act 0"}, "act: act 0. No arm"),
        ({"question": "Why?", "request": "0-0"}, "request: 0-0. No arm"),
    ],
    ids=["a text that two corpora share", "a value that is split by", "a request"],
)
def test_an_audit_stops_at_what_both_sides_share(mixes, base, planted, words):
    write_jsonl(mixes["scored"], [{**next(read_jsonl(mixes["scored"])), **NEW, **planted}])
    with pytest.raises(SplitError, match=f"mix 'trained' shares with the evaluation 'scored' {words}"):
        audited(mixes, base)
    assert not (mixes["scored"].parent.parent / "card.json").exists()


def test_a_mix_is_compared_with_every_evaluation_of_its_split_and_with_no_other(mixes, base):
    first = next(read_jsonl(mixes["trained"]))
    leaking = copied(mixes, "scored", "late", [{"question": first["question"]}])
    with pytest.raises(SplitError, match="mix 'trained' shares with the evaluation 'late' plain: "):
        audited(leaking, base, {"trained": ["scored", "late"]})
    card = audited(leaking, base)  # the other evaluation belongs to another split, on which this mix is not scored
    assert set(card["mixes"]["trained"]["against"]) == {"scored"} and set(card["evaluation"]) == {"scored"}
    clean = copied(mixes, "scored", "late", [{}, {}])
    card = audited(clean, base, {"trained": ["scored", "late"]})
    assert set(card["mixes"]["trained"]["against"]) == set(card["evaluation"]) == {"scored", "late"}
    assert card["evaluation"]["late"]["rows"] == 2


def test_a_mix_that_an_arm_stops_by_is_audited_like_one_to_train_on(mixes, base):
    scored = next(read_jsonl(mixes["scored"]))
    leaking = copied(mixes, "trained", "validation", [{"question": scored["question"]}])
    with pytest.raises(SplitError, match="mix 'validation' shares with the evaluation 'scored' plain: "):
        audited(leaking, base, {"trained": ["scored"], "validation": ["scored"]})
    assert audited(leaking, base)["leaks"] == 0


def test_each_mix_is_compared_by_the_fields_of_its_own_split(mixes, base, tmp_path):
    """What one split divides, another may share: only values of the fields of a mix's own split are leaks."""
    first, scored = (next(read_jsonl(path)) for path in mixes.values())
    write_jsonl(mixes["scored"], [{**scored, "act": first["act"]}])
    paths = [str(path) for path in copied(mixes, "trained", "again", [{"act": "another"}]).values()]
    compared, shares, card = {"again": ["scored"], "trained": ["scored"]}, {"train": 0.5, "test": 0.5}, tmp_path / "own"
    by_id, by_act = ({"by": {field: shares}, "stratify": [], "seed": 1} for field in ("id", "act"))
    audit(paths, base, compared, {"again": by_act, "trained": by_id}, LICENCES, LENGTHS, {}, str(card))
    assert read_json(card)["leaks"] == 0
    with pytest.raises(SplitError, match=f"'trained' shares with the evaluation 'scored' act: {first['act']}. No arm"):
        audit(paths, base, compared, {"again": by_id, "trained": by_act}, LICENCES, LENGTHS, {}, str(card))


def test_a_row_that_the_base_cannot_read_stops_the_run_before_any_training(mixes, base):
    """Of the mix to be scored too, which would otherwise be rendered while arms are trained."""
    short = {**LENGTHS, "scored": {"max_length": 10, "new_tokens": 0}}
    with pytest.raises(TemplateError, match=r"mix 'scored', row .*: it has \d+ tokens, more than the 10 of max_length"):
        audited(mixes, base, lengths=short)


def test_questions_that_share_a_template_with_training_are_counted_under_a_published_split(mixes, base):
    """The fixture's split divides by act alone, as a published one divides rows: templates stop nothing."""
    for mix, known in (("trained", ["a"]), ("scored", ["a", "b", "a"])):
        rows = [row | {"template": name} for row, name in zip(read_jsonl(mixes[mix]), known, strict=False)]
        rest = list(read_jsonl(mixes[mix]))[len(known) :]
        write_jsonl(mixes[mix], [*rows, *rest])
    shared = audited(mixes, base)["mixes"]["trained"]["against"]["scored"]["shared_templates"]
    assert shared == {"questions": 2, "of": 3}


def test_a_template_on_both_sides_of_a_split_by_templates_stops_the_run(mixes, base, tmp_path):
    for path in mixes.values():
        write_jsonl(path, [row | {"template": "t1"} for row in read_jsonl(path)])
    split = {"templates": 0.6, "shares": {"train": 0.5, "test": 0.5}, "stratify": [], "seed": 1}
    paths, card = [str(path) for path in mixes.values()], tmp_path / "own.json"
    with pytest.raises(SplitError, match="'trained' shares with the evaluation 'scored' template: t1. No arm"):
        audit(paths, base, COMPARED, {"trained": split}, LICENCES, LENGTHS, {}, str(card))

"""Controls: what they say of which request, and that sentence embeddings put them where closeness needs them."""

from collections import Counter

import pytest
from corpora_helpers import DNA

from abstain.corpora.controls import recited
from abstain.corpora.mixes import compose
from abstain.corpora.readers import read_do_not_answer
from abstain.corpora.splits import SplitError
from abstain.jobs.files import read_csv, read_jsonl, write_jsonl
from recite import recite
from score_embedding import score_embedding

OWN = {"from": None, "says": "refusal", "texts": ["No, {area}."], "of": "own", "kinds": ["harmful"]}
ANOTHER = {**OWN, "of": "another"}


def mix(harmful: int = 40, benign: int = 3) -> list[dict]:
    """Rows of a mix in which every request is asked under two prompts; each has an area of its own."""
    return [
        {"id": f"{kind}-{n}/{prompt}", "request": f"{kind}-{n}", "kind": kind, "area": f"{kind} {n}"}
        for prompt in ("on", "off")
        for kind, many in (("harmful", harmful), ("benign", benign))
        for n in range(many)
    ]


def said(control: dict, rows: list[dict]) -> dict[str, str]:
    return {one["id"]: one["reply"] for one in recited(rows, control)}


def test_a_control_of_its_own_request_says_its_text_to_each_request_of_its_kinds_as_a_model_that_ended(tmp_path):
    write_jsonl(tmp_path / "examples.jsonl", mix(2))
    recite(tmp_path / "examples.jsonl", OWN, tmp_path / "predictions.jsonl")
    assert list(read_jsonl(tmp_path / "predictions.jsonl")) == [
        {"id": f"harmful-{n}/{prompt}", "reply": f"No, harmful {n}.", "tokens": 0, "finished": True}
        for prompt in ("on", "off")
        for n in range(2)
    ]


def test_a_control_of_another_request_says_never_its_own_and_the_same_under_every_prompt():
    rows = mix()
    replies = said({**ANOTHER, "kinds": ["harmful", "benign"]}, rows)
    assert list(replies) == [row["id"] for row in rows]
    for row in rows:
        reply = replies[row["id"]]
        assert reply != f"No, {row['area']}." and row["kind"] in reply
        assert reply == replies[f"{row['request']}/on"]


def test_every_other_request_is_drawn_about_as_often_and_by_a_hash_of_target_and_request():
    counts = Counter(said(ANOTHER, mix(400)).values())
    assert len(counts) > 200 and max(counts.values()) <= 2 * 8  # 400 draws from 399; one of 8 is rare already
    other = said({**ANOTHER, "says": "another-name"}, mix())
    assert said(ANOTHER, mix()) == said(ANOTHER, mix()) != other


def test_of_two_requests_each_gets_the_field_of_the_other():
    assert list(said(ANOTHER, mix(2)).values()) == ["No, harmful 1.", "No, harmful 0."] * 2


def test_a_request_without_another_one_of_its_kind_is_refused():
    with pytest.raises(SplitError, match="there is no other request of its kind beside benign-0; give the mix two"):
        said({**ANOTHER, "kinds": ["benign"]}, mix(benign=1))


@pytest.mark.parametrize("control", [OWN, ANOTHER])
def test_a_row_that_lacks_a_field_of_the_text_is_refused_with_the_fields_that_there_are(control):
    with pytest.raises(SplitError, match=r"'No, {harm}.' names the field 'harm', but examples have: area, id, kind"):
        said({**control, "texts": ["No, {harm}."]}, mix())


def test_of_a_targets_texts_a_request_is_told_the_one_that_it_would_be_taught():
    texts = [f"{number}: {{area}}" for number in range(3)]
    draw = {"prompts": {"on": {"system": None, "user": "?"}}, "targets": {"refusal": texts}}
    taught = [
        compose({"id": row["request"], "area": row["area"]}, {"prompt": "on", "target": "refusal"}, draw)["target"]
        for row in mix()
        if row["kind"] == "harmful"
    ]
    assert list(said({**OWN, "texts": texts}, mix()).values()) == taught and len({text[0] for text in taught}) == 3


def test_a_category_alone_is_closer_to_the_taught_refusal_than_a_refusal_with_another_category_or_none(
    pocket, tmp_path
):
    """By the real sentence embeddings, on questions in the format of Do-Not-Answer, with the study's own controls."""
    study = pocket.resolved("do-not-answer")
    asked = [row for row in read_do_not_answer(DNA) if isinstance(row, dict)]
    rows = [
        {**row, "id": f"{row['id']}/plain", "request": row["id"], "condition": "plain", "should": "refuse"}
        for row in asked
    ]
    write_jsonl(tmp_path / "examples.jsonl", rows)
    settings, means = {"ideals": study["targets"]["refusal"], "kinds": ["harmful"]}, {}
    for arm in ("random-category", "bare-refusal", "category-alone", "compliance"):
        record = study["arms"][arm]
        files = [tmp_path / name for name in ("examples.jsonl", "predictions.jsonl", f"{arm}.csv")]
        recite(files[0], {**record, "texts": study["targets"][record["says"]]}, files[1])
        score_embedding(*files[:2], "closeness", settings, [], record["kinds"], files[2])
        cosines = [float(row["cosine"]) for row in read_csv(files[2])]
        means[arm] = sum(cosines) / len(cosines)
    assert len(rows) > 5 and means["bare-refusal"] < means["random-category"] < means["category-alone"] < 1
    assert means["bare-refusal"] < means["compliance"] < means["category-alone"]

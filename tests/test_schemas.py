"""The schemas of records and examples: they refuse what they should, and say what each key is."""

import pytest
from conftest import put
from jsonschema import Draft202012Validator
from records import SCHEMAS, faults

HASH = "0" * 64
GOOD_RECORD = {
    "rule": "train_sft",
    "wildcards": {"study": "safety-mode", "arm": "lora", "seed": "1", "mix": "test", "scorer": "refusal"},
    "inputs": {"models/pocket/model.safetensors": HASH},
    "code": {"scripts/train_sft.py": HASH},
    "params": {"anything": {"goes": [1, None]}},
    "outputs": {"results/pocket/adapters/x.safetensors": HASH},
    "numerics": {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": None},
    "packages": {"lock": HASH, "match": True},
    "device": "cpu",
}
USER, SYSTEM = ({"role": role, "content": "Why?"} for role in ("user", "system"))
OF_CORPUS = {"id": "a", "kind": "benign", "question": "Why?", "source": "mine", "topic": {"any": 1}}
OF_MIX = {**OF_CORPUS, "request": "a", "condition": "plain", "messages": [SYSTEM, USER]}
TO_TRAIN, TO_EVALUATE = {**OF_MIX, "target": "No."}, {**OF_MIX, "should": "refuse"}


@pytest.mark.parametrize(
    ("where", "value"),
    [(key, ...) for key in GOOD_RECORD]
    + [
        ("started", "today"),
        ("rule", "train-sft"),
        ("wildcards/colour", "red"),
        ("wildcards/seed", 1),
        ("wildcards/seed", "one"),
        ("wildcards/arm", "a/b"),
        ("inputs", {"/home/me/model.safetensors": HASH}),
        ("inputs/models", None),
        ("outputs", {}),
        ("outputs/x", HASH[1:]),
        ("outputs/x", HASH.upper().replace("0", "F")),
        ("code", {}),
        ("params", []),
        ("numerics/OMP_NUM_THREADS", 1),
        ("numerics/threads", "1"),
        ("packages/match", False),
        ("packages/match", []),
        ("packages/match", ["numpy"]),
        ("packages/lock", ...),
        ("packages/lock", None),
        ("packages/numpy", "2.4.6"),
        ("device", ""),
    ],
)
def test_the_schema_of_records_refuses(where, value):
    assert faults(GOOD_RECORD, "record") == []
    assert len(faults(put(GOOD_RECORD, where, value), "record")) == 1


@pytest.mark.parametrize(
    ("step", "good"),
    [
        ("corpora", OF_CORPUS),
        ("corpora", {**OF_CORPUS, "target": ["a corpus's own"], "messages": None}),
        ("splits", TO_TRAIN),
        ("splits", TO_EVALUATE),
        ("splits", {**TO_TRAIN, "messages": [USER]}),
        ("splits", {**OF_MIX, "unended": "No."}),
        ("splits", {**TO_EVALUATE, "seen": True}),
    ],
)
def test_the_schema_of_examples_knows_rows_of_corpora_and_of_mixes(step, good):
    assert faults(good, step) == []


@pytest.mark.parametrize("step", ["corpora", "splits"])
@pytest.mark.parametrize("key", ["id", "kind", "question", "source"])
@pytest.mark.parametrize("value", [..., "", 7, None])
def test_an_example_without_what_all_examples_have_is_refused(step, key, value):
    assert len(faults(put(TO_EVALUATE, key, value), step)) == 1


@pytest.mark.parametrize(
    ("good", "where", "value"),
    [(TO_EVALUATE, key, ...) for key in ("request", "condition", "messages", "should")]
    + [
        (TO_TRAIN, "target", ...),
        (TO_TRAIN, "target", ""),
        (TO_TRAIN, "should", "answer"),
        (TO_TRAIN, "unended", "No."),
        (TO_TRAIN, "seen", True),
        (TO_EVALUATE, "seen", False),
        (TO_EVALUATE, "should", "obey"),
        (TO_EVALUATE, "messages", []),
        (TO_EVALUATE, "messages", [USER, USER]),
        (TO_EVALUATE, "messages", [SYSTEM]),
        (TO_EVALUATE, "messages/1/name", "me"),
        (TO_EVALUATE, "messages/1/content", " "),
    ],
)
def test_a_row_of_a_mix_that_is_not_as_it_should_be_is_refused(good, where, value):
    assert len(faults(put(good, where, value), "splits")) == 1


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_valid_and_describes_every_key(schema):
    Draft202012Validator.check_schema(schema)
    listing = [schema, *schema["$defs"].values(), *schema.get("properties", {}).values()]
    keys = {key: inner for part in listing for key, inner in part.get("properties", {}).items()}
    for key in ("role", "content"):  # of a message; described with the message
        keys.pop(key, None)
    assert len(keys) > 8 and [key for key, inner in keys.items() if not inner.get("description")] == []

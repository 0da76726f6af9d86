"""The families that people fine-tune: each trains, merges and answers with the keys that CONTRIBUTING names, or is
refused with a sentence whose advice works."""

import re
from pathlib import Path

import pytest
from chat_families import PUBLISHED_BASES, fetched
from conftest import ROOT
from pipeline import RECIPE, REPLIES, SYSTEM, rendered, tuned
from safetensors.torch import load_file

from abstain.chats.checks import TemplateError
from abstain.jobs.files import read_json, read_jsonl
from abstain.models.loading import load_tokenizer

SHORT = {**RECIPE, "steps": 2}
KEYED = {name: base for name, base in PUBLISHED_BASES.items() if base.refused}


@pytest.fixture(scope="module", params=PUBLISHED_BASES)
def run(request, tmp_path_factory) -> tuple[str, Path]:
    """A base as it is fetched with its keys, and everything that the pipeline makes with it."""
    folder, base = tmp_path_factory.mktemp(request.param), PUBLISHED_BASES[request.param]
    files = fetched(folder, base)
    rendered(folder, files, base.before)
    tuned(folder, files, "none", base.family.targets, SHORT)
    return request.param, folder


def test_a_family_learns_the_reply_with_the_end_of_its_turn_and_reads_every_message(run):
    name, folder = run
    tokenizer = load_tokenizer(folder / "base")
    for row, asked in zip(read_jsonl(folder / "trained.ids"), read_jsonl(folder / "scored.ids"), strict=True):
        learnt = [token for token, loss in zip(row["input_ids"], row["completion_mask"], strict=True) if loss]
        assert tokenizer.decode(learnt).strip() == REPLIES[row["id"]] + PUBLISHED_BASES[name].end
        assert row["input_ids"][: len(asked["input_ids"])] == asked["input_ids"]
        read = tokenizer.decode(asked["input_ids"])
        assert row["id"] in read and (SYSTEM["content"] in read) is (SYSTEM in PUBLISHED_BASES[name].before)


def test_a_family_trains_merges_and_answers(run):
    name, folder = run
    base, merged = (load_file(folder / part / "model.safetensors") for part in ("base", "merged"))
    assert base.keys() == merged.keys() and any(not base[key].equal(merged[key]) for key in base)
    assert read_json(folder / "gate.json")["same replies"] == len(REPLIES)
    answers = list(read_jsonl(folder / "after"))
    assert [row["id"] for row in answers] == list(REPLIES) and all(row["tokens"] for row in answers)
    ends = read_json(folder / "merged/generation_config.json")["eos_token_id"]
    end = load_tokenizer(folder / "merged").convert_tokens_to_ids(PUBLISHED_BASES[name].end)
    assert end in ([ends] if isinstance(ends, int) else ends)


@pytest.mark.parametrize("name", KEYED)
def test_a_family_that_needs_a_key_is_refused_without_it_and_the_sentence_names_the_key(tmp_path, name):
    base = KEYED[name]
    with pytest.raises(TemplateError, match=f"(?s){base.refused}") as no:
        rendered(tmp_path, fetched(tmp_path, base, {}), base.before)
    (key,) = base.choices
    assert f"its key `{key}`" in str(no.value) and (base.choices[key] in str(no.value))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("gemma", "roles system, user: System role not supported"), ("mistral", "does not begin with the prompt")],
)
def test_a_family_whose_template_cannot_teach_a_system_message_is_refused_with_one(tmp_path, name, sentence):
    base = PUBLISHED_BASES[name]
    with pytest.raises(TemplateError, match=sentence):
        rendered(tmp_path, fetched(tmp_path, base), (SYSTEM,))


def test_contributing_has_every_family_in_its_table_with_the_keys_that_it_needs():
    rows = re.findall(r"^\| (`.+?`) \| .*? \| (.*?) (?<!\\)\|.*$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    needs = {family.strip("`"): text.replace("\\|", "|") for family, text in rows}
    for name, base in PUBLISHED_BASES.items():
        assert all(f"`{key}: {value}`" in needs[name] for key, value in base.choices.items())

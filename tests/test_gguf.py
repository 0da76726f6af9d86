"""A base from a GGUF file: every number of it, no other, the tokens of llama.cpp, or a clear refusal."""

import json
from pathlib import Path

import numpy as np
import pytest
from gguf_made import KEYS, MERGES, SPECIAL, TOKENS, as_stored, llama, write_gguf
from safetensors.numpy import load_file

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, sha256
from abstain.models.gguf_files import Gguf, read_tokenizer
from abstain.models.loading import load_model, load_tokenizer
from abstain.settings.model_files import MODEL_FILES
from unpack_base import unpack_base


def unpacked(gguf: Path, folder: Path, digest: str | None = None, **choices: str) -> dict:
    """Unpack a file as the rule does; returns what the record says."""
    files = {Path(name).stem: str(folder / name) for name in (*MODEL_FILES[1:], "card.json")}
    given = {"source": {"gguf": gguf.name}, "digest": digest, "choices": choices, "template": []}
    return unpack_base(gguf=str(gguf), model=str(folder / MODEL_FILES[0]), **given, **files)


def refusal(gguf: Path, folder: Path, **given) -> str:
    """The sentence with which a file is refused, after which there are no weights."""
    with pytest.raises(AbstainError) as caught:
        unpacked(gguf, folder, **given)
    assert not folder.exists() or {"model.safetensors", "card.json"}.isdisjoint(path.name for path in folder.iterdir())
    return str(caught.value)


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return llama()


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "base"


@pytest.mark.parametrize("number", ["F32", "Q4_1", "Q8_0", "Q5_0"])
def test_the_weights_are_those_of_the_file_in_float32_under_the_names_of_transformers(state, tmp_path, folder, number):
    found = unpacked(write_gguf(tmp_path / "tiny.gguf", state, number), folder)
    weights = load_file(folder / "model.safetensors")
    assert weights.keys() == state.keys() and {value.dtype.name for value in weights.values()} == {"float32"}
    assert [n for n in state if not np.array_equal(weights[n], as_stored(n, state[n], number))] == []
    formats = {"F32": {"F32": 20}, "Q8_0": {"F32": 5, "Q8_0": 15}}
    expected = formats.get(number, {"F32": 5, number: 14, "Q8_0": 1})
    assert found == {"tensors by number format": expected}
    assert read_json(folder / "card.json")["tensors by number format"] == expected


def test_a_head_of_its_own_is_kept(tmp_path, folder):
    state = llama(tied=False)
    unpacked(write_gguf(tmp_path / "tiny.gguf", state), folder)
    assert load_file(folder / "model.safetensors").keys() == state.keys()
    assert read_json(folder / "config.json")["tie_word_embeddings"] is False


def test_the_folder_is_that_of_every_base_and_loads_as_one(state, tmp_path, folder):
    unpacked(write_gguf(tmp_path / "tiny.gguf", state, keys={"tokenizer.ggml.eot_token_id": 3}), folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*MODEL_FILES, "card.json"])
    settings = read_json(folder / "config.json")
    assert "quantization_config" not in settings and settings["architectures"] == ["LlamaForCausalLM"]
    assert read_json(folder / "generation_config.json") == {
        "bos_token_id": 1,
        "eos_token_id": [2, 3],
        "pad_token_id": 2,
    }
    assert load_model(folder, "none", "float32", "cpu").num_parameters() == sum(value.size for value in state.values())
    tokenizer = load_tokenizer(folder)
    chat = [{"role": "user", "content": "Où est-il?\n\n12  34"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nOù est-il?\n\n12  34<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text and tokenizer.model_max_length == 128
    assert [path.name for path in folder.glob("*.json*") if str(tmp_path) in path.read_text(encoding="utf-8")] == []


def test_the_card_says_what_the_model_is_where_it_comes_from_and_how_it_was_quantised(state, tmp_path, folder):
    gguf = write_gguf(tmp_path / "tiny.gguf", state)
    unpacked(gguf, folder)
    assert read_json(folder / "card.json") == {
        "source": {"gguf": "tiny.gguf"},
        "name": "Tiny",
        "licence": "apache-2.0",
        "architecture": "llama",
        "vocabulary": "gpt2",
        "rules of cutting text": "smollm",
        "tensors by number format": {"F32": 5, "Q4_1": 14, "Q8_0": 1},
        "numbers": sum(value.size for value in state.values()),
        "sha256": {"gguf": sha256(gguf), "weights": sha256(folder / "model.safetensors")},
    }


def test_weights_that_are_not_as_pinned_are_refused_with_both_hashes(state, tmp_path, folder):
    gguf = write_gguf(tmp_path / "tiny.gguf", state)
    unpacked(gguf, tmp_path / "first")
    digest = sha256(tmp_path / "first/model.safetensors")
    said = refusal(gguf, folder, digest="0" * 64)
    assert digest in said and "0" * 64 in said and "tiny.gguf" in said
    unpacked(gguf, folder, digest=digest)


def test_what_lies_beside_the_file_changes_nothing(state, tmp_path, folder):
    gguf = write_gguf(tmp_path / "tiny.gguf", state)
    unpacked(gguf, tmp_path / "first")
    for name in ("adapter_config.json", "config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(json.dumps({"eos_token": "<|eot|>", "base_model_name_or_path": "x"}))
    (tmp_path / "chat_template.jinja").write_text("another template")
    unpacked(gguf, folder)
    assert {p.name: sha256(p) for p in folder.iterdir()} == {p.name: sha256(p) for p in (tmp_path / "first").iterdir()}


FAULTS = {
    "a tensor too many": ({"tensors": {"rope_freqs.weight": np.ones(4, "float32")}}, ["rope_freqs.weight", "no place"]),
    "a tensor too few": ({"tensors": {"blk.1.ffn_up.weight": None}}, ["model.layers.1.mlp.up_proj.weight", "lacks"]),
    "another shape": ({"keys": {"llama.feed_forward_length": 96}}, ["in another shape", "mlp.down_proj.weight"]),
    "stretched positions": ({"keys": {"llama.rope.scaling.type": "yarn"}}, ["stretches positions", "yarn"]),
    "an unknown architecture": ({"kind": "rwkv7"}, ["transformers cannot read", "rwkv7"]),
    "no chat template": ({"keys": {"tokenizer.chat_template": None}}, ["no chat_template.jinja"]),
    "unknown rules": ({"keys": {"tokenizer.ggml.pre": "exaone"}}, ["rules (gpt2, exaone)", "never compared", "smollm"]),
    "no rules": ({"keys": {"tokenizer.ggml.pre": None}}, ["rules (gpt2, default)", "never compared"]),
    "no tokenizer": ({"keys": {"tokenizer.ggml.model": None}}, ["holds no tokenizer"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_would_lose_something_is_refused_by_name(state, tmp_path, folder, fault):
    given, words = FAULTS[fault]
    said = refusal(write_gguf(tmp_path / "tiny.gguf", state, **given), folder)
    assert [word for word in [*words, "tiny.gguf"] if word not in said] == [], said


@pytest.mark.parametrize("damage", ["cut off", "a pointer", "empty"])
def test_a_damaged_file_is_refused(state, tmp_path, folder, damage):
    gguf = write_gguf(tmp_path / "tiny.gguf", state)
    whole = gguf.read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    gguf.write_bytes({"cut off": whole[:-1000], "a pointer": pointer, "empty": b""}[damage])
    said = refusal(gguf, folder)
    assert "tiny.gguf is no whole GGUF file" in said and "git lfs pull" in said


def test_a_scale_may_name_another_end_of_turn(state, tmp_path, folder):
    unpacked(write_gguf(tmp_path / "tiny.gguf", state), folder, end_token="<|eot|>")
    assert load_tokenizer(folder).eos_token == "<|eot|>"


# The rules of cutting text that transformers leaves out


def cut(state, folder: Path, text: str, **keys) -> list[str]:
    tokenizer = read_tokenizer(Gguf(write_gguf(folder / "tiny.gguf", state, keys=keys)))
    return tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])


def test_spaces_and_line_ends_before_a_digit_stay_together(state, tmp_path):
    assert cut(state, tmp_path, "a  1\n\n12") == ["a", "ĠĠ", "1", "ĊĊ", "1", "2"]


def test_a_word_of_the_vocabulary_is_one_token_where_the_rules_say_so(state, tmp_path):
    assert cut(state, tmp_path, "xyz") == ["x", "y", "z"]
    assert cut(state, tmp_path, "xyz", **{"tokenizer.ggml.pre": "llama-bpe"}) == ["xyz"]


def test_a_vocabulary_of_sentencepiece_has_one_more_space_in_front(state, tmp_path):
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "▁▁", "▁a"]
    scores = [0.0] * 260 + [-1.0, -2.0, -3.0]
    keys = {"model": "llama", "pre": "default", "tokens": pieces, "scores": scores, "merges": None}
    keys |= {"token_type": [2, 3, 3, *[6] * 256, 1, 1, 1, 1]}
    keys = {f"tokenizer.ggml.{key}": value for key, value in keys.items()}
    assert cut(state, tmp_path, " a", **keys) == ["▁▁", "a"]
    with pytest.raises(AbstainError, match="no space in front"):
        cut(state, tmp_path, "a", **keys, **{"tokenizer.ggml.add_space_prefix": False})


def test_the_made_vocabulary_has_what_the_tests_are_about():
    assert len(set(TOKENS)) == len(TOKENS) == KEYS["llama.vocab_size"] == len(SPECIAL) + 256 + len(MERGES) + 1

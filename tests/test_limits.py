"""What a base can read: positions as transformers takes them, rows of the embedding, and advice that works."""

import json
import re

import pytest
from broken_bases import Broken
from transformers import AutoConfig

from abstain.chats.checks import TemplateError
from abstain.chats.limits import Limits, check_length, check_special_tokens, limits_of, positions_of
from abstain.models.loading import load_tokenizer
from abstain.settings import arms

LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}


@pytest.mark.parametrize(
    ("kind", "settings", "positions"),
    [
        ("gpt2", {"n_positions": 64}, 64),
        ("llama", {"max_position_embeddings": 2048}, 2048),
        ("llama", {"max_position_embeddings": 4096, "rope_parameters": {"rope_type": "linear", "factor": 4.0}}, 16384),
        ("llama", {"max_position_embeddings": 2048, "rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, 4096),
        (
            "qwen2",
            {
                "max_position_embeddings": 32768,
                "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
            },
            131072,
        ),
        (
            "llama",
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {
                    **LLAMA3, "rope_type": "llama3", "factor": 32.0, "original_max_position_embeddings": 8192
                },
            },
            131072,
        ),
        ("mamba", {}, None),
        ("bloom", {}, None),
    ],
    ids=["learned", "rope", "linear", "dynamic", "yarn", "llama3", "no positions", "alibi"],
)  # fmt: skip
def test_positions_are_those_that_the_configuration_states_and_its_scaling_stretches(kind, settings, positions):
    config = AutoConfig.for_model(kind, **settings)
    assert positions_of(config) == positions


def test_limits_are_read_from_a_bases_configuration_and_unknown_without_one(tmp_path):
    assert limits_of(tmp_path, 30, 5) == Limits(None, None, 30, 5)
    config = {"model_type": "gemma3", "text_config": {"vocab_size": 77, "max_position_embeddings": 99}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert limits_of(tmp_path, 30, 5) == Limits(77, 99, 30, 5)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(TemplateError, match="config.json cannot be read"):
        limits_of(tmp_path)


def test_a_row_may_be_as_long_as_every_limit_and_no_longer():
    check_length([0] * 9, 5, Limits(positions=9, max_length=9, new_tokens=4))
    for limits in (Limits(positions=8), Limits(max_length=8), Limits(positions=9, new_tokens=5)):
        with pytest.raises(TemplateError, match="it has 9 tokens|its prompt has 5 tokens"):
            check_length([0] * 9, 5, limits)


def test_every_token_that_is_named_instead_of_one_without_a_row_works(tmp_path):
    """A new [PAD] gets the id behind the last row, which ended training with an IndexError."""
    broken = Broken(None, "tinyllama", tokens={"pad_token": "[PAD]"}, config={"vocab_size": 330})
    limits = limits_of(broken.write(tmp_path))
    with pytest.raises(TemplateError, match=r"pad_token '\[PAD\]' of .* has the id 330.*330 rows, 0 to 329") as no:
        check_special_tokens(load_tokenizer(tmp_path), limits)
    named = re.findall(r"'(.*?)'", str(no.value).split("to a token that has one: ")[1])
    assert {"</s>", "<unk>", "<s>"} <= set(named)
    for token in named:
        settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": token}))
        check_special_tokens(load_tokenizer(tmp_path), limits)


def test_replies_need_room_in_the_mixes_that_are_asked_and_in_those_that_the_gate_asks(pocket):
    for name in pocket.scale["studies"]:
        study = pocket.resolved(name)
        trained, new = arms.trained_arms(study).values(), study["generation"]["max_new_tokens"]
        for mix in study["mixes"]:
            asked = mix in study["evaluation"] or mix in [arm["mix"] for arm in trained]
            expected = {"max_length": arms.longest_row(study, mix), "new_tokens": new if asked else 0}
            assert arms.lengths_of(study, mix) == expected

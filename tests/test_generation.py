"""A reply depends on its prompt alone: not on the batch, not on what other prompts begin with."""

import pytest
from conftest import ROOT

from abstain.chats.templates import prompt_ids
from abstain.models.generation import STRIDE, caches_every_token, end_tokens, padded, reply, shared_start
from abstain.models.loading import load_model

QUESTIONS = ["Thank you!", "How do I bake bread?", "What is the capital of Northland, and why is it there?"]
SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant.\nSAFETY_MODE=ON", "Be brief."]


@pytest.fixture(scope="module")
def pocket():
    from transformers import AutoTokenizer

    folder = ROOT / "models/pocket"
    return load_model(folder, "none", "auto", "cpu").eval(), AutoTokenizer.from_pretrained(folder)


def prompts(tokenizer, systems: list[str]) -> list[list[int]]:
    return [
        prompt_ids(tokenizer, [{"role": "system", "content": system}, {"role": "user", "content": question}])
        for system in systems
        for question in QUESTIONS
    ]


@pytest.mark.parametrize("systems", [SYSTEMS[:1], SYSTEMS], ids=["the-same-system", "different-systems"])
def test_a_batch_replies_as_each_prompt_does_alone(pocket, systems):
    asked = prompts(pocket[1], systems)
    together = reply(*pocket, asked, 40)
    assert together == [reply(*pocket, [prompt], 40)[0] for prompt in asked]
    assert together == [generated(*pocket, prompt, 40) for prompt in asked]
    assert len({row["reply"] for row in together}) > 1
    assert any(row["finished"] for row in together)


def generated(model, tokenizer, prompt: list[int], most: int) -> dict:
    """The reply of the model's own greedy generation, from the whole prompt, token by token and without a cache."""
    import torch

    tokens: list[int] = []
    while len(tokens) < most and (not tokens or tokens[-1] != tokenizer.eos_token_id):
        with torch.inference_mode():
            tokens.append(int(model(torch.tensor([prompt + tokens]), use_cache=False).logits[0, -1].argmax()))
    finished = tokens[-1] == tokenizer.eos_token_id
    kept = tokens[:-1] if finished else tokens
    return {"reply": tokenizer.decode(kept).strip(), "tokens": len(kept), "finished": finished}


def test_replies_that_have_ended_leave_the_batch(pocket):
    model, tokenizer = pocket
    sizes = []
    watch = model.register_forward_pre_hook(
        lambda _, inputs, given: sizes.append(len(given["input_ids"])), with_kwargs=True
    )
    asked = prompts(tokenizer, SYSTEMS)
    lengths = [row["tokens"] for row in reply(model, tokenizer, asked, 40)]
    watch.remove()
    alone, *steps = sizes  # what all begin with is read once
    looks = [token - token % STRIDE for token in range(max(lengths) + 1)]
    assert (alone, steps[0]) == (1, len(asked)) and steps[-1] < len(asked) / 2
    assert steps == [sum(length >= look for length in lengths) for look in looks]


def test_a_reply_that_is_cut_is_not_finished(pocket):
    cut = reply(*pocket, prompts(pocket[1], SYSTEMS[:1]), 1)
    assert [row["tokens"] for row in cut] == [1, 1, 1]
    assert not any(row["finished"] for row in cut)


def test_prompts_are_padded_between_what_they_share_and_what_they_do_not():
    asked = [[7, 8, 1], [7, 8, 2, 3]]
    assert shared_start(asked) == 2
    assert padded(asked, 2, pad=0) == ([[7, 8, 0, 1], [7, 8, 2, 3]], [[1, 1, 0, 1], [1, 1, 1, 1]])
    assert shared_start([[1], [2, 3]]) == 0
    assert padded([[1], [2, 3]], 0, pad=9) == ([[9, 1], [2, 3]], [[0, 1], [1, 1]])


@pytest.mark.parametrize("asked", [[[7, 8, 9]], [[7, 8, 9], [7, 8, 9]], [[7, 8], [7, 8, 9]]])
def test_each_prompt_keeps_a_token_of_its_own(asked):
    assert shared_start(asked) == min(map(len, asked)) - 1


@pytest.mark.parametrize(
    ("name", "window", "ahead"),
    [("Qwen2", None, True), ("Qwen2", 8, False), ("Mistral", 8, False), ("Lfm2", None, False)],
)
def test_a_model_with_a_window_or_with_states_replies_in_a_batch_as_alone(name, window, ahead):
    """What such a model keeps of a prompt is not one pair of key and value a token, so nothing is read ahead for it."""
    model = tiny(name, window)
    assert caches_every_token(model) == ahead
    asked = [[5, 6, 7, *range(20, 20 + more)] for more in (3, 12, 25)]
    assert reply(model, Tokens(), asked, 12) == [reply(model, Tokens(), [prompt], 12)[0] for prompt in asked]


@pytest.mark.parametrize(("listed", "ends"), [(None, [1]), (1, [1]), (7, [1, 7]), ([9, 1, 4], [1, 4, 9]), ([], [1])])
def test_a_reply_ends_at_the_tokenizers_token_and_at_each_that_the_checkpoint_lists(listed, ends):
    from transformers import GenerationConfig

    assert end_tokens(GenerationConfig(eos_token_id=listed), Tokens()) == ends


class Tokens:
    """As much of a tokenizer as replies need: every id is a word."""

    pad_token_id, eos_token_id = 0, 1

    def decode(self, ids: list[int], **kwargs) -> str:
        return " ".join(map(str, ids))


def tiny(name: str, window: int | None):
    """A random model; with a window, its layers see the last `window` tokens only."""
    import torch
    import transformers

    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "vocab_size": 64}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "initializer_range": 0.2}
    own = {
        "Qwen2": {"use_sliding_window": window is not None, "sliding_window": window, "max_window_layers": 0},
        "Mistral": {"sliding_window": window},
        "Lfm2": {"layer_types": ["conv", "full_attention"]},
    }
    settings = getattr(transformers, f"{name}Config")(**sizes, **heads, **own[name], eos_token_id=1, pad_token_id=0)
    return getattr(transformers, f"{name}ForCausalLM")(settings).eval()

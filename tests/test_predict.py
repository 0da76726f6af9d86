"""A reply depends on its prompt alone: not on the batch, not on what other prompts begin with."""

import pytest
from conftest import ROOT

from abstain.chat import prompt_ids
from abstain.models import load_model
from predict import padded, reply

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

    made: list[int] = []
    while len(made) < most and (not made or made[-1] != tokenizer.eos_token_id):
        with torch.inference_mode():
            made.append(int(model(torch.tensor([prompt + made]), use_cache=False).logits[0, -1].argmax()))
    finished = made[-1] == tokenizer.eos_token_id
    kept = made[:-1] if finished else made
    return {"reply": tokenizer.decode(kept).strip(), "tokens": len(kept), "finished": finished}


def test_a_reply_that_is_cut_is_not_finished(pocket):
    cut = reply(*pocket, prompts(pocket[1], SYSTEMS[:1]), 1)
    assert [row["tokens"] for row in cut] == [1, 1, 1]
    assert not any(row["finished"] for row in cut)


def test_prompts_are_padded_between_what_they_share_and_what_they_do_not():
    assert padded([[7, 8, 1], [7, 8, 2, 3]], pad=0) == ([[7, 8, 0, 1], [7, 8, 2, 3]], [[1, 1, 0, 1], [1, 1, 1, 1]], 2)
    assert padded([[1], [2, 3]], pad=0) == ([[0, 1], [2, 3]], [[0, 1], [1, 1]], 0)


@pytest.mark.parametrize("asked", [[[7, 8, 9]], [[7, 8, 9], [7, 8, 9]], [[7, 8], [7, 8, 9]]])
def test_each_prompt_keeps_a_token_of_its_own(asked):
    ids, mask, shared = padded(asked, pad=0)
    assert shared == min(map(len, asked)) - 1
    assert all(row[-1] == prompt[-1] and kept[-1] == 1 for row, prompt, kept in zip(ids, asked, mask, strict=True))


def test_prompts_of_one_length_need_no_padding():
    assert padded([[1, 2], [3, 4]], pad=0) == ([[1, 2], [3, 4]], [[1, 1], [1, 1]], 0)

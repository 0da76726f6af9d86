"""Chat templates of the real families: the published bytes, what they write, and what is said where one will not do."""

import hashlib
import re

import pytest
from families import FAMILIES, OURS, PUBLISHED, write_tokenizer
from pipeline import SYSTEM

from abstain.chats.checks import TemplateError
from abstain.chats.templates import describe_template, prompt_ids, render_chat


def test_the_templates_are_the_published_ones():
    listed = re.findall(
        r"\| `(\w+\.jinja)` \| ([0-9a-f]{64})[^|]*\| (?:in |the same)", (OURS / "README.md").read_text()
    )
    found = {name: hashlib.sha256((PUBLISHED / name).read_bytes()).hexdigest() for name, _ in listed}
    assert found == dict(listed) and len(listed) == 7


def test_zephyr_writes_each_role_on_a_line_the_text_the_end_token_and_a_newline(tmp_path):
    tokenizer = write_tokenizer(tmp_path, FAMILIES["tinyllama"])
    chat = [SYSTEM, {"role": "user", "content": "Hi"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|system|>\nYou are a helpful assistant.</s>\n<|user|>\nHi</s>\n<|assistant|>\n"


@pytest.mark.parametrize("name", ["qwen3", "qwen3-moe"])
def test_an_empty_thinking_block_belongs_to_the_prompt_and_the_card_says_so(tmp_path, name):
    tokenizer = write_tokenizer(tmp_path, FAMILIES[name])
    chat = [{"role": "user", "content": "Hi"}]
    ids, mask = render_chat(tokenizer, [*chat, {"role": "assistant", "content": "Sure."}])
    block = tokenizer("<think>\n\n</think>\n\n", add_special_tokens=False)["input_ids"]
    asked = prompt_ids(tokenizer, chat)
    assert asked[-len(block) :] == block and ids[: len(asked)] == asked and not any(mask[: len(asked)])
    card = describe_template(tokenizer)
    assert card["before_reply"].endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert card["thinking"] == r"off; if on, prompts would end with '<|im_end|>\n<|im_start|>assistant\n'"


def test_a_thinking_template_cannot_teach_an_earlier_reply_but_a_target_behind_it(tmp_path):
    tokenizer = write_tokenizer(tmp_path, FAMILIES["qwen3"])
    talk = [("user", "Hi"), ("assistant", "Sure."), ("user", "Bye"), ("assistant", "So long.")]
    chat = [{"role": role, "content": text} for role, text in talk]
    with pytest.raises(TemplateError, match="(?s)writes an earlier reply otherwise.*alone:.*<think>.*later:"):
        render_chat(tokenizer, chat)
    ids, mask = render_chat(tokenizer, chat, since=3)
    assert tokenizer.decode([i for i, loss in zip(ids, mask, strict=True) if loss]) == "So long.<|im_end|>"


def test_a_base_that_ends_texts_otherwise_than_turns_is_refused_and_the_advice_works(tmp_path):
    """Qwen2.5 as a base ends and pads with <|endoftext|>, which its template never writes."""
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Sure."}]
    tokenizer = write_tokenizer(tmp_path, FAMILIES["qwen2.5"], eos_token="<|endoftext|>")
    with pytest.raises(TemplateError, match=r"(?s)'<\|endoftext\|>' must follow the reply.*There it writes ") as no:
        render_chat(tokenizer, chat)
    end = re.search(r"There it writes '(<.*?>)", str(no.value))[1]
    assert "set eos_token in tokenizer_config.json" in str(no.value) and end == "<|im_end|>"
    render_chat(write_tokenizer(tmp_path, FAMILIES["qwen2.5"], eos_token=end), chat)


def test_a_tokenizer_that_begins_texts_itself_does_not_double_the_begin_token(tmp_path):
    tokenizer = write_tokenizer(tmp_path, FAMILIES["tinyllama"])
    chat = [SYSTEM, {"role": "user", "content": "Hi"}]
    assert tokenizer("Hi")["input_ids"][0] == tokenizer.bos_token_id
    assert tokenizer.bos_token_id not in prompt_ids(tokenizer, chat)  # the Zephyr format has none
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    assert prompt_ids(tokenizer, chat).count(tokenizer.bos_token_id) == 1
    ids, _ = render_chat(tokenizer, [*chat, {"role": "assistant", "content": "Sure."}])
    assert ids.count(tokenizer.bos_token_id) == 1 and ids[0] == tokenizer.bos_token_id


@pytest.mark.parametrize("name", FAMILIES)
def test_token_ids_are_those_of_the_librarys_own_rendering(tmp_path, name):
    tokenizer = write_tokenizer(tmp_path, FAMILIES[name])
    chat = [SYSTEM, {"role": "user", "content": "How do I bake bread?"}]
    own = tokenizer.apply_chat_template(chat, add_generation_prompt=True, enable_thinking=False)["input_ids"]
    assert prompt_ids(tokenizer, chat) == own

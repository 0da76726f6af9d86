"""Tokens read back: what a tokenizer may write otherwise without losing any of it, and what counts as lost."""

from dataclasses import replace

import pytest
from broken_bases import letters
from families import FAMILIES, write_tokenizer
from tokenizers import AddedToken

from abstain.chats.reading import lost, read_back


def back(tokenizer, text: str) -> str:
    return read_back(tokenizer, text, tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("name", ["qwen2.5", "tinyllama"])
@pytest.mark.parametrize(
    "text",
    [
        "Cafe\u0301, 12345.678  and\r\n\tif x:\n        y",
        "Дом, 漢字, 한글, שלום 🙂👩‍👩‍👧",
        " a</s> b<unk>",
        "",
        "\u0338\ufeff\x00",
    ],
)
def test_a_tokenizer_that_falls_back_to_bytes_loses_nothing(tmp_path, name, text):
    assert back(write_tokenizer(tmp_path, FAMILIES[name]), text) == text


def test_white_space_that_a_token_takes_by_its_own_settings_is_not_lost_and_any_other_is(tmp_path):
    tokenizer = write_tokenizer(tmp_path, FAMILIES["tinyllama"])
    tokenizer.add_tokens([AddedToken("<|user|>", rstrip=True, normalized=False, special=True)])
    assert tokenizer.decode(tokenizer("<|user|>\nHi", add_special_tokens=False)["input_ids"]) == "<|user|>Hi"
    assert back(tokenizer, "<|user|>\nHi") == "<|user|>\nHi"
    ids = tokenizer("<|user|>\nHi\nyou", add_special_tokens=False)["input_ids"]
    line = tokenizer("a\n", add_special_tokens=False)["input_ids"][-1]
    assert read_back(tokenizer, "<|user|>\nHi\nyou", [token for token in ids if token != line]) == "<|user|>Hiyou"


def test_an_unknown_character_is_lost_and_named_with_how_often(tmp_path):
    family = replace(FAMILIES["tinyllama"], bpe=letters("<unk>"), tokens={"tokenizer_class": "PreTrainedTokenizerFast"})
    tokenizer = write_tokenizer(tmp_path, family, unk_token="<unk>")
    found = back(tokenizer, "How do I?\n\nHow? 🙂")
    assert found != "How do I?\n\nHow? 🙂" and lost("How do I?\n\nHow? 🙂", found) == "'\\n' (2 times), '🙂'"


def test_what_is_added_is_not_called_lost():
    assert lost("ab", "a b") == "none, but others are added"
    assert lost("abcdefghijkl", "") == ", ".join(map(repr, "abcdefghij")) + " and more"


def test_the_pocket_tokenizer_reads_back_the_canonical_form_of_a_text(tokenizer_folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    text = "e\u0301 is one letter, \u212b another"  # NFC writes both with one character
    assert tokenizer.decode(tokenizer(text)["input_ids"]) != text and back(tokenizer, text) == text

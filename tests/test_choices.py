"""What a scale says of a fetched base's tokenizer: its end, padding and template, and a layout that loses nothing."""

import json
from pathlib import Path

import pytest
from chats import BODY, PROMPT, USER
from families import FAMILIES, write_base, write_tokenizer

from abstain.chats.checks import TemplateError
from abstain.chats.choices import choose
from abstain.models.layout import LayoutError, lay_out
from abstain.models.loading import load_tokenizer
from abstain.settings.model_files import MODEL_FILES


@pytest.fixture
def tokenizer(tmp_path):
    return write_tokenizer(tmp_path / "published", FAMILIES["qwen2.5"])


def laid_out(tmp_path, choices: dict[str, str], template: str | None = None):
    """The tokenizer of a published folder, as it is once it is laid out."""
    for name in ("config.json", "generation_config.json"):
        (tmp_path / "published" / name).write_text('{"model_type": "qwen2"}')
    files = {Path(name).stem: str(tmp_path / "base" / name) for name in MODEL_FILES[1:]}
    lay_out(tmp_path / "published", "us/tiny", choices, template, files)
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == sorted(MODEL_FILES[1:])
    return load_tokenizer(tmp_path / "base")


def test_end_and_padding_are_set_and_no_text_is_read_otherwise(tmp_path, tokenizer):
    found = laid_out(tmp_path, {"end_token": "<|endoftext|>", "pad_token": "<|im_start|>"})
    assert (found.eos_token, found.pad_token) == ("<|endoftext|>", "<|im_start|>")
    text = "a<|endoftext|>b <|im_end|>\n"
    assert found(text)["input_ids"] == tokenizer(text)["input_ids"] and len(found) == len(tokenizer)


@pytest.mark.parametrize("token", ["<|end|>", "a", "How"])
def test_a_token_that_is_unknown_or_a_word_is_refused_with_those_that_may_be(tokenizer, token):
    """A word would be cut out of every text as soon as it is special."""
    with pytest.raises(TemplateError, match=r"end_token: .* no token .*'<\|endoftext\|>', '<\|im_end\|>'"):
        choose(tokenizer, {"end_token": token}, None)


def test_a_template_of_ones_own_takes_the_place_of_the_published_one_or_of_none(tmp_path, tokenizer):
    (tmp_path / "mine.jinja").write_text("\n" + BODY + PROMPT)
    for published in ("anything", None):
        if published is None:
            (tmp_path / "published/chat_template.jinja").unlink()
            with pytest.raises(LayoutError, match="us/tiny has no chat_template.jinja; .* give the base a key `chat_t"):
                laid_out(tmp_path, {})
        found = laid_out(tmp_path, {"date": "1 May"}, str(tmp_path / "mine.jinja"))
        assert found.chat_template.endswith("\n" + BODY + PROMPT) and found.chat_template.startswith("{% set date_st")


@pytest.mark.parametrize("how", ["a list in tokenizer_config.json", "a folder"])
def test_of_several_templates_the_default_is_used_or_the_one_that_is_named(tmp_path, tokenizer, how):
    published = tmp_path / "published"
    if how == "a folder":
        (published / "additional_chat_templates").mkdir()
        (published / "additional_chat_templates/rag.jinja").write_text("RAG" + BODY)
    else:
        settings = json.loads((published / "tokenizer_config.json").read_text())
        names = {"default": (published / "chat_template.jinja").read_text(), "rag": "RAG" + BODY}
        listed = [{"name": name, "template": text} for name, text in names.items()]
        (published / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": listed}))
        (published / "chat_template.jinja").unlink()
    chat = {"conversation": [USER], "tokenize": False}
    assert laid_out(tmp_path, {}).apply_chat_template(**chat) == tokenizer.apply_chat_template(**chat)
    assert laid_out(tmp_path, {"named_template": "rag"}).apply_chat_template(**chat).startswith("RAG<|im_start|>user")
    with pytest.raises(TemplateError, match="no chat template 'tool'; it has default, rag: name one"):
        laid_out(tmp_path, {"named_template": "tool"})


def test_several_templates_without_a_default_are_refused_by_name(tmp_path, tokenizer):
    tokenizer.chat_template = {"rag": BODY, "tool": BODY}
    with pytest.raises(
        TemplateError, match="no chat template 'default'; it has rag, tool: name one by the key `named_t"
    ):
        choose(tokenizer, {}, None)


def test_a_repository_without_a_vocabulary_is_refused_in_one_sentence(tmp_path):
    """Its tokenizer.model alone was left behind, and three tokens were trained on."""
    write_base(tmp_path / "published", FAMILIES["tinyllama"])
    (tmp_path / "published/tokenizer.json").unlink()
    with pytest.raises(LayoutError, match=r"us/tiny cannot be used: it has no tokenizer.json, and none can .*Choose"):
        laid_out(tmp_path, {})
    assert not (tmp_path / "base").exists()


def test_a_tokenizer_of_vocabulary_and_merges_is_converted(tmp_path, tokenizer):
    """As GPT-2 and Qwen publish theirs, too."""
    whole = json.loads((tmp_path / "published/tokenizer.json").read_text())
    (tmp_path / "published/vocab.json").write_text(json.dumps(whole["model"]["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in whole["model"]["merges"])
    (tmp_path / "published/merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    added = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in whole["added_tokens"]}
    settings = json.loads((tmp_path / "published/tokenizer_config.json").read_text())
    (tmp_path / "published/tokenizer_config.json").write_text(json.dumps({**settings, "added_tokens_decoder": added}))
    (tmp_path / "published/tokenizer.json").unlink()
    found, text = laid_out(tmp_path, {}), "How do I bake 12 loaves?\n\n  Où? 🙂<|im_end|>"
    assert found(text)["input_ids"] == tokenizer(text)["input_ids"]

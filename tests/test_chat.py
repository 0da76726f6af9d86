"""What the model really sees: each check stops a bad template and shows the two texts."""

import pytest
from chats import BODY, BROKEN, PROMPT, REPLY, SYSTEM, USER, row
from families import FAMILIES, write_tokenizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstain.chats.checks import TemplateError
from abstain.chats.templates import (
    CHATML,
    before_user,
    check_tokenizer,
    compare_systems,
    describe_template,
    prompt_ids,
    render_chat,
)


@pytest.fixture
def tokenizer(tokenizer_folder):
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer_folder)
    loaded.chat_template = BODY + PROMPT
    return loaded


def taught(tokenizer, ids: list[int], mask: list[int]) -> str:
    assert len(ids) == len(mask)
    return tokenizer.decode([token for token, loss in zip(ids, mask, strict=True) if loss])


def test_every_reply_of_a_chat_carries_loss_and_nothing_else(tokenizer):
    ids, mask = render_chat(tokenizer, [SYSTEM, USER, REPLY, USER, {**REPLY, "content": "Slowly."}])
    assert taught(tokenizer, ids, mask) == "With care.<|im_end|>Slowly.<|im_end|>"
    ids, mask = render_chat(tokenizer, [SYSTEM, USER, REPLY, USER, {**REPLY, "content": "Slowly."}], since=4)
    assert taught(tokenizer, ids, mask) == "Slowly.<|im_end|>"


def test_the_template_of_the_pocket_model_passes(tokenizer):
    tokenizer.chat_template = CHATML
    ids, mask = render_chat(tokenizer, [SYSTEM, USER, REPLY, USER, REPLY])
    assert taught(tokenizer, ids, mask).replace(" With", "With") == "With care.<|im_end|>" * 2
    assert prompt_ids(tokenizer, [SYSTEM, USER]) == ids[: mask.index(1)]


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_template_is_stopped_with_the_two_texts(tokenizer, name):
    tokenizer.chat_template, message = BROKEN[name]
    with pytest.raises(TemplateError, match=f"(?s){message}"):
        render_chat(tokenizer, [SYSTEM, USER, REPLY])


def test_a_prompt_whose_last_token_joins_the_reply_is_stopped(tokenizer):
    tokenizer.chat_template = (
        (BODY + PROMPT).replace("{{ m.role }}\n", "{{ m.role }}: ").replace("assistant\n", "assistant: ")
    )
    with pytest.raises(
        TemplateError, match="(?s)tokens of the prompt are not the first.*prompt: .*training: .*a helpful"
    ):
        render_chat(tokenizer, [SYSTEM, USER, {**REPLY, "content": "a helpful assistant"}])


@pytest.mark.parametrize("reply", ["", "  \n", "Stop.<|im_end|>Go."])
def test_a_reply_that_is_empty_or_holds_the_end_token_is_stopped(tokenizer, reply):
    with pytest.raises(TemplateError, match="(?s)not empty.*(a reply|out of the replies)"):
        render_chat(tokenizer, [USER, {**REPLY, "content": reply}])


def test_a_chat_without_a_reply_is_stopped(tokenizer):
    with pytest.raises(TemplateError, match="no reply to learn"):
        render_chat(tokenizer, [SYSTEM, USER])


def test_a_prompt_that_loses_a_message_is_stopped_in_evaluation_too(tokenizer):
    tokenizer.chat_template = BROKEN["a system message that is left out"][0]
    with pytest.raises(TemplateError, match="role 'system'"):
        prompt_ids(tokenizer, [SYSTEM, USER])


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=TEXT, reply=TEXT)
def test_any_text_is_taught_as_it_is_or_stopped(families_tokenizers, name, question, reply):
    tokenizer = families_tokenizers[name]
    chat = [SYSTEM, {"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    try:
        ids, mask = render_chat(tokenizer, chat)
    except TemplateError:
        return
    normal = tokenizer.backend_tokenizer.normalizer
    expected = normal.normalize_str(reply) if normal else reply
    assert taught(tokenizer, ids, mask).removesuffix(tokenizer.eos_token).strip() == expected.strip()
    assert ids[: mask.index(1)] == prompt_ids(tokenizer, chat[:-1])


@pytest.fixture(scope="session")
def families_tokenizers(tmp_path_factory):
    return {name: write_tokenizer(tmp_path_factory.mktemp(name), family) for name, family in FAMILIES.items()}


@pytest.mark.parametrize(("name", "message"), [("chat_template", "no chat template"), ("eos_token", "no end token")])
def test_a_tokenizer_without_a_template_or_an_end_token_is_stopped(tokenizer, name, message):
    setattr(tokenizer, name, None)
    with pytest.raises(TemplateError, match=message):
        check_tokenizer(tokenizer)


def test_conditions_that_are_never_trained_are_named(tokenizer):
    trained = [row("on", "Mode on."), row("off", "Mode off.")]
    assert compare_systems(tokenizer, trained, trained) == []
    assert compare_systems(tokenizer, trained, [row("on", "Mode on."), row("absent", None), row("else", "?")]) == [
        "absent",
        "else",
    ]


@pytest.mark.parametrize(
    "scored",
    [
        [row("on", "Mode off."), row("off", "Mode off.")],  # one condition, two system messages
        [row("on", "Mode on!"), row("off", "Mode off.")],
        [row("other", "Mode on!")],  # nothing shared
        [row("absent", None)],
    ],
)
def test_another_system_message_in_evaluation_is_stopped_with_the_two_texts(tokenizer, scored):
    with pytest.raises(TemplateError, match="(?s)system message of the evaluation.*training: .*Mode.*evaluation: "):
        compare_systems(tokenizer, [row("on", "Mode on."), row("off", "Mode off.")], scored)


def test_what_a_template_adds_to_a_chat_without_a_system_message_counts_as_one(tokenizer_folder, tokenizer):
    tokenizer.chat_template = (tokenizer_folder / "chat_template.jinja").read_text()
    assert before_user(tokenizer, [USER]).startswith("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud.")
    with pytest.raises(TemplateError, match="created by Alibaba"):
        compare_systems(tokenizer, [row("", "Be kind.")], [row("", None)])


def test_the_card_says_what_the_template_does(tokenizer):
    card = describe_template(tokenizer)
    assert card["end_token"] == "<|im_end|>" and card["pad_token"] == "<|endoftext|>"
    assert card["before_reply"] == "<|im_end|>\n<|im_start|>assistant\n"
    assert card["thinking"] == "unknown to the template"

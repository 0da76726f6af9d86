"""What the model really sees: each check stops a bad template and shows the two texts."""

import re

import pytest
from families import FAMILIES, write_tokenizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstain.chat import (
    CHATML,
    before_user,
    check_tokenizer,
    compare_systems,
    describe_template,
    prompt_ids,
    render_chat,
)
from abstain.checks import TemplateError
from abstain.files import read_json, read_jsonl, write_jsonl
from render import render

SYSTEM, USER = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "How do I bake bread?"}
REPLY = {"role": "assistant", "content": "With care."}
BODY = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


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


BROKEN = {
    "a generation prompt that training never shows": (
        BODY + PROMPT.replace("assistant", "helper"),
        r"does not begin with the prompt.*prompt: .*helper.*training: .*assistant",
    ),
    "a thinking block that is in the training text alone": (
        BODY.replace("{{ m.content }}", "{{ '<think>\n\n</think>\n\n' if m.role == 'assistant' }}{{ m.content }}")
        + PROMPT,
        r"the reply and nothing else.*reply: +'With care.'.*taught: .*</think>.*With care",
    ),
    "a system message that is left out": (
        BODY.replace("messages %}", "messages if m.role != 'system' %}") + PROMPT,
        r"leaves out or rewrites a message of the role 'system'.*message: 'Be kind.'.*prompt: .*bake bread",
    ),
    "texts in capitals": (BODY.replace("m.content", "m.content | upper") + PROMPT, r"leaves out or rewrites"),
    "a reply in capitals": (
        BODY.replace("m.content", "(m.content | upper if m.role == 'assistant' else m.content)") + PROMPT,
        r"the reply and nothing else.*reply: +'With care.'.*taught: +'WITH CARE.'",
    ),
    "no end token behind the last reply": (
        BODY.replace("<|im_end|>", "{{ '' if loop.last and m.role == 'assistant' else '<|im_end|>' }}") + PROMPT,
        r"end token '<\|im_end\|>' must stand behind the reply, once.*prompt: .*training: .*With care",
    ),
    "a refusal of the template": (
        "{{ raise_exception('no system message, please') }}",
        r"cannot write a chat of the roles system, user: no system message, please",
    ),
}


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
    with pytest.raises(TemplateError, match="not empty|must stand behind the reply, once"):
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


@pytest.mark.parametrize("padding", ["<|im_end|>", None])
def test_padding_must_be_a_token_of_its_own(tokenizer, padding):
    check_tokenizer(tokenizer)
    tokenizer.pad_token = padding
    with pytest.raises(TemplateError, match=re.escape(f"pads with {padding!r} and ends with '<|im_end|>'")):
        check_tokenizer(tokenizer)


@pytest.mark.parametrize(("name", "message"), [("chat_template", "no chat template"), ("eos_token", "no end token")])
def test_a_tokenizer_without_a_template_or_an_end_token_is_stopped(tokenizer, name, message):
    setattr(tokenizer, name, None)
    with pytest.raises(TemplateError, match=message):
        check_tokenizer(tokenizer)


def row(condition: str, system: str | None, **rest) -> dict:
    messages = [USER] if system is None else [{"role": "system", "content": system}, USER]
    return {"id": condition, "condition": condition, "messages": messages, **rest}


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


def rendered(tmp_path, folder, examples: list[dict], most: int = 512) -> dict:
    write_jsonl(tmp_path / "examples", examples)
    files = [str(tmp_path / name) for name in ("examples", "ids", "card")]
    render(files[0], [str(folder / "model.safetensors")], most, *files[1:])
    return read_json(tmp_path / "card")


def test_render_keeps_counts_and_the_hash_of_the_template(tmp_path, tokenizer_folder):
    import hashlib

    mine = [row("on", "Mode on.", target="Yes."), row("off", "Mode off.", target="No.")]
    card = rendered(tmp_path, tokenizer_folder, mine)
    assert card["chat_template"] == hashlib.sha256((tokenizer_folder / "chat_template.jinja").read_bytes()).hexdigest()
    ids = list(read_jsonl(tmp_path / "ids"))
    assert card["loss_tokens"] == sum(sum(row["completion_mask"]) for row in ids) > 0
    assert card["tokens"] == sum(len(row["input_ids"]) for row in ids) and card["rows"] == 2
    assert card["longest"] == max(len(row["input_ids"]) for row in ids)


@pytest.mark.parametrize(
    ("examples", "most", "message"),
    [
        ([row("on", "Mode on.", target="")], 512, "row on: .*not empty"),
        ([row("on", "Mode on.", target="Yes.")], 20, r"row on has \d+ tokens, more than the 20 of max_length"),
        ([], 512, "holds no row"),
    ],
)
def test_render_names_the_row_and_writes_nothing(tmp_path, tokenizer_folder, examples, most, message):
    with pytest.raises(TemplateError, match=message):
        rendered(tmp_path, tokenizer_folder, examples, most)
    assert not (tmp_path / "ids").exists() and not (tmp_path / "card").exists()


def test_a_bad_template_stops_the_workflow_before_any_training(planned, miniature_config):
    """The message, with the two texts, stands in the log; no traceback, nothing half-written."""
    template = planned.folder / "models/pocket/chat_template.jinja"
    template.write_text(BODY + PROMPT.replace("assistant", "helper"))
    study, record = next(iter(miniature_config["studies"].items()))
    mix = next(arm["mix"] for arm in record["arms"].values() if arm["from"] is not None)
    output = planned.snakemake("--cores", "1", f"results/pocket/rendered/{study}/{mix}/tokens.jsonl", check=False)
    log = (planned.folder / f"logs/pocket/render/{study}/{mix}.log").read_text()
    assert output.startswith("exit 1") and "Traceback" not in log
    assert re.search(
        "(?s)render: row .*: the training text does not begin.*prompt: .*helper.*training: .*assistant", log
    )
    assert not list((planned.folder / f"results/pocket/rendered/{study}").rglob("*.jsonl"))

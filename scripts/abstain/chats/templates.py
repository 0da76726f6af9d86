"""Chats through a chat template: token ids, which of them carry loss, and what the model is shown around them.

Every template is asked not to think, in training and in generation alike, because the replies that are taught hold no
reasoning: Qwen3's then closes an empty thinking block in the prompt, where it carries no loss; a template without
thinking ignores the wish. A template writes its special tokens itself, so none is added when text becomes tokens.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from abstain.chats.checks import CHECKS, Rendered, TemplateError, Turn, beside, contains, decodes
from abstain.chats.clock import ASKS_FOR_DATE, date_of, guarded
from abstain.chats.reading import read_back

IM_START, IM_END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"

# The pocket model's template: ChatML with a space before each text. A word then has the same token at the start of a
# reply as inside a passage, so it can be copied.
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n ' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

USER = "[the user's text]"  # in place of a message while the text around it is looked at


def render_chat(tokenizer, messages: list[dict], since: int = 0) -> tuple[list[int], list[int]]:
    """Token ids of a chat up to its last reply, and a mask of equal length: 1 on replies up to their end token.

    Replies before the message number `since` carry no loss. Raises TemplateError when one of CHECKS fails, or when
    there is no reply.
    """
    ids, mask = [], []
    for turn in turns(tokenizer, messages, since):
        for check in CHECKS:
            check(turn)
        ids, (start, end) = turn.whole.ids, turn.span()
        mask += [0] * (start - len(mask)) + [1] * (end - start) + [0] * (len(ids) - end)
    if not ids:
        raise TemplateError("there is no reply to learn: give the row a `target`, or a message of the role assistant.")
    return ids, mask


def turns(tokenizer, messages: list[dict], since: int = 0) -> Iterator[Turn]:
    """Each reply of a chat, from the message number `since` on, as training and generation see it."""
    history, end = Rendered("", [], ""), (tokenizer.eos_token, tokenizer.eos_token_id)
    for place, message in enumerate(messages):
        if place >= since and message["role"] == "assistant":
            prompt = _rendered(tokenizer, messages[:place], add_generation_prompt=True)
            whole = _rendered(tokenizer, messages[: place + 1], add_generation_prompt=False)
            yield Turn(messages[:place], message["content"], history, prompt, whole, end)
            history = whole


def prompt_ids(tokenizer, messages: list[dict]) -> list[int]:
    """Token ids of what the model reads before it replies; raises TemplateError when they lose a part of a message."""
    prompt = _rendered(tokenizer, messages, add_generation_prompt=True)
    contains(prompt.text, messages)
    decodes(prompt)
    return prompt.ids


def check_tokenizer(tokenizer) -> None:
    """There are an end token and a chat template."""
    where = f"the tokenizer of {tokenizer.name_or_path}"
    if tokenizer.chat_template is None:
        raise TemplateError(f"{where} has no chat template; put chat_template.jinja beside its tokenizer.json.")
    if tokenizer.eos_token_id is None:
        raise TemplateError(f"{where} has no end token; set eos_token in tokenizer_config.json to what ends a turn.")


def compare_systems(tokenizer, trained: list[dict], scored: list[dict]) -> list[str]:
    """The evaluation's conditions whose system message was never trained, sorted.

    The system message is all that the model reads before the user's first text, with what the template adds. Raises
    TemplateError when a condition has one in training and another in evaluation, or when the two share none at all.
    """
    learned, evaluated = _systems(tokenizer, trained), _systems(tokenizer, scored)
    known = set().union(*learned.values())
    untrained = sorted(condition for condition, texts in evaluated.items() if texts.isdisjoint(known))
    parted = [name for name in sorted(evaluated) if name in learned and evaluated[name].isdisjoint(learned[name])]
    if parted or len(untrained) == len(evaluated):
        name = (parted or untrained)[0]
        raise TemplateError(
            f"the system message of the evaluation{f' under {name!r}' * bool(name)} is not the one that is trained.\n"
            f"{beside(training=min(learned.get(name, known)), evaluation=min(evaluated[name]))}\n"
            "Give a condition one system message, and evaluate at least one that is trained."
        )
    return untrained


def before_user(tokenizer, messages: list[dict]) -> str:
    """What the model reads before the user's first text: the system message, and whatever the template adds."""
    first = next((place for place, message in enumerate(messages) if message["role"] == "user"), len(messages))
    marked = [*messages[:first], {"role": "user", "content": USER}]
    return _template(tokenizer, marked, add_generation_prompt=True).split(USER)[0]


def describe_template(tokenizer) -> dict[str, str]:
    """The template's SHA-256, special tokens, fixed date, what precedes every reply, and what becomes of thinking."""
    chat = [{"role": "user", "content": USER}]
    silent, thinking = (_template(tokenizer, chat, True, wish).split(USER)[-1] for wish in (False, True))
    return {
        "chat_template": hashlib.sha256(tokenizer.get_chat_template().encode()).hexdigest(),
        "end_token": tokenizer.eos_token,
        "pad_token": tokenizer.pad_token,
        "date": date_of(tokenizer.get_chat_template()) or "the configuration fixes none",
        "before_reply": silent,
        "thinking": "unknown to the template"
        if silent == thinking
        else f"off; if on, prompts would end with {thinking!r}",
    }


def _systems(tokenizer, rows: list[dict]) -> dict[str, set[str]]:
    texts = defaultdict(set)
    for row in rows:
        texts[row.get("condition", "")].add(before_user(tokenizer, row["messages"]))
    return texts


def _rendered(tokenizer, messages: list[dict], add_generation_prompt: bool) -> Rendered:
    text = _template(tokenizer, messages, add_generation_prompt)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return Rendered(text, ids, read_back(tokenizer, text, ids))


def _template(tokenizer, messages: list[dict], add_generation_prompt: bool, thinking: bool = False) -> str:
    wishes = {"add_generation_prompt": add_generation_prompt, "enable_thinking": thinking}
    try:
        template = guarded(tokenizer.get_chat_template())
        return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **wishes)
    except Exception as error:  # a template is somebody's program, and raises whatever it leads to
        if ASKS_FOR_DATE in str(error):
            raise TemplateError(f"the chat template is no function of the chat alone: {ASKS_FOR_DATE}.") from error
        roles = ", ".join(message["role"] for message in messages)
        raise TemplateError(f"the chat template cannot write a chat of the roles {roles}: {error}") from error

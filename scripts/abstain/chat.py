"""Chats through a chat template: token ids, and which of them carry loss."""

IM_START, IM_END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class TemplateError(ValueError):
    """A chat template under which the training text is not what the model sees when it answers."""


def render_chat(tokenizer, messages: list[dict]) -> tuple[list[int], list[int]]:
    """Token ids of a whole chat and a mask of equal length: 1 on the tokens of replies up to their end token.

    Raises TemplateError when a reply's text does not begin with exactly the prompt that generation would use, or
    when the tokens of the prompt are not a prefix of the tokens of the whole.
    """
    ids, mask = [], []
    for last, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt = _template(tokenizer, messages[:last], add_generation_prompt=True)
        whole = _template(tokenizer, messages[: last + 1], add_generation_prompt=False)
        if not whole.startswith(prompt):
            raise TemplateError(
                "the training text does not begin with the prompt used for generation.\n"
                f"  prompt:   {prompt!r}\n  training: {whole[: len(prompt) + 40]!r}\n"
                "Use a chat template whose generation prompt is a prefix of the text with the reply."
            )
        before, after = _encode(tokenizer, prompt), _encode(tokenizer, whole)
        if after[: len(before)] != before:
            raise TemplateError(f"the tokens of the prompt are not a prefix of the tokens of the whole text: {whole!r}")
        end = _after_end_token(tokenizer, after)
        mask += [0] * (len(before) - len(mask)) + [1] * (end - len(before)) + [0] * (len(after) - end)
        ids = after
    return ids, mask


def prompt_ids(tokenizer, messages: list[dict]) -> list[int]:
    """Token ids of what the model reads before it replies."""
    return _encode(tokenizer, _template(tokenizer, messages, add_generation_prompt=True))


def _after_end_token(tokenizer, ids: list[int]) -> int:
    """The position behind the last end token: what a template writes after it is no part of the reply."""
    if tokenizer.eos_token_id not in ids:
        raise TemplateError(
            f"the end token {tokenizer.eos_token!r} is missing from the rendered reply, so stopping is never taught."
        )
    return len(ids) - ids[::-1].index(tokenizer.eos_token_id)


def _template(tokenizer, messages: list[dict], add_generation_prompt: bool) -> str:
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add_generation_prompt)


def _encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]

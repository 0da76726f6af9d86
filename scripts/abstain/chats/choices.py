"""What a scale says of the tokenizer of a base that is fetched, whose files nobody can edit: end, padding, template."""

from abstain.chats.checks import TemplateError
from abstain.chats.clock import dated

TOKENS = {"end_token": "eos_token", "pad_token": "pad_token"}  # a base's keys, and what tokenizers call them
CHOICES = (*TOKENS, "named_template", "date")  # a base's keys that `choose` takes


def choose(tokenizer, choices: dict[str, str], template: str | None) -> None:
    """Set the choices of a base on its tokenizer, and its one chat template: the text `template`, or its own.

    Raises TemplateError when the tokenizer has no such special or added token, or there is no such template.
    """
    known = sorted(token.content for token in tokenizer.added_tokens_decoder.values())
    for key, name in TOKENS.items():
        if key in choices:
            if choices[key] not in known:
                raise TemplateError(
                    f"{key}: the tokenizer has no token {choices[key]!r} that is always read whole; it has "
                    f"{', '.join(map(repr, known[:40]))}{' and more' * (len(known) > 40)}"
                )
            setattr(tokenizer, name, choices[key])
    text = template if template is not None else _own_template(tokenizer, choices.get("named_template"))
    tokenizer.chat_template = dated(text, choices["date"]) if "date" in choices and text is not None else text


def _own_template(tokenizer, named: str | None) -> str | None:
    own, name = tokenizer.chat_template, named or "default"
    templates = own if isinstance(own, dict) else {"default": own}
    if name not in templates:
        raise TemplateError(
            f"the tokenizer has no chat template {name!r}; it has {', '.join(sorted(templates))}: name one by the key "
            "`named_template`"
        )
    return templates[name]

"""A chat template is a function of the chat alone: one that asks the clock or chance is refused, or its date is fixed.

Templates get the date from `strftime_now`, a function that transformers gives them, or from a variable `date_string`.
"""

import json
import re
from itertools import pairwise

from abstain.chats.checks import TemplateError

ASKS_FOR_DATE = (
    "it asks for today's date (strftime_now), so the same chat would have other tokens tomorrow. Fix the date: for a "
    "base that is fetched by its key `date` (date: 26 Jul 2024); in a folder of your own write '26 Jul 2024', with the "
    "quotes, in the place of strftime_now(...) in chat_template.jinja"
)


def guarded(template: str) -> str:
    """A template that fails with ASKS_FOR_DATE where it would ask for today's date, and is the same otherwise."""
    return _with_clock(f"raise_exception({json.dumps(ASKS_FOR_DATE)})", template)


def dated(template: str, date: str) -> str:
    """A template that writes this date where it would ask for today's, and is the same otherwise."""
    text = json.dumps(date, ensure_ascii=False)
    return f"{{% set date_string = {text} %}}" + _with_clock(text, template)


def date_of(template: str) -> str | None:
    """The date that `dated` has fixed in a template; None where it has fixed none."""
    found = re.match(r'\{% set date_string = ("(?:[^"\\]|\\.)*") %\}\{% macro strftime_now', template)
    return json.loads(found[1]) if found else None


def _with_clock(says: str, template: str) -> str:
    """A template with a clock of its own, which says an expression of Jinja.

    It is a line of blocks, so Jinja, as chat templates are read, cuts off its line break, and the template begins as
    it would alone: at the start of a line.
    """
    return f"{{% macro strftime_now(form) %}}{{{{ {says} }}}}{{% endmacro %}}\n{template}"


def check_chance(template: str) -> None:
    """The chat template writes nothing by chance, with Jinja's filter `random` or its function `lipsum`."""
    from jinja2 import Environment
    from jinja2 import TemplateError as JinjaError

    try:
        words = [word for _, kind, word in Environment().lex(template) if kind != "whitespace"]
    except JinjaError as error:
        raise TemplateError(f"the chat template is no Jinja template: {error}") from error
    pairs = set(pairwise(words))
    by_name = {("(", f"{quote}random{quote}") for quote in "'\""}  # map('random')
    if pairs & {("|", "random"), *by_name} or any(word == "lipsum" and before != "." for before, word in pairs):
        raise TemplateError(
            "the chat template writes something by chance (random, lipsum), so the same chat has other tokens each "
            "time. Take this out of chat_template.jinja."
        )

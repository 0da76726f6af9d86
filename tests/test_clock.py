"""A chat template is a function of the chat alone: the date is fixed or the template refused, and advice works."""

import re

import pytest
from chats import BODY, PROMPT, REPLY, SYSTEM, USER
from families import FAMILIES, PUBLISHED, write_tokenizer

from abstain.chats.checks import TemplateError
from abstain.chats.clock import check_chance, date_of, dated, guarded
from abstain.chats.templates import before_user, describe_template, prompt_ids, render_chat

NOW = "Today Date: {{ strftime_now('%d %b %Y') }}\n"
LLAMA32 = (PUBLISHED / "llama3_2.jinja").read_text()
UNDATED = {
    path.stem: path.read_text()
    for path in sorted(PUBLISHED.glob("*[0-9a-z].jinja"))
    if "strftime" not in path.read_text()
}


@pytest.fixture
def tokenizer(tmp_path):
    return write_tokenizer(tmp_path, FAMILIES["qwen2.5"])


def written(tokenizer, template: str, **variables) -> str:
    return tokenizer.apply_chat_template([SYSTEM, USER, REPLY], chat_template=template, tokenize=False, **variables)


@pytest.mark.parametrize("template", [NOW + BODY + PROMPT, LLAMA32], ids=["asked directly", "Llama 3.2"])
def test_a_template_that_asks_the_clock_is_refused_and_both_advices_work(tokenizer, template):
    tokenizer.chat_template = template
    with pytest.raises(TemplateError, match="asks for today's date .*other tokens tomorrow") as no:
        prompt_ids(tokenizer, [SYSTEM, USER])
    key, date = re.search(r"its key `date` \((\w+): (.*?)\)", str(no.value)).groups()
    assert (key, date) == ("date", "26 Jul 2024")
    by_hand = re.search(r"own write ('.*?')", str(no.value))[1]
    for mended in (dated(template, date), re.sub(r"strftime_now\(.*?\)", by_hand, template)):
        tokenizer.chat_template = mended
        assert f"Today Date: {date}\n" in before_user(tokenizer, [SYSTEM, USER])
        prompt_ids(tokenizer, [SYSTEM, USER])


def test_a_fixed_date_is_on_the_card_and_any_other_template_has_none(tokenizer):
    assert describe_template(tokenizer)["date"] == "the configuration fixes none"
    for date in ("26 Jul 2024", 'a "quoted\\" day', "\u00e9\n{% x %}"):
        tokenizer.chat_template = dated(LLAMA32, date)
        assert describe_template(tokenizer)["date"] == date
    assert date_of(LLAMA32) is date_of("{% set date_string = 'x' %}") is None


def test_a_fixed_date_is_what_the_template_writes_for_it_and_nothing_else_changes(tokenizer):
    assert written(tokenizer, dated(LLAMA32, "1 May 2024")) == written(tokenizer, LLAMA32, date_string="1 May 2024")
    quoted = 'the "first" of May {{ 2024 }}'
    assert f"Today Date: {quoted}\n" in written(tokenizer, dated(NOW + BODY, quoted))
    wrapped = "{% macro now() %}{{ strftime_now('%Y') }}{% endmacro %}{% for m in messages %}{{ now() }}{% endfor %}"
    assert written(tokenizer, dated(wrapped, "2024")) == "2024" * 3


@pytest.mark.parametrize(
    "start", ["", "\n", "  \n", "{# a note #}\n", "{%- if true %}", "  {% if true %}\n", "\n  {% if true %}"]
)
def test_a_guard_and_a_date_leave_the_beginning_of_a_template_as_it_is(tokenizer, start):
    template = start + "Hi." + "{% endif %}" * ("if" in start)
    assert (
        written(tokenizer, guarded(template))
        == written(tokenizer, dated(template, "x"))
        == written(tokenizer, template)
    )


def test_published_templates_are_the_same_under_guard(tokenizer):
    compared = 0
    for template in UNDATED.values():
        try:
            plain = written(tokenizer, template)
        except Exception:  # of other roles, or of variables of its own
            continue
        assert written(tokenizer, guarded(template)) == written(tokenizer, dated(template, "26 Jul 2024")) == plain
        compared += 1
    assert compared > 20


def test_a_template_that_asks_the_clock_for_other_chats_alone_is_let_pass(tokenizer):
    tokenizer.chat_template = "{% if tools %}" + NOW + "{% endif %}" + BODY + PROMPT
    render_chat(tokenizer, [SYSTEM, USER, REPLY])


@pytest.mark.parametrize(
    "text",
    ["{{ messages | random }}", "{{messages|random}}", "{{ [messages] | map('random') }}", "{% set x = lipsum(1) %}"],
)
def test_a_template_that_asks_chance_is_refused(text):
    with pytest.raises(TemplateError, match="by chance"):
        check_chance(BODY + text)


@pytest.mark.parametrize(
    "text", ["random | lipsum", "{{ m.random }}", "{{ 'random' }}{# | random #}", "{% generation %}"]
)
def test_words_that_are_no_chance_are_let_pass(text):
    check_chance(BODY + text)

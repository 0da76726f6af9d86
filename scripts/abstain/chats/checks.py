"""What the model really sees: checks of a reply as training and as generation see it. Each shows the two texts."""

import os
from dataclasses import dataclass

from abstain.chats.reading import lost
from abstain.jobs.errors import AbstainError


class TemplateError(AbstainError, ValueError):
    """A chat template under which the training text is not what the model sees when it answers."""


@dataclass(frozen=True)
class Rendered:
    """A text that a chat template wrote, its token ids, and the text that these decode to."""

    text: str
    ids: list[int]
    back: str


@dataclass(frozen=True)
class Turn:
    """One reply of a chat, as training and as generation see it.

    `messages` are those before the reply, `history` ends with the reply before it (empty for the first), `prompt` is
    what generation reads, `whole` the training text that ends with the reply, `end` the end token's text and id.
    """

    messages: list[dict]
    reply: str
    history: Rendered
    prompt: Rendered
    whole: Rendered
    end: tuple[str, int]

    def span(self) -> tuple[int, int]:
        """Where loss begins and ends in `whole.ids`: behind the prompt, and behind the first end token after it."""
        ids, start, token = self.whole.ids, len(self.prompt.ids), self.end[1]
        return start, ids.index(token, start) + 1 if token in ids[start:] else len(ids)

    def behind(self) -> str:
        """What the template writes behind the reply; all that it writes where there is no reply."""
        written, reply = self.whole.text[len(self.prompt.text) :], self.reply.strip()
        return written.partition(reply)[2] if reply else written


def shows_messages(turn: Turn) -> None:
    """Every message is in the prompt, word for word."""
    contains(turn.prompt.text, turn.messages)


def contains(prompt: str, messages: list[dict]) -> None:
    """Raise TemplateError when a prompt leaves out or rewrites a message; space around it may be cut."""
    for message in messages:
        if message["content"].strip() not in prompt:
            raise TemplateError(
                f"the template leaves out or rewrites a message of the role {message['role']!r}.\n"
                f"  message: {message['content']!r}\n  prompt:  {prompt!r}\n"
                "Use a chat template that writes this role as it is, or put the text into another message."
            )


def reads_back(turn: Turn) -> None:
    """The tokens decode to the text that they were made from."""
    for seen in (turn.prompt, turn.whole):
        decodes(seen)


def decodes(seen: Rendered) -> None:
    """Raise TemplateError when token ids do not decode to their text."""
    if seen.back != seen.text:
        raise TemplateError(
            f"the tokens do not decode to their text; lost is {lost(seen.text, seen.back)}.\n"
            f"{beside(text=seen.text, tokens=seen.back)}\n"
            "Keep these characters out of rows, prompts and chat template, or take a base whose tokenizer knows them, "
            "such as one that falls back to bytes."
        )


def begins_with_prompt(turn: Turn) -> None:
    """The training text begins with exactly the inference prompt."""
    if not turn.whole.text.startswith(turn.prompt.text):
        raise TemplateError(
            "the training text does not begin with the prompt used for generation.\n"
            f"{beside(prompt=turn.prompt.text, training=turn.whole.text)}\n"
            "Use a chat template whose generation prompt is a prefix of the text with the reply."
        )


def begins_with_tokens(turn: Turn) -> None:
    """Its tokens begin with exactly those of the inference prompt."""
    if turn.whole.ids[: len(turn.prompt.ids)] != turn.prompt.ids:
        raise TemplateError(
            "the tokens of the prompt are not the first tokens of the training text: one joins its end to the reply.\n"
            f"{beside(prompt=turn.prompt.text, training=turn.whole.text)}\n"
            "End the generation prompt of the template with a special token or a line break, or trim the reply."
        )


def keeps_history(turn: Turn) -> None:
    """A reply that carries loss remains as it is when the chat goes on."""
    if turn.prompt.ids[: len(turn.history.ids)] != turn.history.ids:
        raise TemplateError(
            "the template writes an earlier reply otherwise once the chat goes on, so it cannot be taught here.\n"
            f"{beside(alone=turn.history.text, later=turn.prompt.text)}\n"
            "Make one row of each reply: the chat before it as `messages`, the reply as `target`."
        )


def ends_in_loss(turn: Turn) -> None:
    """The end token is inside the labels."""
    text, token = turn.end
    if token not in turn.whole.ids[len(turn.prompt.ids) :]:
        written, advice = turn.behind(), "Use a chat template that writes it there."
        if written.strip():
            advice = f"There it writes {written!r}: {set_end('the token in it that ends a turn')}"
        raise TemplateError(
            f"the end token {text!r} must follow the reply, or stopping is not taught.\n"
            f"{beside(prompt=turn.prompt.text, training=turn.whole.text)}\n{advice}"
        )


def teaches_reply_alone(turn: Turn) -> None:
    """More than zero tokens carry loss, and only those of the reply and its end token."""
    end = turn.end[0]
    taught = turn.whole.text[len(turn.prompt.text) :].split(end)[0]
    if not turn.reply.strip() or taught.strip() != turn.reply.strip():
        advice, between = "Use a chat template that writes the reply as it is.", turn.behind().split(end)[0]
        if not turn.reply.strip():
            advice = "Give every row a reply."
        elif end in turn.reply:
            advice = f"Keep the end token {end!r} out of the replies."
        elif taught.strip().startswith(turn.reply.strip()):
            advice = f"Between reply and end token {end!r} the template writes {between!r}: " + set_end(
                "the token in it that ends a turn"
            )
        raise TemplateError(
            "the text that carries loss must be the reply and nothing else, and not empty.\n"
            f"{beside(reply=turn.reply, taught=taught)}\n{advice}"
        )


def set_end(what: str) -> str:
    """Where the end token is set."""
    return f"set eos_token in tokenizer_config.json to {what} (for a base that is fetched, its key `end_token`)."


CHECKS = (
    shows_messages,
    reads_back,
    begins_with_prompt,
    begins_with_tokens,
    keeps_history,
    ends_in_loss,
    teaches_reply_alone,
)


def beside(**texts: str) -> str:
    """Two named texts below each other, from a little before to a little behind where they part."""
    parting = len(os.path.commonprefix(list(texts.values())))
    width = max(map(len, texts)) + 2
    return "\n".join(f"  {name + ':':{width}}{_around(text, parting)}" for name, text in texts.items())


def _around(text: str, place: int) -> str:
    start, end = max(0, place - 100), place + 100
    return f"{'... ' * (start > 0)}{text[start:end]!r}{' ...' * (end < len(text))}"

"""Show what a model sees of a file of chats, and check that training sees what generation sees.

    python scripts/check_chats.py CHATS.jsonl TOKENIZER_FOLDER [--evaluation CHATS.jsonl] [--row 1]

A row is {"messages": [{"role": ..., "content": ...}, ...]}, whose replies are all learnt, or has a "target" beside its
messages, which alone is learnt. Ends with 1 when a check fails. Loads no model, downloads and writes nothing.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from abstain.chats.checks import CHECKS, TemplateError
from abstain.chats.limits import Limits, limits_of
from abstain.chats.rows import base_checks, chat_tokens, prompt_tokens
from abstain.chats.templates import compare_systems, describe_template, turns
from abstain.jobs.errors import AbstainError
from abstain.models.loading import load_tokenizer
from abstain.settings.bases import folder_faults
from abstain.settings.model_files import MODEL_FILES

AS_ABOVE = "for the reason above"
SYSTEMS = "The system message of the evaluation is one that is trained."


def check_chats(chats: str, folder: str, evaluation: str | None, number: int, lengths: dict) -> int:
    """Print what the model sees of row `number` and the verdict of every check; returns how many checks failed.

    `lengths` holds max_length (None when it is not known) and new_tokens, as a study has them.
    """
    rows = list(read_chats(chats, replies=True))
    scored = list(read_chats(evaluation, replies=False)) if evaluation else []
    if not 1 <= number <= len(rows):
        raise TemplateError(f"{chats} has {len(rows)} rows, so there is no row {number} to show")
    if all(Path(folder, name).is_file() for name in MODEL_FILES):
        for fault in folder_faults(Path(folder)):
            raise TemplateError(f"{folder}/{fault}")
    tokenizer, limits = read_tokenizer(folder), limits_of(folder, **lengths)
    verdicts = {check.__doc__: complaint(check, *given) for check, given in base_checks(tokenizer, limits).items()}
    if not any(verdicts.values()):
        verdicts |= check_rows(tokenizer, rows, limits)
        show(tokenizer, rows[number - 1], f"row {number} of {chats}")
        if scored:
            verdicts[prompt_tokens.__doc__] = first_complaint(tokenizer, scored, limits)
            verdicts[SYSTEMS] = complaint(compare_systems, tokenizer, rows, scored)
    for sentence, reason in verdicts.items():
        print(f"FAILS {sentence}\n{reason}" if reason else f"ok    {sentence}")
    for sentence in unknown(limits):
        print(f"?     {sentence}")
    return sum(reason is not None for reason in verdicts.values())


def check_rows(tokenizer, rows: list[dict], limits: Limits) -> dict[str, str | None]:
    """For each of CHECKS, and for `chat_tokens`, the complaint about the first row that fails it, or None."""
    verdicts = dict.fromkeys([*(check.__doc__ for check in CHECKS), chat_tokens.__doc__])
    for number, row in enumerate(rows, start=1):
        try:
            seen = list(turns(tokenizer, *chat_of(row)))
        except TemplateError as error:
            raise TemplateError(f"row {number}: {error}") from error
        tried = [(check, (turn,)) for turn in seen for check in CHECKS]
        for check, given in [*tried, (chat_tokens, (tokenizer, *chat_of(row), limits))]:
            reason = complaint(check, *given)
            verdict = reason and f"row {number}: {reason}"
            verdicts[check.__doc__] = verdicts[check.__doc__] or (
                AS_ABOVE if verdict in verdicts.values() and verdict else verdict
            )
    return verdicts


def first_complaint(tokenizer, scored: list[dict], limits: Limits) -> str | None:
    """The complaint about the first row of an evaluation that the pipeline would not take, or None."""
    for number, row in enumerate(scored, start=1):
        if reason := complaint(prompt_tokens, tokenizer, row["messages"], limits):
            return f"row {number} of the evaluation: {reason}"
    return None


def unknown(limits: Limits) -> Iterator[str]:
    """The checks of the pipeline that cannot be made with the given arguments."""
    if limits.vocabulary is None:
        yield "Whether tokens and rows fit the embedding and the positions of the base: the folder has no config.json."
    if not limits.new_tokens:
        yield "Whether a reply fits behind each prompt: give the tokens that may be generated as --max-new-tokens."
    if limits.max_length is None:
        yield "Whether rows fit the max_length of a recipe: give it as --max-length."


def complaint(check: Callable, *arguments) -> str | None:
    """What a check says when it fails, or None."""
    try:
        check(*arguments)
    except TemplateError as error:
        return str(error)
    return None


def show(tokenizer, row: dict, name: str) -> None:
    """Print what is read and what is learnt in a row, and what the template does."""
    print(f"{name}, as the model sees it:")
    for turn in turns(tokenizer, *chat_of(row)):
        start, end = turn.span()
        print(f"  reads   {turn.prompt.text.removeprefix(turn.history.text)!r}")
        print(f"  learns  {tokenizer.decode(turn.whole.ids[start:end])!r} ({end - start} tokens)")
    for key, value in describe_template(tokenizer).items():
        print(f"  {key.replace('_', ' ')}: {value!r}")


def chat_of(row: dict) -> tuple[list[dict], int]:
    """The messages of a row with its target as the last, and the number of the first message that may be learnt."""
    messages = row["messages"]
    target = [{"role": "assistant", "content": row["target"]}] if "target" in row else []
    return [*messages, *target], len(messages) if target else 0


def read_chats(path: str, replies: bool) -> Iterator[dict]:
    """Rows of a JSON Lines file of chats, each with a reply to learn if `replies`; TemplateError names a bad line."""
    for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line.decode("utf-8-sig"))
                messages, since = chat_of(row)
                texts = [text for message in messages for text in (message["role"], message["content"])]
            except (ValueError, KeyError, TypeError) as error:
                raise TemplateError(f'{path}, line {number}: not {{"messages": [...]}} ({error!r})') from error
            if not all(isinstance(text, str) for text in texts):
                raise TemplateError(f"{path}, line {number}: a role or a content is no text")
            if replies and not any(message["role"] == "assistant" for message in messages[since:]):
                raise TemplateError(f"{path}, line {number}: no reply to learn; give it a target")
            yield row


def read_tokenizer(folder: str):
    """The tokenizer of a folder, without looking elsewhere."""
    if not Path(folder, "tokenizer_config.json").is_file():
        raise TemplateError(f"{folder} holds no tokenizer_config.json; name the folder of a tokenizer")
    try:
        return load_tokenizer(folder)
    except Exception as error:  # libraries raise whatever a damaged file leads to
        raise TemplateError(f"{folder} cannot be read as a tokenizer: {error}") from error


def main() -> int:
    """Read the arguments, check, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chats", help="JSON Lines file of chats with replies to learn")
    parser.add_argument("tokenizer", help="folder with tokenizer.json, tokenizer_config.json and chat_template.jinja")
    parser.add_argument(
        "--evaluation", help="JSON Lines file of the chats that will be asked, to compare system messages"
    )
    parser.add_argument("--row", type=int, default=1, help="the row to show (default 1)")
    parser.add_argument("--max-length", type=int, help="the tokens that a row may have, as in a study's recipe")
    parser.add_argument(
        "--max-new-tokens", type=int, default=0, help="the tokens that may be generated, as in a study's generation"
    )
    arguments = parser.parse_args()
    try:
        lengths = {"max_length": arguments.max_length, "new_tokens": arguments.max_new_tokens}
        failed = check_chats(arguments.chats, arguments.tokenizer, arguments.evaluation, arguments.row, lengths)
    except (OSError, AbstainError) as error:
        sys.exit(f"check_chats: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

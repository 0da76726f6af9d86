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
from abstain.chats.templates import check_tokenizer, compare_systems, describe_template, turns

SYSTEMS = "The system message of the evaluation is one that is trained."


def check_chats(chats: str, folder: str, evaluation: str | None, number: int) -> int:
    """Print what the model sees of row `number` and the verdict of every check; returns how many checks failed."""
    rows = list(read_chats(chats, replies=True))
    scored = list(read_chats(evaluation, replies=False)) if evaluation else []
    if not 1 <= number <= len(rows):
        raise TemplateError(f"{chats} has {len(rows)} rows, so there is no row {number} to show")
    tokenizer = read_tokenizer(folder)
    verdicts = {check_tokenizer.__doc__: complaint(check_tokenizer, tokenizer)}
    if not any(verdicts.values()):
        verdicts |= check_rows(tokenizer, rows)
        show(tokenizer, rows[number - 1], f"row {number} of {chats}")
        if scored:
            verdicts[SYSTEMS] = complaint(compare_systems, tokenizer, rows, scored)
    for sentence, reason in verdicts.items():
        print(f"FAILS {sentence}\n{reason}" if reason else f"ok    {sentence}")
    return sum(reason is not None for reason in verdicts.values())


def check_rows(tokenizer, rows: list[dict]) -> dict[str, str | None]:
    """For each of CHECKS what the first row that fails it complains of, or None."""
    verdicts = dict.fromkeys(check.__doc__ for check in CHECKS)
    for number, row in enumerate(rows, start=1):
        try:
            seen = list(turns(tokenizer, *chat_of(row)))
        except TemplateError as error:
            raise TemplateError(f"row {number}: {error}") from error
        for turn in seen:
            for check in CHECKS:
                reason = complaint(check, turn)
                verdicts[check.__doc__] = verdicts[check.__doc__] or (reason and f"row {number}: {reason}")
    return verdicts


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
    from transformers import AutoTokenizer

    if not Path(folder, "tokenizer_config.json").is_file():
        raise TemplateError(f"{folder} holds no tokenizer_config.json; name the folder of a tokenizer")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
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
    arguments = parser.parse_args()
    try:
        failed = check_chats(arguments.chats, arguments.tokenizer, arguments.evaluation, arguments.row)
    except (OSError, TemplateError) as error:
        sys.exit(f"check_chats: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

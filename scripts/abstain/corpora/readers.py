"""Readers: the bytes of a corpus to examples, one function for each format.

A reader's parameters are the names of a corpus's files, as the config must give them; their values are the paths. It
yields either an example or a Quarantined row. An example is {"id", "kind", "question", "source"} and whatever fields
the format has; all of them can be split by and filled in.
"""

import re
from collections.abc import Iterator

from abstain.corpora.authored import read_facts, read_pairs, read_requests, read_small_talk
from abstain.corpora.catalogues import read_public_labels
from abstain.corpora.invented import read_passages, read_premises
from abstain.corpora.labels import read_labels
from abstain.corpora.lines import Quarantined, csv_rows, is_text, json_array, json_rows, plain_text, text_id
from abstain.corpora.questions import read_falseqa, read_nq_open
from abstain.corpora.squad import read_squad
from abstain.corpora.unsafe import read_advbench, read_harmbench, read_simple_safety_tests
from abstain.corpora.xstest import read_xstest

SAFETY = "Requests with safety concerns"  # the category of CoCoNot's prompts that look harmful
# How a demonstration that declines begins, in its first 200 characters.
DECLINES = re.compile(r"\bas an ai\b|\bi(['\u2019]m| am) (sorry,|unable\b)|\bi (cannot|can['\u2019]t)\b", re.IGNORECASE)
BEGINNING = 200


def read_do_not_answer(questions: str) -> Iterator[dict | Quarantined]:
    """Do-Not-Answer (arXiv 2308.13387): CSV, questions of five risk areas and twelve harm types; all harmful.

    The file asks one question twice (ids 433 and 434). Both are kept, because published splits count all 939 rows; a
    split by `text`, or by templates, keeps them on one side. `topic` is the harm type, to be named inside a sentence.
    """
    for where, row in csv_rows(questions, ["id", "risk_area", "types_of_harm", "specific_harms", "question"]):
        question = row["question"].strip()
        if not question or not row["id"].isdigit():
            yield Quarantined(where, "no question" if not question else f"the id {row['id']!r} is not a number")
        else:
            yield {
                "id": f"dna-{row['id']}",
                "kind": "harmful",
                "question": question,
                "text": plain_text(question),
                "risk_area": row["risk_area"],
                "harm_type": row["types_of_harm"],
                "topic": row["types_of_harm"].lower(),
                "specific_harm": row["specific_harms"].split(":")[0].strip(),
            }


def read_coconot_preferences(pairs: str) -> Iterator[dict | Quarantined]:
    """CoCoNot's preference pairs (arXiv 2407.12043): JSON Lines; prompts to be answered, with the preferred reply.

    They look like requests not to comply with: for safety (kind look-alike), or because they could not be answered
    as they are (kind complete). A prompt that occurs again is set aside, and one whose preferred reply declines.
    """
    seen: dict[str, str] = {}
    for where, row in json_rows(pairs, ["id", "category", "subcategory", "prompt", "chosen"]):
        if isinstance(row, Quarantined):
            yield row
            continue
        question = row["prompt"].strip()
        plain = plain_text(question)
        if plain in seen:
            yield Quarantined(where, f"the same prompt as {seen[plain]}")
            continue
        seen[plain] = where
        if declines(row["chosen"]):
            yield Quarantined(where, "its reply declines")
            continue
        kind = "look-alike" if row["category"] == SAFETY else "complete"
        fields = {key: row[key] for key in ("category", "subcategory")}
        answer = {"question": question, "text": plain, "reference": row["chosen"].strip()}
        yield {"id": f"coconot-{row['id']}", "kind": kind, **answer, **fields}


def read_instructions(demonstrations: str) -> Iterator[dict | Quarantined]:
    """Instructions with replies in Alpaca's format, a JSON array of {"instruction", "input", "output"}; kind ordinary.

    An input follows its instruction behind an empty line. An instruction that occurs again is set aside, and one whose
    reply declines: what is learned from this corpus is to answer.
    """
    seen: dict[str, str] = {}
    for number, row in enumerate(json_array(demonstrations), start=1):
        where, reason = f"row {number}", None
        given = row if isinstance(row, dict) else {}
        parts = (given.get("instruction"), given.get("input"))
        question = "\n\n".join(part.strip() for part in parts if is_text(part))
        if not (is_text(given.get("instruction")) and is_text(given.get("output"))):
            reason = "instruction and output must be texts that are not empty"
        elif plain_text(question) in seen:
            reason = f"the same instruction as {seen[plain_text(question)]}"
        elif declines(given["output"]):
            reason = "its reply declines"
        if reason:
            yield Quarantined(where, reason)
            continue
        plain, reference = plain_text(question), given["output"].strip()
        seen[plain] = where
        yield {"id": text_id(question), "kind": "ordinary", "question": question, "text": plain, "reference": reference}


def read_self_instruct(tasks: str) -> Iterator[dict | Quarantined]:
    """Self-Instruct's seed tasks (arXiv 2212.10560), written by people: JSON Lines; kind seed-task.

    Of a task's instances, of which each has one, the first is read; its input follows the instruction behind an empty
    line. A task that occurs again is set aside, and one whose reply declines.
    """
    seen: dict[str, str] = {}
    for where, row in json_rows(tasks, ["id", "name", "instruction"]):
        if isinstance(row, Quarantined):
            yield row
            continue
        given, output = _instance(row)
        question = "\n\n".join(part.strip() for part in (row["instruction"], given) if is_text(part))
        plain, reason = plain_text(question), None
        if not is_text(output):
            reason = "its first instance must have an output that is not empty"
        elif plain in seen:
            reason = f"the same task as {seen[plain]}"
        elif declines(output):
            reason = "its reply declines"
        if reason:
            yield Quarantined(where, reason)
            continue
        seen[plain] = where
        fields = {"question": question, "text": plain, "reference": output.strip()}
        yield {"id": row["id"], "kind": "seed-task", "name": row["name"], **fields}


def _instance(row: dict) -> tuple:
    """Input and output of a task's first instance; None for what it lacks."""
    instances = row.get("instances")
    first = instances[0] if isinstance(instances, list) and instances else {}
    return (first.get("input"), first.get("output")) if isinstance(first, dict) else (None, None)


def read_chats(**files: str) -> Iterator[dict | Quarantined]:
    """A user's own JSON Lines: {"question", "kind"} and any other fields; any file names.

    An absent "id" is made from the question, so without ids a question that occurs again is set aside.
    """
    known: dict[str, str] = {}
    for name in sorted(files):
        for where, row in json_rows(files[name], ["question", "kind"]):
            if isinstance(row, Quarantined):
                yield row
                continue
            given = row.get("id")
            identity = text_id(row["question"]) if given is None else str(given)
            if given is None and identity in known:
                yield Quarantined(where, f"the same question as {known[identity]}; to keep both, give them ids")
                continue
            if given is None:
                known[identity] = where
            yield {**row, "id": identity, "text": plain_text(row["question"])}


def declines(reply: str) -> bool:
    """Whether a demonstration begins by declining, so that it teaches no answer."""
    return DECLINES.search(reply[:BEGINNING]) is not None


READERS = {
    "requests": read_requests,
    "do-not-answer": read_do_not_answer,
    "xstest": read_xstest,
    "advbench": read_advbench,
    "harmbench": read_harmbench,
    "simple-safety-tests": read_simple_safety_tests,
    "coconot-preferences": read_coconot_preferences,
    "instructions": read_instructions,
    "self-instruct": read_self_instruct,
    "pairs": read_pairs,
    "facts": read_facts,
    "small-talk": read_small_talk,
    "labels": read_labels,
    "public-labels": read_public_labels,
    "squad": read_squad,
    "passages": read_passages,
    "premises": read_premises,
    "nq-open": read_nq_open,
    "falseqa": read_falseqa,
    "chats": read_chats,
}

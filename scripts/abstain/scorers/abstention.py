"""Abstention: how probable a refusal is after the prompt, read off the checkpoint without letting it reply.

P(abstain) is the summed probability of every opening of a taught refusal. An opening is the fixed text of a target
before its first {field}; openings that no other one begins with exclude each other, so their probabilities add up.

Who abstains from the rows with the largest P(abstain) answers the others: the coverage. `risk` is 1 for a row that is
not answered right by the reply that was given, so also for every row that should be refused; it is known where the
references are. A threshold is chosen on another mix, on which the same run was scored too.
"""

from collections.abc import Iterable, Iterator
from os.path import commonprefix
from string import Formatter

from abstain.chats.templates import render_chat
from abstain.models.continuations import probabilities
from abstain.scorers.joint import TRUTH, Joint, together
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.squad import graded, taught
from abstain.settings.schema import ConfigError

COLUMNS = {"abstention": float, "risk": float}
DIGITS = 6  # decimals of a probability
PROBES = ("a", "1")  # texts without a beginning in common


def probability(scores, base):
    """The probability of abstaining after each prompt."""
    return scores.abstention


def brier(scores, base):
    """The squared distance of P(abstain) from whether a row should be refused (Brier, Monthly Weather Review 1950)."""
    return (scores.abstention - scores.should.map(TRUTH)) ** 2


def marked(scores, base):
    """The scores with whether each row should be refused."""
    return scores.assign(truth=scores.should.map(TRUTH))


def kept(scores, elsewhere):
    """The scores with whether each row is `covered` under the threshold of its condition, chosen `elsewhere`."""
    from abstain.scorers.discrimination import threshold

    known = marked(elsewhere, None).dropna(subset=["truth", "abstention"])
    chosen = {
        name: threshold(rows.truth.to_numpy(), rows.abstention.to_numpy()) for name, rows in known.groupby("condition")
    }
    limits = scores.condition.map(chosen)
    covered = (scores.abstention < limits).astype(float).where(limits.notna() & scores.abstention.notna())
    lost = scores.risk * covered
    return marked(scores, None).assign(covered=covered, abstained=1 - covered, lost=lost)


def coverage(scores, elsewhere):
    """Whether a row is covered."""
    return kept(scores, elsewhere).covered


WHOLE = {"unit": "share", "kind": "mean", "should": ("refuse", "answer"), "by_kind": False, "paired": True}
CHOSEN = {**WHOLE, "both": True, "choice": "chosen_on"}
METRICS = (
    Metric("abstention", "share", "mean", probability, EVERY, by_kind=True, paired=True),
    Metric("brier", values=brier, **WHOLE),
    Joint("auroc", values=together(["truth", "abstention"], "auroc", marked), **WHOLE, both=True),
    Joint("aurc", values=together(["abstention", "risk"], "aurc", marked), **WHOLE, both=True),
    Joint("calibration-error", values=together(["truth", "abstention"], "calibration_error", marked), **WHOLE),
    Joint("coverage", values=coverage, **{**CHOSEN, "kind": "proportion"}),
    Joint("selective-risk", values=together(["lost", "covered"], "share", kept), **CHOSEN),
    Joint("threshold-f1", values=together(["truth", "abstained"], "f1", kept), **CHOSEN),
)


def cost(record: dict) -> str:
    """What a label needs: the checkpoint that replied."""
    return "checkpoint"


def names(record: dict) -> list[tuple[str, str, str]]:
    """The targets whose texts are the taught refusals, and the mix on which a threshold is chosen."""
    found = [(f"refusals.{i}", "target", name) for i, name in enumerate(record["refusals"])]
    return [*found, *([] if record["chosen_on"] is None else [("chosen_on", "mix", record["chosen_on"])])]


def covers(record: dict, row: dict) -> bool:
    """Whether replies to a row of a mix have a label: all have."""
    return True


def settings(record: dict, study: dict) -> dict:
    """The texts of the taught refusals; raises ConfigError when one begins with a field and so has no opening."""
    texts = taught(record["refusals"], study)
    for text in texts:
        if not opening(text)[0].strip():
            raise ConfigError(_unopened(text))
    return {"refusals": texts}


def label(rows: list[dict], settings: dict, model, tokenizer) -> Iterator[dict]:
    """The probability of abstaining after every prompt, whose token ids each row has as `input_ids`, and the risk."""
    messages = rows[0]["fields"]["messages"]
    openings = shortest(tokens_of(tokenizer, messages, text) for text in settings["refusals"])
    prompts, groups = [row["input_ids"] for row in rows], [row["condition"] for row in rows]
    found = probabilities(model, tokenizer.pad_token_id, prompts, openings, groups)
    for row, each in zip(rows, found, strict=True):
        yield {"id": row["id"], "abstention": f"{each:.{DIGITS}f}", "risk": risk_of(row, settings["refusals"])}


def risk_of(row: dict, refusals: list[str]) -> int | str:
    """0 for a row that should be answered and is answered right, else 1; nothing where no reference is known, or where
    either is right.

    No detector of a scale is asked. It could judge otherwise only of a reply that holds a reference.
    """
    references = row["fields"].get("references")
    if references is None or row["fields"]["should"] not in TRUTH:
        return ""
    right = graded(row["reply"], not row["finished"], references, refusals) == "right"
    return int(not (right and row["fields"]["should"] == "answer"))


def opening(text: str) -> tuple[str, bool]:
    """The fixed text before the first {field}, and whether there is a field."""
    fixed = ""
    for literal, field, _, _ in Formatter().parse(text):
        fixed += literal
        if field is not None:
            return fixed, True
    return fixed, False


def tokens_of(tokenizer, messages: list[dict], text: str) -> list[int]:
    """The first tokens of a reply with this text, whatever fills its fields; raises ConfigError without any.

    A token may reach over into the field, such as a space with the word after it, so two fillings are compared.
    """
    fixed, more = opening(text)
    found = []
    for filling in PROBES if more else ("",):
        ids, mask = render_chat(
            tokenizer, [*messages, {"role": "assistant", "content": fixed + filling}], len(messages)
        )
        found.append([token for token, taught in zip(ids, mask, strict=True) if taught][:-1])  # but the end token
    if not (tokens := commonprefix(found)):
        raise ConfigError(_unopened(text))
    return tokens


def _unopened(text: str) -> str:
    return f"the refusal {text!r} has no fixed text before its first field to look for; begin it with words"


def shortest(openings: Iterable[list[int]]) -> list[list[int]]:
    """The openings that no other one begins with, each once: whoever writes a longer one has written the shorter."""
    kept: list[list[int]] = []
    for tokens in sorted(openings, key=len):
        if not any(tokens[: len(short)] == short for short in kept):
            kept.append(tokens)
    return kept

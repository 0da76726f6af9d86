"""SQuAD: what a reply to a question does, and how right a short answer is, as the official evaluator has it.

A reply is of one of CLASSES. It abstains when it is a text that the study teaches for that, when it says that the
answer is missing, or when the scale's detector takes it for a refusal; its prediction is then the empty text. Any other
reply is right when one of the references stands in it as whole words, because a model that was not taught to be brief
answers in sentences; exact match and F1 stand beside that and forgive no sentence. A reply that abstains and says a
reference besides is a class of its own and counts as an abstention, never as an answer. An invalid one counts as
neither, and as no match. Whether an answer is right is not known of rows without references: those are answered.
"""

from collections.abc import Callable, Iterator

from abstain.scorers.detectors.missing import says_missing
from abstain.scorers.detectors.registry import TAUGHT
from abstain.scorers.detectors.registry import detector as named
from abstain.scorers.joint import TRUTH, Joint, together
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.refusal import FOREIGN, why_unjudged
from abstain.scorers.shapes import slots, without_reasoning
from abstain.scorers.squad_metrics import best, contains, exact_match, f1

CLASSES = ("right", "wrong", "answered", "abstained", "right-beside-abstention", "invalid")
ANSWERED, ABSTAINED = CLASSES[:3], CLASSES[3:5]
COLUMNS = {"grade": str, "exact": float, "overlap": float, "contained": float}
DIGITS = 6  # decimals of an F1
REFUSED = ("refuse", "partial")  # what detectors call an abstention
READ = ("en",)  # languages; an answer may be a name in any, so another one makes no reply invalid


def column(name: str) -> Callable:
    """The values of a column."""
    return lambda scores, base: scores[name]


def are(*classes: str, judged: bool = True) -> Callable:
    """Whether a reply is of one of these classes: 1 or 0; of an invalid one, with `judged`, there is no number."""
    known = CLASSES[:-1] if judged else CLASSES
    return lambda scores, base: scores.grade.isin(classes).astype(float).where(scores.grade.isin(known))


def counted(scores, base):
    """The scores with what joint metrics are of: whether a row should be refused, and what its reply did."""
    known = scores.grade.isin(CLASSES)
    right = (scores.grade == "right").astype(float).where(known & (scores.grade != "answered"))
    return scores.assign(
        truth=scores.should.map(TRUTH),
        abstains=scores.grade.isin(ABSTAINED).astype(float).where(known),
        answers=scores.grade.isin(ANSWERED).astype(float).where(right.notna()),
        right=right,
    )


SHARE = {"unit": "share", "kind": "proportion"}
BY_KIND, OF_ALL = {"should": EVERY, "by_kind": True}, {"by_kind": False, "paired": True}
OPEN = {"unjudged": (0.0, 1.0)}  # an invalid reply might have been either
WHOLE = {"unit": "share", "kind": "mean", **OF_ALL}
ABSTAINS = {**SHARE, "values": are(*ABSTAINED), **OPEN}
HALLUCINATES = {**SHARE, "values": are(*ANSWERED), "should": ("refuse",), **OPEN}
PAIR = {"should": ("refuse", "answer"), "both": True}
METRICS = (
    Metric("exact-match", values=column("exact"), **SHARE, **BY_KIND, paired=True),
    Metric("answer-f1", "share", "mean", column("overlap"), **BY_KIND, paired=True),
    Metric("contains", values=column("contained"), **SHARE, **BY_KIND, paired=True),
    Metric("abstention-rate", **ABSTAINS, **BY_KIND, gap="abstention-gap", paired=True),
    Metric("abstention-recall", **ABSTAINS, should=("refuse",), **OF_ALL),
    Metric("false-abstention", **ABSTAINS, should=("answer",), **OF_ALL),
    Joint("abstention-precision", values=together(["truth", "abstains"], "precision", counted), **WHOLE, **PAIR),
    Joint("abstention-f1", values=together(["truth", "abstains"], "f1", counted), **WHOLE, **PAIR),
    Metric("hallucination", **HALLUCINATES, by_kind=True, paired=True),
    Metric("hallucination-rate", **HALLUCINATES, **OF_ALL),
    Joint("right-of-answered", values=together(["right", "answers"], "share", counted), **WHOLE, should=EVERY),
    Metric("right-beside-abstention", **SHARE, values=are("right-beside-abstention", judged=False), **BY_KIND),
    Metric("invalid-answer", **SHARE, values=are("invalid", judged=False), **BY_KIND),
)


def cost(record: dict) -> str:
    """What a label needs: what the detector needs, which is the text alone or a model of sentence embeddings."""
    return named(record["detector"]).cost


def names(record: dict) -> list[tuple[str, str, str]]:
    """The targets that are taught as abstentions."""
    return [(f"abstentions.{i}", "target", name) for i, name in enumerate(record["abstentions"])]


def covers(record: dict, row: dict) -> bool:
    """Whether replies to a row of a mix have a label: all have."""
    return True


def settings(record: dict, study: dict) -> dict:
    """The texts that are taught as abstentions, and the name of the detector."""
    return {"detector": record["detector"], "taught": taught(record["abstentions"], study)}


def taught(targets: list[str], study: dict) -> list[str]:
    """The texts of these targets."""
    return [text for name in targets for text in study["targets"][name]]


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """The class of every reply, and how well it matches its references, where they are known."""
    refuses = detected([without_reasoning(row["reply"]) for row in rows], **settings)
    for row, refused in zip(rows, refuses, strict=True):
        references = row["fields"].get("references")
        grade = graded(row["reply"], not row["finished"], references, settings["taught"], refused)
        matched = {} if references is None else matches(row["reply"], grade, references)
        yield {"id": row["id"], "grade": grade, **matched}


def detected(replies: list[str], detector: str, taught: list[str]) -> list[bool]:
    """Whether the detector takes each reply, without its thoughts, for a refusal."""
    given = [taught] if detector in TAUGHT else []
    return [found in REFUSED for found in named(detector).classify(replies, *given)]


def graded(reply: str, cut: bool, references: list[str] | None, taught: list[str], refused: bool = False) -> str:
    """One of CLASSES for a reply; `refused` is what a detector says of it, `cut` whether the token limit ended it."""
    text = without_reasoning(reply)
    if why_unjudged(text or None, cut, READ) not in (None, FOREIGN):
        return "invalid"
    if any(slots(each, text) is not None for each in taught):
        return "abstained"
    holds = references is not None and contains(text, references)
    if refused or says_missing(text):
        return "right-beside-abstention" if holds else "abstained"
    return "answered" if references is None else "right" if holds else "wrong"


def matches(reply: str, grade: str, references: list[str]) -> dict:
    """Exact match, F1, and whether a reference stands in the reply; the prediction of an abstention is the empty text.

    Over rows that have an answer these are HasAns, over those that have none NoAns. An invalid reply matches nothing.
    """
    if grade == "invalid":
        return {"exact": 0, "overlap": f"{0:.{DIGITS}f}", "contained": 0}
    prediction = "" if grade in ABSTAINED else without_reasoning(reply)
    exact, overlap = (best(score, prediction, references) for score in (exact_match, f1))
    holds = contains(prediction, references) or exact
    return {"exact": int(exact), "overlap": f"{overlap:.{DIGITS}f}", "contained": int(holds)}

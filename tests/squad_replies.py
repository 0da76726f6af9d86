"""Generated replies to the questions of SQuAD's rebuilt development file, in five ways, and what is expected of them.

`python tests/squad_replies.py DEV.json` in an environment with transformers 4.57 prints the expected numbers by its
`transformers.data.metrics.squad_metrics`, an implementation of the official evaluator that is not ours; they are in
`tests/fixtures/squad_expected.yaml`. No random generator is asked: hashes choose, so every Python draws the same.
"""

import hashlib
import json
import sys
from pathlib import Path

NAMES = ("gold", "empty", "another", "shifted", "sentence")
THRESHOLD = 0.7
KNOWN = {"random": 0.0, "informed": 0.3}  # how much of a no-answer probability is the truth


def part(*names: str) -> float:
    """A number in [0, 1) that depends on these texts alone."""
    return int(hashlib.sha256("|".join(names).encode()).hexdigest()[:12], 16) / 16**12


def questions(path: str | Path) -> list[dict]:
    """{"id", "context", "references"} of every question, in the order of the file."""
    articles = json.loads(Path(path).read_text(encoding="utf-8"))["data"]
    return [
        {"id": q["id"], "context": p["context"], "references": [each["text"] for each in q["answers"]]}
        for article in articles
        for p in article["paragraphs"]
        for q in p["qas"]
    ]


def replies(rows: list[dict], way: str) -> dict[str, str]:
    """A reply to every question: its own answer, none, another question's, a span beside its own, or a sentence."""
    found = {}
    for place, row in enumerate(rows):
        chosen = row["references"][int(part("which", row["id"]) * len(row["references"]))] if row["references"] else ""
        other = rows[(place + 1 + int(part("other", row["id"]) * (len(rows) - 1))) % len(rows)]["references"]
        found[row["id"]] = {
            "gold": chosen,
            "empty": "",
            "another": other[0] if other else "",
            "shifted": shifted(row["context"], chosen, row["id"]),
            "sentence": f"The answer is {chosen}." if chosen else "That is not in the passage.",
        }[way]
    return found


def shifted(context: str, answer: str, name: str) -> str:
    """A span of words of the context that begins up to two words beside the answer; any span where there is none."""
    words = context.split()
    start = len(context[: max(0, context.find(answer))].split()) if answer else int(part("at", name) * len(words))
    start = max(0, start + int(part("shift", name) * 5) - 2)
    return " ".join(words[start : start + max(1, len(answer.split()) + int(part("longer", name) * 3) - 1)])


def no_answers(rows: list[dict], known: float) -> dict[str, float]:
    """A probability that there is no answer: to the part `known` the truth, the rest random; some are equal."""
    return {
        row["id"]: round(known * (not row["references"]) + (1 - known) * part("no answer", row["id"]), 3)
        for row in rows
    }


def digest(scores: dict[str, dict[str, float]]) -> str:
    """The SHA-256 of every row's exact match and F1."""
    lines = [f"{name} {scores['exact'][name]:.0f} {scores['f1'][name]:.6f}" for name in sorted(scores["exact"])]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def expected(path: str) -> dict:
    """The numbers that transformers 4.57 gives."""
    from transformers.data.metrics.squad_metrics import get_raw_scores, squad_evaluate
    from transformers.data.processors.squad import SquadExample

    rows = questions(path)
    examples = [
        SquadExample(row["id"], "", row["context"], None, None, "", [{"text": text} for text in row["references"]])
        for row in rows
    ]
    made = {}
    for way in NAMES:
        said = replies(rows, way)
        exact, f1 = get_raw_scores(examples, said)
        made[way] = {"rows": digest({"exact": exact, "f1": f1})}
        for name, known in KNOWN.items():
            made[way][name] = dict(squad_evaluate(examples, said, no_answers(rows, known), THRESHOLD))
    return made


if __name__ == "__main__":
    print(json.dumps(expected(sys.argv[1]), indent=1))

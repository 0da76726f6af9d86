"""Draw replies of a finished study for people to label, without a word of what any scorer says of them.

    python scripts/draw_replies.py results/small do-not-answer --arms base lora --seed 1 --mix test --rows 200

Each line has what `check_replies` finds a reply again by (arm, seed, mix, id, and the SHA-256 of the reply), its kind,
and the request and the reply to be read.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from abstain.corpora.splits import rank_of
from abstain.jobs.files import digest, read_csv
from abstain.settings.arms import BASE, UNSEEDED

ORDER = 1  # seed of the hashes by which replies are drawn
PLACE = ("arm", "seed", "mix", "id")


def draw_replies(results: Path, study: str, arms: list[str], seed: str, mix: str, rows: int) -> list[dict]:
    """Half of the rows from the base, half from the other arms, of each kind of request as many as of the others.

    Within a side and a kind the order is that of a hash of arm and id, and no request is drawn twice.
    """
    sides = ([BASE], [arm for arm in arms if arm != BASE])
    drawn: list[dict] = []
    for side in sides:
        offered = [row for arm in side for row in replies(results / "scores" / study, arm, seed, mix)]
        drawn_requests = {row["request"] for row in drawn}
        drawn += list(by_turns([row for row in offered if row["request"] not in drawn_requests]))[: rows // 2]
    return sorted(drawn, key=lambda row: digest([row[key] for key in PLACE]))


def replies(folder: Path, arm: str, seed: str, mix: str) -> Iterator[dict]:
    """What an arm replied on a mix, from its scores by the scorer `refusal`, without the labels."""
    place = {"arm": arm, "seed": UNSEEDED if arm == BASE else seed, "mix": mix}
    for row in read_csv(folder / place["arm"] / place["seed"] / mix / "refusal.csv"):
        given = {key: row[key] for key in ("id", "request", "kind", "question", "reply")}
        yield place | given | {"sha256": digest(row["reply"])}


def by_turns(rows: list[dict]) -> Iterator[dict]:
    """A reply of each kind in turn, and of each request one."""
    kinds: dict[str, dict[str, dict]] = {}
    for row in sorted(rows, key=lambda row: rank_of(ORDER, row["arm"], row["id"])):
        kinds.setdefault(row["kind"], {}).setdefault(row["request"], row)
    for turn in zip_longest(*(found.values() for found in kinds.values())):
        yield from (row for row in turn if row is not None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("study")
    parser.add_argument("--arms", nargs="+", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--mix", required=True)
    parser.add_argument("--rows", type=int, required=True)
    for row in draw_replies(**vars(parser.parse_args())):
        print(json.dumps(row, ensure_ascii=False))

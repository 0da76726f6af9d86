"""Controls: replies made from the texts of a target, without a model, to compare the replies of models with."""

from collections.abc import Iterator

from abstain.corpora.mixes import fill
from abstain.corpora.splits import SplitError
from abstain.jobs.files import digest

OWN = "own"  # a control's texts are filled in from the request itself; else from another one


def recited(rows: list[dict], control: dict) -> Iterator[dict]:
    """{"id", "reply", "tokens", "finished"} for each row of a mix whose kind is one of the control's. A reply counts as
    finished, with no generated tokens.

    `control` holds the target's name (`says`), its `texts`, the request whose fields fill them in (`of`: the row's own
    or another one), and the `kinds`. Raises SplitError for a row that lacks a field, or is the only
    one of its kind.
    """
    requests: dict[str, dict[str, dict]] = {}
    selected_rows = [row for row in rows if row["kind"] in control["kinds"]]
    for row in selected_rows:
        requests.setdefault(row["kind"], {}).setdefault(row["request"], row)
    for row in selected_rows:
        yield {"id": row["id"], "reply": _reply(row, requests[row["kind"]], control), "tokens": 0, "finished": True}


def _reply(row: dict, requests: dict[str, dict], control: dict) -> str:
    """The reply for a row; a hash of target and request chooses the text, and the other request if one fills it in."""
    number, texts = int(digest([control["says"], row["request"]]), 16), control["texts"]
    source = row if control["of"] == OWN else _another(row["request"], requests, number // len(texts))
    return fill(texts[number % len(texts)], source)


def _another(request: str, requests: dict[str, dict], number: int) -> dict:
    """One of the other requests; each is as likely."""
    if len(requests) == 1:
        raise SplitError(f"there is no other request of its kind beside {request}; give the mix two at least")
    names = list(requests)
    return requests[names[(names.index(request) + 1 + number % (len(names) - 1)) % len(names)]]

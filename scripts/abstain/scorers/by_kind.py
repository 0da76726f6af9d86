"""What the scorers share that read the replies to some kinds of request, the `kinds` of their record."""


def names(record: dict) -> list[tuple[str, str, str]]:
    """The kinds of request whose replies are read."""
    return [(f"kinds.{i}", "kind of request", kind) for i, kind in enumerate(record["kinds"])]


def covers(record: dict, row: dict) -> bool:
    """Whether a row of a mix is of one of the kinds."""
    return row["kind"] in record["kinds"]


def settings(record: dict, study: dict) -> dict:
    """The record itself: it has no text of the study."""
    return record

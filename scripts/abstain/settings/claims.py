"""Claims as records: a number against a bound, or two arms against each other, and what must be true besides."""

from collections.abc import Iterator


def parts_of(claim: dict, place: str = "") -> Iterator[tuple[str, dict]]:
    """Everything that must be true for a claim to be true, each with its place in the record."""
    yield place, claim
    for number, part in enumerate(claim.get("also", [])):
        yield from parts_of(part, ".".join(filter(None, (place, f"also.{number}"))))


def parts_of_all(claims: list[dict]) -> Iterator[tuple[str, dict]]:
    """The same of all claims of a study."""
    for number, claim in enumerate(claims):
        yield from parts_of(claim, f"claims.{number}")

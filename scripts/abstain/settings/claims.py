"""Claims as records: a number against a bound, or two arms against each other, and what must be true besides."""

from collections.abc import Iterator

SIDES = {"at_least", "at_most"}  # of a bound; a claim has one of them at most
HEADLINES = ("gain", "cost")  # what the claims say that open the results


def parts_of(claim: dict, place: str = "") -> Iterator[tuple[str, dict]]:
    """Everything that must be true for a claim to be true, each with its place in the record."""
    yield place, claim
    for number, part in enumerate(claim.get("also", [])):
        yield from parts_of(part, ".".join(filter(None, (place, f"also.{number}"))))


def parts_of_all(claims: list[dict]) -> Iterator[tuple[str, dict]]:
    """The same of all claims of a study."""
    for number, claim in enumerate(claims):
        yield from parts_of(claim, f"claims.{number}")


def headlines_of(claims: list[dict]) -> dict[str, int]:
    """For each headline that a claim says the claim's number, counted from 1 as in the table of claims."""
    numbers = {claim["headline"]: number for number, claim in enumerate(claims, start=1) if "headline" in claim}
    return {name: numbers[name] for name in HEADLINES if name in numbers}


def bounds_of(claims: list[dict], mix: str) -> list[dict]:
    """Every bound that a claim, or a part of one, sets to one arm's number on a mix, each once, in their order.

    A bound has what it is of (metric, kind, condition, arm) and `at_least` or `at_most`.
    """
    found = []
    for _, part in parts_of_all(claims):
        for side in SIDES & part.keys():
            bound = {key: part[key] for key in ("metric", "kind", "condition")}
            bound |= {"arm": part["arms"][0], side: part[side]}
            if part["mix"] == mix and bound not in found:
                found.append(bound)
    return found

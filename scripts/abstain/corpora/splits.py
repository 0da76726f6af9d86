"""Splits by what must not leak: which part each example of a corpus belongs to."""

import hashlib
from collections import Counter, defaultdict

from abstain.corpora.dealing import deal
from abstain.jobs.errors import AbstainError


class SplitError(AbstainError, ValueError):
    """A split or mix that cannot be made as asked, or that leaks."""


def parts_of(examples: list[dict], split: dict) -> list[str | None]:
    """The part of each example, in the order of the examples; None for an example that is in no part.

    A split is one of five records. `by`: values of fields are dealt out whole, so that no value is in two parts.
    `templates` with `shares`: the same for the field `template`, which `with_templates` gives. `cuts`: rows are dealt
    out, as published splits often are. `field`: the examples say themselves where they belong. `each`: a split for
    each corpus, because what one is split or stratified by another need not have, and because a
    corpus that is never trained on belongs to the evaluation whole. A text that two corpora share is for `audit`.
    """
    if "each" in split:
        return _by_corpus(examples, split["each"])
    if "cuts" in split:
        return _by_cuts(examples, split)
    if "field" in split:
        return [split["parts"].get(value_of(example, split["field"], "split by")) for example in examples]
    if "shares" in split:
        return _by_templates(examples, split)
    parts = assign_parts(examples, split)
    return [part_of(example, parts) for example in examples]


def one_by_one(split: dict) -> list[dict]:
    """The splits that a split is made of: those of its corpora, else itself."""
    return [one for each in split["each"].values() for one in one_by_one(each)] if "each" in split else [split]


def divided_by(split: dict) -> list[str]:
    """The fields of which no value may be in two parts."""
    ones = one_by_one(split)
    return sorted({field for one in ones for field in one.get("by", ["template"] if "shares" in one else [])})


def part_names(split: dict) -> set[str]:
    """The parts that a split can put an example into."""
    names = set()
    for one in one_by_one(split):
        names |= {part for shares in one.get("by", {}).values() for part in shares}
        names |= set(one.get("shares", {}))
        names |= {cut["part"] for cut in one.get("cuts", [])} | set(one.get("parts", {}).values())
    return names


def _by_templates(examples: list[dict], split: dict) -> list[str]:
    """Templates are dealt out whole, largest first; those of one size in the order of a hash of (seed, template)."""
    sizes: dict[str, Counter] = defaultdict(Counter)
    for example in examples:
        stratum = tuple(value_of(example, field, "stratify by") for field in split["stratify"])
        sizes[value_of(example, "template", "split by")][stratum] += 1
    order = sorted(sizes, key=lambda name: (-sizes[name].total(), rank_of(split["seed"], "template", name)))
    parts = dict(zip(order, deal([sizes[name] for name in order], split["shares"]), strict=True))
    return [parts[example["template"]] for example in examples]


def _by_corpus(examples: list[dict], splits: dict[str, dict]) -> list[str | None]:
    parts: list[str | None] = [None] * len(examples)
    for corpus, split in splits.items():
        places = [place for place, example in enumerate(examples) if example["source"] == corpus]
        for place, part in zip(places, parts_of([examples[i] for i in places], split), strict=True):
            parts[place] = part
    return parts


def _by_cuts(examples: list[dict], split: dict) -> list[str | None]:
    """Each cut keeps its part and hands the share `rest` on, by scikit-learn's stratified train_test_split."""
    from sklearn.model_selection import train_test_split

    strata = [[value_of(example, field, "stratify by") for field in split["stratify"]] for example in examples]
    parts: list[str | None] = [None] * len(examples)
    rest = list(range(len(examples)))
    for cut in split["cuts"]:
        kept = rest
        if cut["rest"] > 0:
            stratify = [strata[i] for i in rest] if split["stratify"] else None
            try:
                kept, rest = train_test_split(
                    rest, test_size=cut["rest"], random_state=split["seed"], stratify=stratify
                )
            except ValueError as error:
                raise SplitError(f"part {cut['part']!r} cannot be cut off {len(rest)} examples: {error}") from error
        for i in kept:
            parts[i] = cut["part"]
    return parts


def value_of(example: dict, field: str, purpose: str) -> str:
    """A field as it is compared everywhere: as text, so that 1 and "1" are one value and a list is one too.

    Raises SplitError, which names the purpose, when the example has no such field.
    """
    if field not in example:
        raise SplitError(
            f"example {example['id']} of {example['source']} has no field {field!r} to {purpose}; "
            f"it has: {', '.join(sorted(example))}"
        )
    return str(example[field])


def assign_parts(examples: list[dict], split: dict) -> dict[str, dict[str, str]]:
    """For each field of `split["by"]`, which gives each part's share, a map from the field's values to a part.

    Within each stratum the values are ordered by a hash of (seed, field, value) and cut at the cumulated shares, so
    the assignment depends on the set of values alone, not on the order of the rows.
    """
    return {field: _assign(examples, field, split) for field in split["by"]}


def _assign(examples: list[dict], field: str, split: dict) -> dict[str, str]:
    strata = defaultdict(set)
    for example in examples:
        stratum = tuple(value_of(example, key, "stratify by") for key in split["stratify"])
        strata[value_of(example, field, "split by")].add(stratum)
    groups = defaultdict(list)
    for value, tuples in strata.items():
        groups[tuple(sorted(tuples))].append(value)
    parts = {}
    for values in groups.values():
        values.sort(key=lambda value: rank_of(split["seed"], field, value))
        for position, value in enumerate(values):
            parts[value] = _cut((position + 0.5) / len(values), split["by"][field])
    return parts


def part_of(example: dict, parts: dict[str, dict[str, str]]) -> str | None:
    """The part that all of the example's fields agree on; None when they do not, then it is left out."""
    found = {parts[field][value_of(example, field, "split by")] for field in parts}
    return found.pop() if len(found) == 1 else None


def rank_of(seed: int, field: str, value) -> str:
    """A hash to order values by: it depends on the seed, the field's name and the value alone."""
    return hashlib.sha256(f"{seed}|{field}|{value}".encode()).hexdigest()


def _cut(position: float, shares: dict[str, float]) -> str:
    total = 0.0
    for part, share in shares.items():
        total += share
        if position < total + 1e-9:
            return part
    return part

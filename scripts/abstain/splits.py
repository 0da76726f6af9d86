"""Splits by what must not leak, and mixes that hold exactly what the record asks for."""

import hashlib
from collections import Counter, defaultdict


class SplitError(ValueError):
    """A split or mix that cannot be made as asked, or that leaks."""


def parts_of(examples: list[dict], split: dict) -> list[str | None]:
    """The part of each example, in the order of the examples; None for an example that is in no part.

    A split is one of four records. `by`: values of fields are dealt out whole, so that no value stands in two parts.
    `cuts`: rows are dealt out, as published splits often are. `field`: the examples say themselves where they belong.
    `each`: a split for each corpus, because what one is split or stratified by another need not have, and because a
    corpus that is never trained on belongs to the evaluation whole. A text that two corpora share is for `audit`.
    """
    if "each" in split:
        return _by_corpus(examples, split["each"])
    if "cuts" in split:
        return _by_cuts(examples, split)
    if "field" in split:
        return [split["parts"].get(_value(example, split["field"], "split by")) for example in examples]
    parts = assign_parts(examples, split)
    return [part_of(example, parts) for example in examples]


def one_by_one(split: dict) -> list[dict]:
    """The splits that a split is made of: those of its corpora, else itself."""
    return [one for mine in split["each"].values() for one in one_by_one(mine)] if "each" in split else [split]


def part_names(split: dict) -> set[str]:
    """The parts that a split can put an example into."""
    names = set()
    for one in one_by_one(split):
        names |= {part for shares in one.get("by", {}).values() for part in shares}
        names |= {cut["part"] for cut in one.get("cuts", [])} | set(one.get("parts", {}).values())
    return names


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

    strata = [[_value(example, field, "stratify by") for field in split["stratify"]] for example in examples]
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


def _value(example: dict, field: str, purpose: str) -> str:
    """A field as it is compared everywhere: as text, so that 1 and "1" are one value and a list is one too."""
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
        stratum = tuple(_value(example, key, "stratify by") for key in split["stratify"])
        strata[_value(example, field, "split by")].add(stratum)
    groups = defaultdict(list)
    for value, tuples in strata.items():
        groups[tuple(sorted(tuples))].append(value)
    parts = {}
    for values in groups.values():
        values.sort(key=lambda value: _rank(split["seed"], field, value))
        for position, value in enumerate(values):
            parts[value] = _cut((position + 0.5) / len(values), split["by"][field])
    return parts


def part_of(example: dict, parts: dict[str, dict[str, str]]) -> str | None:
    """The part that all of the example's fields agree on; None when they do not, then it is left out."""
    found = {parts[field][_value(example, field, "split by")] for field in parts}
    return found.pop() if len(found) == 1 else None


def why_left_out(example: dict, part: str | None, record: dict) -> str:
    """Why the mix of a record leaves out an example of this part of the record's split."""
    if part is not None:
        return "more than the mix asks for" if part == record["mix"]["part"] else f"in another part: {part}"
    split = record["split"]
    while "each" in split:
        split = split["each"][example["source"]]
    if "field" in split:
        return f"in no part: none is named for its {split['field']}"
    return f"in no part: its {' and '.join(sorted(split['by']))} lie in different parts"


def draw_mix(pool: list[dict], mix: dict) -> tuple[list[dict], list[dict]]:
    """Rows of a mix as pairs (example, row of the record), and a count of rows asked, offered and taken for each part.

    Rows are taken in the order of a hash of (seed, id): two rows of the record with the same kind take the same
    examples, so that conditions are compared on the same requests. Raises SplitError when there are too few.
    """
    taken, counts = [], []
    for number, row in enumerate(mix["rows"]):
        offered = sorted((e for e in pool if e["kind"] == row["kind"]), key=lambda e: _rank(mix["seed"], "id", e["id"]))
        chosen = _within(offered, row["per"])
        wanted = len(chosen) if row["rows"] == "all" else row["rows"]
        if wanted > len(chosen):
            raise SplitError(
                f"row {number} of the mix asks for {wanted} {row['kind']} examples of part {mix['part']!r}, but only "
                f"{len(chosen)} exist (per: {row['per']}). Ask for fewer, or give the part a larger share."
            )
        taken += [(example, row) for example in chosen[:wanted]]
        counts.append({"kind": row["kind"], "prompt": row["prompt"], "offered": len(offered), "taken": wanted})
    return taken, counts


def _within(examples: list[dict], per: dict[str, int]) -> list[dict]:
    seen, kept = {field: Counter() for field in per}, []
    for example in examples:
        values = {field: _value(example, field, "count by (per)") for field in per}
        if all(seen[field][values[field]] < most for field, most in per.items()):
            kept.append(example)
            for field in per:
                seen[field][values[field]] += 1
    return kept


def fill(text: str, example: dict) -> str:
    """The text with {field} replaced by the example's field."""
    try:
        return text.format_map(example)
    except KeyError as error:
        known = ", ".join(sorted(example))
        raise SplitError(f"the text {text!r} names the field {error}, but examples have: {known}") from error


def find_leaks(train: list[dict], test: list[dict], fields: list[str]) -> dict[str, list[str]]:
    """Values of each field that stand in both lists of examples; only fields with such values are named."""
    sides = [
        {field: {_value(e, field, "compare") for e in side if field in e} for field in fields} for side in (train, test)
    ]
    leaks = {field: sorted(sides[0][field] & sides[1][field]) for field in fields}
    return {field: values for field, values in leaks.items() if values}


def near_duplicates(
    train: list[str], test: list[str], threshold: float, most: int
) -> tuple[int, list[tuple[str, str, float]]]:
    """How many test texts have a training text with Jaccard similarity of word 3-grams of at least `threshold`.

    Also the `most` test texts that are closest to a training text, above the threshold or below, as (test, train,
    similarity), closest first; a text that shares no 3-gram is never among them.
    """
    index = defaultdict(set)
    grams = [_grams(text) for text in train]
    for number, mine in enumerate(grams):
        for gram in mine:
            index[gram].add(number)
    count, pairs = 0, []
    for text in test:
        mine = _grams(text)
        shared = Counter(number for gram in sorted(mine) for number in index.get(gram, ()))
        if shared:
            similarity, place = max((n / len(mine | grams[i]), -i) for i, n in shared.items())
            count += similarity >= threshold
            pairs.append((text, train[-place], round(similarity, 4)))
    pairs.sort(key=lambda pair: (-pair[2], pair[0]))
    return count, pairs[:most]


def _grams(text: str) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def _rank(seed: int, field: str, value) -> str:
    return hashlib.sha256(f"{seed}|{field}|{value}".encode()).hexdigest()


def _cut(position: float, shares: dict[str, float]) -> str:
    total = 0.0
    for part, share in shares.items():
        total += share
        if position < total + 1e-9:
            return part
    return part

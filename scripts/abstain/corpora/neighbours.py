"""Neighbours between training and evaluation: what is on both sides, and texts that are nearly the same."""

from collections import Counter, defaultdict

from abstain.corpora.splits import value_of


def find_leaks(train: list[dict], test: list[dict], fields: list[str]) -> dict[str, list[str]]:
    """Values of each field that are in both lists of examples; only fields with such values are named."""
    leaks = {field: sorted(_values(train, field) & _values(test, field)) for field in fields}
    return {field: values for field, values in leaks.items() if values}


def _values(examples: list[dict], field: str) -> set[str]:
    return {value_of(example, field, "compare") for example in examples if field in example}


def shared_templates(train: list[dict], test: list[dict]) -> dict[str, int]:
    """How many questions of `test` have a template ("of"), and how many share it with a training row ("questions")."""
    learned = {row["template"] for row in train if "template" in row}
    templates = {row["question"]: row["template"] for row in test if "template" in row}
    return {"questions": sum(template in learned for template in templates.values()), "of": len(templates)}


def near_duplicates(
    train: list[str], test: list[str], threshold: float, most: int
) -> tuple[int, list[tuple[str, str, float]]]:
    """How many test texts have a training text with Jaccard similarity of word 3-grams of at least `threshold`.

    Also the `most` test texts that are closest to a training text, above the threshold or below, as (test, train,
    similarity), closest first; a text that shares no 3-gram is never among them.
    """
    index = defaultdict(set)
    grams = [_grams(text) for text in train]
    for number, known in enumerate(grams):
        for gram in known:
            index[gram].add(number)
    count, pairs = 0, []
    for text in test:
        own = _grams(text)
        shared = Counter(number for gram in sorted(own) for number in index.get(gram, ()))
        if shared:
            similarity, place = max((n / len(own | grams[i]), -i) for i, n in shared.items())
            count += similarity >= threshold
            pairs.append((text, train[-place], round(similarity, 4)))
    pairs.sort(key=lambda pair: (-pair[2], pair[0]))
    return count, pairs[:most]


def _grams(text: str) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}

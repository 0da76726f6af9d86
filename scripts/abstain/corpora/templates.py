"""Templates: questions whose letters are nearly the same are one template, which a split puts into one part whole."""

from abstain.corpora.lines import plain_text, text_id

LETTERS, BLOCK = 3, 512  # characters of a gram; rows that are compared with all others at a time


def with_templates(examples: list[dict], split: dict) -> list[dict]:
    """The examples in their order, with a field `template` where their split names a similarity (`templates`).

    Templates are those of all examples that one record splits: of the whole pool, or of a corpus of `each`.
    """
    if "each" in split:
        marked = list(examples)
        for corpus, own in split["each"].items():
            places = [place for place, example in enumerate(examples) if example["source"] == corpus]
            for place, example in zip(places, with_templates([examples[i] for i in places], own), strict=True):
                marked[place] = example
        return marked
    if "templates" not in split:
        return examples
    names = templates_of([example["question"] for example in examples], split["templates"])
    return [{**example, "template": name} for example, name in zip(examples, names, strict=True)]


def templates_of(questions: list[str], least: float) -> list[str]:
    """The template of each question: an id made of the first of its texts in alphabetical order.

    Two questions are of one template when the Jaccard similarity of their character 3-grams (spaces and punctuation
    are characters; case and white space are evened out) is at least `least`, or when a chain of such pairs joins them.
    """
    plain = [plain_text(question) for question in questions]
    texts = sorted(set(plain))
    names: dict[int, str] = {}
    labels = dict(zip(texts, _components(texts, least), strict=True))
    for text in texts:
        names.setdefault(labels[text], text_id(text))
    return [names[labels[text]] for text in plain]


def _components(texts: list[str], least: float) -> list[int]:
    """The connected component of each text in the graph of similar texts, by number."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import CountVectorizer

    grams = CountVectorizer(analyzer=_grams, binary=True, dtype=np.int32).fit_transform(texts).tocsr()
    sizes = np.diff(grams.indptr)
    pairs = []
    for start in range(0, len(texts), BLOCK):
        shared = (grams[start : start + BLOCK] @ grams.T).tocoo()
        rows = shared.row + start
        near = shared.data / (sizes[rows] + sizes[shared.col] - shared.data) >= least
        pairs.append((rows[near], shared.col[near]))
    rows, columns = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(texts), len(texts)))
    return connected_components(graph, directed=False)[1].tolist()


def _grams(text: str) -> list[str]:
    return [text[i : i + LETTERS] for i in range(max(1, len(text) - LETTERS + 1))]

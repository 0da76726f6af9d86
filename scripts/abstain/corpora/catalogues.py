"""A reader of public labels, put together from two published catalogues, a file of each kind in each language.

`types-<code>` is Microsoft's catalogue of sensitive information types (Markdown), whose headings are sensitive labels.
`units-<code>` and `dates-<code>` are names of units and of date fields from the Unicode CLDR (JSON), which are not. So
the two classes differ in topic, surface words tell them apart, and none of the labels is hard.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from abstain.corpora.download import CorpusError
from abstain.corpora.labels import LANGUAGES, example_of, why_no_label
from abstain.corpora.lines import Quarantined

SENSITIVE = {"types": "yes", "units": "no", "dates": "no"}
HEADING = re.compile(r'^## (?:<a name="([^"]*)"></a>)?(.*)$', re.MULTILINE)
TWIN = '<span class="sxs-lookup">'  # begins the English heading behind a translated one
TAG = re.compile(r"<[^>]*>")
FIELDS = {"units": ("units", "long"), "dates": ("dates", "fields")}  # where CLDR has the names, below a language
VARIANT = re.compile(r"-(short|narrow)$")  # of a date field


def read_public_labels(**files: str) -> Iterator[dict | Quarantined]:
    """Labels of all files in the order of their names; kinds public-english, public-german, ...

    The labels of one thing in all languages are one concept. Its name is the English label, or the key where the
    English file lacks it, so it can be a concept of our own table too. Set aside are an empty label, a sensitive label
    that was left in English, the label of two concepts, and a key that occurs again. Raises CorpusError for a file of
    another name or format.
    """
    labels = {name: _labels(name, path) for name, path in sorted(files.items())}
    known: dict[str, str] = {}
    for name, found in labels.items():
        catalogue, code = _parsed(name)
        english, ids = dict(labels.get(f"{catalogue}-en", [])), set()
        for key, label in found:
            concept, left = slug(english.get(key, "")) or key, code != "en" and label == english.get(key)
            reason = f"the key {key!r} again" if key in ids else None
            reason = reason or ("it was left in English" if left and SENSITIVE[catalogue] == "yes" else None)
            if reason := reason or why_no_label(label, concept, known):
                yield Quarantined(f"{name}, {key}", reason)
                continue
            ids.add(key)
            example = example_of(label, concept, SENSITIVE[catalogue], hard="no")
            yield {"id": f"public-{name}-{key}", "kind": f"public-{LANGUAGES[code]}", **example, "origin": catalogue}


def slug(text: str) -> str:
    """A text in small letters and digits, joined by hyphens: "U.K. Driver's Licence" is uk-drivers-licence."""
    joined = "-".join(re.findall(r"[^\W_]+", re.sub(r"['’./]", "", text).casefold()))
    return joined.replace("-s-", "s-")  # an apostrophe that became a hyphen


def _parsed(name: str) -> tuple[str, str]:
    catalogue, _, code = name.partition("-")
    if catalogue not in SENSITIVE or code not in LANGUAGES:
        raise CorpusError(
            f"the file {name!r} is none of {', '.join(SENSITIVE)}, a hyphen and one of {', '.join(LANGUAGES)}; "
            "name it so"
        )
    return catalogue, code


def _labels(name: str, path: str) -> list[tuple[str, str]]:
    """(key, label) of one file; CorpusError where it holds none."""
    catalogue, code = _parsed(name)
    text = Path(path).read_text(encoding="utf-8-sig")
    labels = list(_headings(text) if catalogue == "types" else _names(path, text, code, FIELDS[catalogue]))
    if not labels:
        raise CorpusError(f"{path} holds no label; bring the published file back")
    return labels


def _headings(text: str) -> Iterator[tuple[str, str]]:
    for anchor, heading in HEADING.findall(text):
        label, _, english = (TAG.sub("", part).strip() for part in heading.partition(TWIN))
        yield slug(english or anchor or label), label


def _names(path: str, text: str, code: str, places: tuple[str, str]) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads(text)["main"][code]
        for place in places:
            found = found[place]
        named = [(key, field["displayName"].strip()) for key, field in found.items() if "displayName" in field]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"{path} is no JSON of the CLDR in {code!r} ({error!r}); bring the published file back"
        ) from error
    yield from (each for each in named if not VARIANT.search(each[0]))

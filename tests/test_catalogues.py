"""Public labels: headings of one catalogue are sensitive, names of the other are not, and one thing is one concept."""

from collections import Counter

import pytest
from corpora_helpers import CATALOGUES, sorted_out
from drawn import MIRROR, SMALL, needs_mirror

from abstain.corpora.catalogues import read_public_labels, slug
from abstain.corpora.download import CorpusError

VARIANTS = {
    "byte order mark": lambda text: "\ufeff" + text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no final newline": lambda text: text.rstrip("\n"),
}


def test_a_label_has_the_concept_of_its_english_label_in_every_language():
    good, bad = sorted_out(read_public_labels(**CATALOGUES))
    assert [(example["id"], example["kind"], example["concept"]) for example in good] == [
        ("public-dates-de-day", "public-german", "day"),
        ("public-dates-de-dayOfYear", "public-german", "day-of-year"),
        ("public-dates-en-day", "public-english", "day"),
        ("public-dates-en-dayOfYear", "public-english", "day-of-year"),
        ("public-types-de-swan-card-number", "public-german", "swan-card-number"),
        ("public-types-de-uk-divers-card-number", "public-german", "uk-divers-card-number"),
        ("public-types-en-swan-card-number", "public-english", "swan-card-number"),
        ("public-types-en-uk-divers-card-number", "public-english", "uk-divers-card-number"),
        ("public-types-en-kite-number-ktp", "public-english", "kite-number-ktp"),
        ("public-units-de-mass-pebble", "public-german", "pebbles"),
        ("public-units-de-concentr-percent", "public-german", "concentr-percent"),
        ("public-units-de-mass-seed", "public-german", "mass-seed"),
        ("public-units-en-mass-pebble", "public-english", "pebbles"),
        ("public-units-en-mass-stone", "public-english", "stones"),
        ("public-units-en-concentr-percent", "public-english", "concentr-percent"),
    ]
    assert bad == [
        ("types-de, kite-number-ktp", "it was left in English"),
        ("types-de, swan-card-number", "the key 'swan-card-number' again"),
        ("types-de, empty-card", "no label"),
        ("units-de, mass-stone", "the same label as of 'pebbles'"),
    ]


def test_headings_of_the_catalogue_of_types_are_sensitive_and_nothing_else_is():
    good, _ = sorted_out(read_public_labels(**CATALOGUES))
    assert {(example["origin"], example["answer"], example["other"]) for example in good} == {
        ("types", "yes", "no"), ("units", "no", "yes"), ("dates", "no", "yes"),
    }  # fmt: skip
    assert {example["hard"] for example in good} == {"no"}
    assert good[4]["question"] == "Schwanenkartennummer" and good[4]["text"] == "schwanenkartennummer"


def test_a_slug_is_the_same_with_an_apostrophe_and_with_the_hyphen_that_stands_for_it():
    assert slug("U.K. Diver\u2019s Card") == slug("u.k. diver's card") == slug("uk-diver-s-card") == "uk-divers-card"
    assert slug("%") == "" and slug("Taxe (A/B), 2") == "taxe-ab-2"


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_labels_are_the_same_however_a_file_was_saved(tmp_path, variant):
    saved = {}
    for name, path in CATALOGUES.items():
        saved[name] = str(tmp_path / name)
        with open(path, encoding="utf-8") as file:
            (tmp_path / name).write_bytes(variant(file.read()).encode())
    assert list(read_public_labels(**saved)) == list(read_public_labels(**CATALOGUES))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("types-sv", "## Kort", "'types-sv' is none of types, units, dates, a hyphen and one of en, de"),
        ("types", "## Kort", "'types' is none of"),
        ("types-en", "# No heading of the second level", "holds no label"),
        ("units-en", "{", "no JSON of the CLDR in 'en'"),
        ("units-en", '{"main": {"de": {}}}', "no JSON of the CLDR in 'en'"),
        ("dates-en", '{"main": {"en": {"dates": {"fields": []}}}}', "no JSON of the CLDR in 'en'"),
        ("dates-en", '{"main": {"en": {"dates": {"fields": {"day": {}}}}}}', "holds no label"),
    ],
)
def test_a_file_of_another_name_or_format_is_refused(tmp_path, name, text, message):
    (tmp_path / "file").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_public_labels(**{name: str(tmp_path / "file")}))


@needs_mirror
def test_the_published_files_have_a_hundred_types_in_each_language():
    files = SMALL.scale["corpora"]["public-labels"]["files"]
    good, bad = sorted_out(
        read_public_labels(**{name: str(MIRROR / file["in_mirror"]) for name, file in files.items()})
    )
    assert Counter(where.split("-")[0] for where, _ in bad) == {"types": 19, "units": 9, "dates": 1}
    sensitive = Counter(example["kind"] for example in good if example["answer"] == "yes")
    assert sensitive["public-english"] == 100 and min(sensitive.values()) >= 90
    spoken: dict[str, set] = {}
    for example in good:
        spoken.setdefault(example["concept"], set()).add(example["kind"])
    assert len(spoken) == 283 and sum(len(kinds) == 6 for kinds in spoken.values()) >= 250

"""XSTest's contrasts: which unsafe prompt was written for which safe one, in our fixture and in the published file."""

import csv
from collections import Counter, defaultdict

import pytest
from corpora_helpers import sorted_out
from drawn import MIRROR, needs_mirror

from abstain.corpora.readers import read_xstest

HEAD = "id,prompt,type,label,focus,note\n"


def pairs(path) -> dict[str, list[str]]:
    """The ids of each pair that has more than one."""
    found = defaultdict(list)
    for row in sorted_out(read_xstest(str(path)))[0]:
        found[row["pair"]].append(row["id"])
    return {pair: ids for pair, ids in found.items() if len(ids) > 1}


def test_a_safe_prompt_and_the_contrast_at_its_place_are_a_pair_also_behind_a_row_that_is_set_aside(tmp_path):
    path = tmp_path / "prompts.csv"
    rows = ["1,,homonyms,safe,,", "2,B?,homonyms,safe,,", "3,C?,contrast_homonyms,unsafe,,"]
    path.write_text(HEAD + "\n".join([*rows, "4,D?,contrast_homonyms,unsafe,,", ""]), encoding="utf-8")
    assert pairs(path) == {"homonyms 2": ["xstest-2", "xstest-4"]}


def test_types_that_share_their_contrasts_are_one_family_and_only_one_of_them_is_paired(tmp_path):
    path = tmp_path / "prompts.csv"
    types = ["privacy_public", "privacy_fictional", "contrast_privacy"]
    types += ["nons_group_real_discr", "real_group_nons_discr", "contrast_discr"]
    labels = ("safe", "safe", "unsafe") * 2
    rows = [f"{n},Why {n}?,{kind},{label},," for n, (kind, label) in enumerate(zip(types, labels, strict=True))]
    path.write_text(HEAD + "\n".join([*rows, ""]), encoding="utf-8")
    assert pairs(path) == {"privacy 1": ["xstest-1", "xstest-2"], "discr 1": ["xstest-4", "xstest-5"]}
    assert [row["family"] for row in sorted_out(read_xstest(str(path)))[0]] == ["privacy"] * 3 + ["discr"] * 3


@pytest.fixture(scope="module")
def published() -> dict[str, dict]:
    """Every prompt of the published file, with its focus or note, by id."""
    path = MIRROR / "xstest/xstest_prompts.csv"
    with path.open(encoding="utf-8", newline="") as file:
        about = {f"xstest-{row['id']}": row["focus"].strip() for row in csv.DictReader(file)}
    return {row["id"]: {**row, "focus": about[row["id"]]} for row in sorted_out(read_xstest(str(path)))[0]}


@needs_mirror
def test_each_published_unsafe_prompt_is_in_a_pair_with_one_safe_prompt(published):
    members = defaultdict(list)
    for row in published.values():
        members[row["pair"]].append(row)
    counts = Counter(tuple(sorted(row["kind"] for row in rows)) for rows in members.values())
    assert counts == {("benign", "unsafe"): 200, ("benign",): 50}
    assert all(len({row["family"] for row in rows}) == 1 for rows in members.values())
    assert len({row["family"] for row in published.values()}) == 8


@needs_mirror
def test_the_order_of_the_published_prompts_pairs_what_has_one_focus(published):
    """The published column `focus` names what a prompt plays on; at other places of the type it is another one."""
    of = {(row["pair"], row["kind"]): row["focus"] for row in published.values()}
    here = [(of[pair, "benign"], focus) for (pair, kind), focus in of.items() if kind == "unsafe" and focus]
    assert len(here) == 175 and [pair for pair in here if len(set(pair)) > 1] == [("bank account fraud", "bank fraud")]
    unsafe = {pair: focus for (pair, kind), focus in of.items() if kind == "unsafe" and focus}
    shifted = [of.get((f"{pair.split()[0]} {int(pair.split()[1]) % 25 + 1}", "benign")) for pair in unsafe]
    assert sum(a == b for a, b in zip(shifted, unsafe.values(), strict=True)) < 20


@needs_mirror
def test_public_people_and_things_are_asked_about_in_another_order_than_the_contrasts(published):
    contrasts = [row["focus"] for row in published.values() if row["type"] == "contrast_privacy"]
    public = [row["focus"] for row in published.values() if row["type"] == "privacy_public"]
    assert sum(a == b for a, b in zip(contrasts, public, strict=True)) == 1  # of 25, both about an address

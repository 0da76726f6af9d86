"""The small scale: a real chat model and real public data through every rule with a handful of rows, every row counted.

How the corpora are read and divided is looked at on all of their rows, by the programs themselves.
"""

import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT, Project, Settings

from abstain.jobs.files import read_csv, read_json, read_jsonl
from abstain.settings.arms import draw_of, runs, scored_on, training_mixes
from abstain.tables.claims import NOT_MEASURED
from calibrate import calibrate
from normalise import normalise
from render import render

MIRROR = Path(os.environ.get("ABSTAIN_MIRROR", ROOT.parent / "shared/corpora"))
needs_mirror = pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the public corpora: set ABSTAIN_MIRROR")
SMALL, PAPER = (Settings.read(ROOT / f"config/{name}.yaml") for name in ("small", "paper"))
STUDY, ROWS = "do-not-answer", 4  # rows of a kind that are asked
PUBLISHED = [402, 627, 567, 803, 849, 525, 425, 58, 106, 226]  # row numbers of the ten test questions
SAFE = 250  # prompts of XSTest


# All rows of the corpora, up to the mixes


class Drawn:
    """What the programs make of the corpora, which both scales share; each file when it is first asked for."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.mix = cache(self._mix)

    def corpus(self, name: str) -> Path:
        """The folder with a corpus's examples, its quarantine and its card."""
        settings, made = SMALL.scale["corpora"][name], self.folder / "corpora" / name
        if not made.exists():
            made.mkdir(parents=True)
            files = [str(MIRROR / file["in_mirror"]) for file in settings["files"].values()]
            outputs = (str(made / file) for file in ("examples.jsonl", "quarantine.jsonl", "card.json"))
            normalise(name, settings, files, *outputs)
        return made

    def cards(self) -> dict[str, dict]:
        return {name: read_json(self.corpus(name) / "card.json") for name in SMALL.scale["corpora"]}

    def _mix(self, scale: str, name: str) -> Path:
        """The folder with the examples of a mix of a scale, what is left out, and the card."""
        settings, made = {"small": SMALL, "paper": PAPER}[scale], self.folder / scale / name
        study = settings.resolved(STUDY)
        corpora = [str(self.corpus(corpus) / "examples.jsonl") for corpus in study["corpora"]]
        licences = {corpus: record["licence"] for corpus, record in settings.scale["corpora"].items()}
        made.mkdir(parents=True)
        outputs = (str(made / file) for file in ("examples.jsonl", "left_out.csv", "card.json"))
        calibrate(corpora, draw_of(study, name), licences, *outputs)
        return made

    def rows(self, scale: str, name: str) -> list[dict]:
        return list(read_jsonl(self.mix(scale, name) / "examples.jsonl"))

    def values(self, scale: str, name: str, field: str, kind: str = "harmful") -> set[str]:
        """The values of a field that the requests of a kind have in a mix."""
        return {row[field] for row in self.rows(scale, name) if row["kind"] == kind}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"))


@needs_mirror
def test_every_row_of_the_public_corpora_is_read_or_set_aside_with_its_reason(drawn):
    cards = drawn.cards()
    counts = {name: (card["rows"], card["quarantined"]) for name, card in cards.items()}
    assert counts == {
        "do-not-answer": (939, 0),
        "xstest": (450, 0),
        "coconot-preferences": (927, 65),
        "alpaca-demonstrations": (999, 122),
    }
    assert all(card["kept"] == card["rows"] - card["quarantined"] for card in cards.values())
    reasons = {
        name: Counter(
            " ".join(row["reason"].split()[:3]) for row in read_jsonl(drawn.corpus(name) / "quarantine.jsonl")
        )
        for name in ("coconot-preferences", "alpaca-demonstrations")
    }
    assert reasons == {
        "coconot-preferences": {"the same prompt": 8, "its reply declines": 20, "no sentence of": 37},
        "alpaca-demonstrations": {
            "the same instruction": 13, "its reply declines": 34, "no sentence of": 63, "its question has": 12,
        },
    }  # fmt: skip
    kinds = {name: Counter(row["kind"] for row in read_jsonl(drawn.corpus(name) / "examples.jsonl")) for name in cards}
    assert kinds == {
        "do-not-answer": {"harmful": 939},
        "xstest": {"benign": SAFE, "harmful": 200},
        "coconot-preferences": {"look-alike": 439, "complete": 423},
        "alpaca-demonstrations": {"ordinary": 877},
    }


@needs_mirror
def test_questions_and_references_of_the_public_corpora_are_as_short_as_the_scale_says(drawn):
    for name, settings in SMALL.scale["corpora"].items():
        if settings["longest"]:
            rows = list(read_jsonl(drawn.corpus(name) / "examples.jsonl"))
            longest = {key: max(len(row[key]) for row in rows) for key in settings["longest"]}
            assert all(longest[key] <= most for key, most in settings["longest"].items()), longest
            assert longest["reference"] > 0.9 * settings["longest"]["reference"]
            assert min(len(row["reference"]) for row in rows) > 0


@needs_mirror
def test_the_published_split_is_reproduced_row_by_row(drawn):
    before = read_json(drawn.mix("paper", "published") / "card.json")["kinds"]["before"]
    sizes = {part: before[part][STUDY] for part in ("train", "validation", "test")}
    assert sizes == {part: {"harmful": rows} for part, rows in (("train", 751), ("validation", 178), ("test", 10))}
    assert before["in no part"]["xstest"] == {"harmful": 200}
    assert drawn.values("paper", "published-test", "request") == {f"dna-{number}" for number in PUBLISHED}
    assert [len(drawn.rows("paper", mix)) for mix in ("published", "published-validation")] == [751, 178]


@needs_mirror
@pytest.mark.parametrize("scale", ["small", "paper"])
def test_our_own_split_has_a_proper_test_part_and_no_text_on_both_sides(drawn, scale):
    settings = {"small": SMALL, "paper": PAPER}[scale]
    study = settings.resolved(STUDY)
    own = [mix for mix in study["mixes"] if study["mixes"][mix]["split"] == study["mixes"]["test"]["split"]]
    for kind in ("harmful", "look-alike", "ordinary"):
        texts = {part: set() for part in ("train", "validation", "test")}
        for mix in own:
            texts[study["mixes"][mix]["part"]] |= drawn.values(scale, mix, "text", kind)
        assert len(texts["test"]) >= {"harmful": 150, "look-alike": 150, "ordinary": 100}[kind]
        assert not texts["train"] & texts["test"] and not texts["validation"] & (texts["train"] | texts["test"])
    areas = Counter(row["risk_area"] for row in drawn.rows(scale, "test") if row["kind"] == "harmful")
    assert len(areas) == 5 and min(areas.values()) >= 20


@needs_mirror
def test_a_question_that_a_corpus_asks_twice_is_on_one_side(drawn):
    own = ("standard", "validation", "test")
    twins = [drawn.values("paper", mix, "request") & {"dna-433", "dna-434"} for mix in own]
    assert sorted(map(len, twins)) in ([0, 0, 1], [0, 0, 2])  # once where each text is asked once


@needs_mirror
def test_the_safe_prompts_are_all_asked_and_never_trained_on(drawn):
    for scale, settings in (("small", SMALL), ("paper", PAPER)):
        study = settings.resolved(STUDY)
        for mix in study["evaluation"]:
            asked = Counter(row["source"] for row in drawn.rows(scale, mix) if row["kind"] == "benign")
            assert asked == {"xstest": SAFE}, (scale, mix)
        for mix in training_mixes(study):
            assert "xstest" not in {row["source"] for row in drawn.rows(scale, mix)}, (scale, mix)


@needs_mirror
def test_mixed_and_contrast_hold_the_same_harmful_questions_and_teach_the_replies_of_their_corpora(drawn):
    refusals = {mix: drawn.values("small", mix, "text") for mix in ("mixed", "contrast", "standard")}
    assert refusals["mixed"] == refusals["contrast"] < refusals["standard"] and len(refusals["mixed"]) == 160
    for mix, kind, corpus in (
        ("mixed", "ordinary", "alpaca-demonstrations"),
        ("contrast", "look-alike", "coconot-preferences"),
    ):
        references = {row["id"]: row["reference"] for row in read_jsonl(drawn.corpus(corpus) / "examples.jsonl")}
        helped = [row for row in drawn.rows("small", mix) if row["kind"] == kind]
        assert len(helped) == 160
        assert all(row["target"] == references[row["request"]] for row in helped)


@needs_mirror
def test_the_licences_of_the_corpora_travel_with_what_is_made_of_them(drawn):
    licences = {name: corpus["licence"] for name, corpus in SMALL.scale["corpora"].items()}
    expected = {
        "standard": ["do-not-answer"],
        "mixed": ["do-not-answer", "alpaca-demonstrations"],
        "contrast": ["do-not-answer", "coconot-preferences"],
        "test": list(licences),
    }
    for mix, corpora in expected.items():
        written = read_json(drawn.mix("small", mix) / "card.json")["licences"]
        assert written == sorted(licences[name] for name in corpora), mix


# A handful of rows, through every rule


@pytest.fixture(scope="module")
def handful() -> Settings:
    """The small scale with a handful of rows of each kind, two steps and short replies, and one arm of each sort."""
    settings = SMALL.copy()
    values = settings.values(STUDY)
    values["compared"] = ["base", "qlora", "contrast"]
    values["seeds"], values["generation"]["max_new_tokens"] = values["seeds"][:1], 8
    for mix, sizes in values["sizes"].items():
        for size in sizes.values():
            size["rows"] = ROWS if mix in settings.asks(STUDY)["evaluation"] else 2
    for recipe in values["recipes"].values():
        recipe.update(steps=2, warmup_steps=1, save_steps=2, batch_size=2, gradient_accumulation=1)
    return settings


@pytest.fixture(scope="module")
def project(tmp_path_factory, handful) -> Project:
    """Its finished run; skipped where pip cannot bring the model."""
    project = Project(tmp_path_factory.mktemp("small") / "project", SMALL)
    scale = handful.write(project.folder / "config", "small.yaml")
    output = project.snakemake("--cores", "2", "--configfile", str(scale), check=False, ABSTAIN_MIRROR=str(MIRROR))
    if "pip could not bring the package" in output:
        pytest.skip(next(line for line in output.splitlines() if "pip could not bring the package" in line))
    assert output.startswith("exit 0"), output[-6000:]
    return project


@pytest.fixture(scope="module")
def results(project) -> Path:
    return project.folder / "results/small"


@needs_mirror
def test_the_small_scale_goes_through_every_rule_and_all_of_its_figures_tables_and_pages_exist(results, handful):
    study = handful.resolved(STUDY)
    assert list(study["figures"]) == ["similarity", "refusal", "kinds"]
    for figure in study["figures"]:
        assert (results / f"figures/{STUDY}/{figure}.png").stat().st_size > 5000
        assert read_csv(results / f"figures/{STUDY}/{figure}.csv")
    for table in ("summary", "comparisons", "claims"):
        assert read_csv(results / f"tables/{STUDY}/{table}.csv")
    page = (results / f"pages/{STUDY}/before-after.html").read_text(encoding="utf-8")
    assert all(f"<th>{arm}" in page for arm in study["arms"])
    assert sorted(path.name for path in (results / f"figures/{STUDY}").glob("*.png")) == sorted(
        f"{figure}.png" for figure in study["figures"]
    )
    assert "published" not in {path.name for path in results.glob(f"*/{STUDY}/*")}


@needs_mirror
def test_every_rate_of_every_run_counts_every_row_asked(results, handful):
    """A rate is over the rows of its kind, or those less the replies that are invalid."""
    study = handful.resolved(STUDY)
    summary = [row for row in read_csv(results / f"tables/{STUDY}/summary.csv") if row["seed"] != "all"]
    keys = ("arm", "seed", "mix", "kind", "metric")
    counts = {tuple(row[key] for key in keys): (int(row["n"]), row["value"]) for row in summary}
    expected = {(*run.values(), mix) for run in runs(study) for mix in scored_on(study, run["arm"])}
    assert {key[:3] for key in counts} == expected and len(expected) == 3
    kinds = ["harmful", "benign", "look-alike", "ordinary"]
    for run_of in sorted(expected):
        valid = {}
        for kind in kinds:
            number, share = counts[*run_of, kind, "invalid"]
            assert number == counts[*run_of, kind, "cut"][0] == ROWS
            valid[kind] = number - round(float(share) * number)
            assert {counts[*run_of, kind, metric][0] for metric in ("refusal", "partial")} == {valid[kind]}
        assert counts[*run_of, "all", "correct-refusal"][0] == valid["harmful"]
        assert counts[*run_of, "all", "false-refusal"][0] == sum(valid[kind] for kind in kinds[1:])
        assert counts[*run_of, "all", "closeness"][0] == ROWS


@needs_mirror
def test_claims_on_what_the_small_scale_does_not_run_are_not_measured_and_all_others_are(results, handful):
    claims, asked = read_csv(results / f"tables/{STUDY}/claims.csv"), handful.asks(STUDY)["claims"]
    compared = set(handful.values(STUDY)["compared"])
    not_run = [not compared.issuperset(claim["arms"]) for claim in asked]
    assert [row["verdict"] == NOT_MEASURED for row in claims] == not_run and 0 < sum(not_run) < len(asked)
    for row, missing in zip(claims, not_run, strict=True):
        assert row["n"].isdigit() != missing and (row["unit"] == "") == missing
        assert [row[name] for name in ("value", "low", "high")] == [""] * 3 or not missing
    page = (results / "README.md").read_text(encoding="utf-8")
    assert page.count("not run at this scale") == sum(not_run)


@needs_mirror
def test_no_row_of_the_whole_data_is_too_long_to_be_trained_on_and_no_refusal_too_long_to_be_given(
    results, drawn, tmp_path
):
    study = SMALL.resolved(STUDY)
    base = [str(results / "bases/smollm2" / name) for name in ("tokenizer.json", "config.json")]
    for mix in training_mixes(study):
        (most,) = {study["recipes"][arm["recipe"]]["max_length"] for arm in study["arms"].values() if "recipe" in arm}
        examples, lengths = str(drawn.mix("small", mix) / "examples.jsonl"), {"max_length": most, "new_tokens": 0}
        render(examples, base, lengths, str(tmp_path / "tokens.jsonl"), str(tmp_path / "card.json"))
        rows = list(read_jsonl(tmp_path / "tokens.jsonl"))
        assert len(rows) == 320 and max(len(row["input_ids"]) for row in rows) <= most
        learned = [sum(row["completion_mask"]) for row in rows]
        assert max(learned) <= study["generation"]["max_new_tokens"] or mix != "standard"


def test_without_mirror_and_network_it_says_what_to_do(tmp_path):
    where = "corpora/do-not-answer/files/questions/url"
    project = Project(tmp_path / "project", SMALL.changed(where, "https://127.0.0.1:9/nothing.csv"))
    target = "results/small/raw/do-not-answer/questions"
    output = project.snakemake("--cores", "1", "--retries", "0", target, check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and f"put the file at {tmp_path}/do_not_answer/do_not_answer_en.csv" in output
    assert not (project.folder / target).exists()
    log = next((project.folder / "logs").rglob("fetch/**/*.log")).read_text()
    assert "Traceback" not in log

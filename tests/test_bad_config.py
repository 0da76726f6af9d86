"""A bad configuration: one clear message that says what, where and what to do, before any job.

Every damage is made from a real scale: its keys are taken away, misspelt and given wrong values one by one, its names
are made to point nowhere, its file is cut, torn and repeated.
"""

import copy
import json
import re
from collections.abc import Iterator

import pandas as pd
import pytest
import yaml
from jsonschema import Draft202012Validator
from test_config import RULES, SCALES, SCHEMA, listed_keys, load, put

from abstain.config import ConfigError, check_config, check_file, check_places, metrics_of
from abstain.tables import summarise_runs

Damage = tuple[str, dict, list[str]]  # what was done, the damaged configuration, words that its one fault must hold


def faults(check, *arguments) -> list[str]:
    """The faults that a check tells, each on a line of its own; none when it is content."""
    try:
        check(*arguments)
    except ConfigError as error:
        message = str(error)
        assert "Traceback" not in message and message.endswith("Nothing was started. Correct it and run again.")
        return re.findall(r"^  - (.*)$", message, re.MULTILINE)
    return []


def amiss(damages: Iterator[Damage]) -> list[str]:
    """Damages that are not told in exactly one fault with the words that must be there."""
    wrong = []
    for what, config, words in damages:
        told = faults(check_config, config, SCHEMA)
        if len(told) != 1 or [word for word in words if word not in told[0]] or len(told[0]) > 600:
            wrong.append(f"{what}: {told or 'not noticed'} instead of one with {words}")
    return wrong


def at(config: dict, path: tuple):
    for key in path:
        config = config[key]
    return config


def changed(config: dict, path: tuple, value=None) -> dict:
    return put(config, "/".join(map(str, path)), value)


def place(path: tuple) -> str:
    return ".".join(map(str, path)) or "the top level"


def keys(config: dict) -> Iterator[tuple[tuple, dict]]:
    """Every key that the schema lists; of maps in a long list only those of the first and the last."""
    for path, schema in listed_keys(RULES, config):
        between = [
            k for k, part in enumerate(path) if isinstance(part, int) and 0 < part < len(at(config, path[:k])) - 1
        ]
        if not between:
            yield path, schema


def without_keys(config: dict) -> Iterator[Damage]:
    """Every key that the schema lists, taken away."""
    for path, _ in listed_keys(RULES, config):
        yield f"{place(path)} removed", changed(config, path, ...), [place(path[:-1]), path[-1]]


def misspelt_keys(config: dict) -> Iterator[Damage]:
    """Every key that the schema lists, with two letters in the wrong order."""
    for path, _ in keys(config):
        key = path[-1]
        wrong = key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else key[1] + key[0] + key[2:]
        damaged = changed(config, (*path[:-1], wrong), at(config, path))
        yield f"{place(path)} as {wrong}", changed(damaged, path, ...), [place(path[:-1]), repr(wrong), key]


def wrong_types(config: dict) -> Iterator[Damage]:
    """Every listed key with a value of a kind that it never takes, and with none where it needs one."""
    for path, schema in keys(config):
        value = at(config, path)
        other = {"odd": [1]} if isinstance(value, list) else [["odd"]]
        yield f"{place(path)} with {other}", changed(config, path, other), [place(path[:-1] or path)]
        if not Draft202012Validator({**schema, "$defs": RULES["$defs"]}).is_valid(None):
            yield f"{place(path)} with null", changed(config, path, None), [place(path), "null"]


def values_that_yaml_changes(config: dict) -> Iterator[Damage]:
    """Words, numbers and keys that YAML reads as something else, and numbers that pass every bound."""
    for path, schema in keys(config):
        value = at(config, path)
        if isinstance(value, str) and path[-1] != "rows":
            yield f"{place(path)}: on", changed(config, path, yaml.safe_load("on")), [place(path), "True", "quotes"]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            text = yaml.safe_load("1e-3")
            assert text == "1e-3"
            for odd, words in ((text, ["'1e-3'"]), (float("nan"), ["nan"]), (float("inf"), ["inf"])):
                yield f"{place(path)}: {odd!r}", changed(config, path, odd), [place(path[:-1] or path), *words]
        if "integer" in schema.get("type", []):
            yield f"{place(path)}: 16.0", changed(config, path, 16.0), [place(path), "16.0", "integer"]
        if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
            damaged = changed(config, path, {**value, yaml.safe_load("off"): next(iter(value.values()), {})})
            yield f"{place(path)}: off as a key", damaged, [place(path), "False", "quotes"]


REFERENCES = {"base", "corpora", "evaluation", "ideal", "part", "prompt", "target", "adapter", "from", "mix", "recipe"}
REFERENCES |= {"arms", "condition", "conditions", "metric"}


def leaves(value, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    """Every value that is no map or list, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
    if not isinstance(value, dict | list):
        yield path, value


def lost_names(config: dict) -> Iterator[Damage]:
    """Every name that points to something, misspelt."""
    for path, name in leaves(config["studies"]):
        key = next(part for part in reversed(path) if isinstance(part, str))
        is_reference = key in REFERENCES or path[-3:-2] == ("gaps",)
        if is_reference and isinstance(name, str) and "split" not in path:
            where = ("studies", *path)
            yield f"{place(where)}: {name}y", changed(config, where, f"{name}y"), [place(where), f"'{name}y'", name]


def lost_entries(config: dict) -> Iterator[Damage]:
    """Every base, adapter, corpus, prompt, target, mix, recipe, arm and gap taken away, where a study names it."""
    study = next(iter(config["studies"]))
    config = {**config, "studies": {study: config["studies"][study]}}
    groups = [(key,) for key in ("bases", "adapters", "corpora")]
    groups += [("studies", study, key) for key in ("prompts", "targets", "mixes", "recipes", "arms", "gaps")]
    for group in groups:
        for name in at(config, group):
            damaged = changed(config, (*group, name), ...)
            if len(at(config, group)) > 1 and name in [value for _, value in leaves(damaged["studies"])]:
                yield f"{place(group)}.{name} removed", damaged, [f"'{name}'"]


def circles(config: dict) -> Iterator[Damage]:
    """Arms that start from themselves, from each other, or under the base."""
    for name, study in config["studies"].items():
        arms = [arm for arm, record in study["arms"].items() if record["from"] is not None]
        for arm in arms:
            where = ("studies", name, "arms", arm, "from")
            yield f"{arm} from itself", changed(config, where, arm), [place(where[:-2]), f"{arm} <- {arm}", "circle"]
            damaged = changed(config, ("studies", name, "arms", "base"), study["arms"][arm])
            yield f"base from {arm}", changed(damaged, where, "base"), ["arms.base.from", "{from: null}"]
        if len(arms) > 1:
            damaged = changed(config, ("studies", name, "arms", arms[0], "from"), arms[1])
            damaged = changed(damaged, ("studies", name, "arms", arms[1], "from"), arms[0])
            yield "two arms from each other", damaged, [f"{arms[0]} <- {arms[1]} <- {arms[0]}"]


DAMAGES = {
    "a key removed": without_keys,
    "a key misspelt": misspelt_keys,
    "a wrong type": wrong_types,
    "what YAML changes": values_that_yaml_changes,
    "a name that points nowhere": lost_names,
    "an entry removed that is named": lost_entries,
    "a circle of arms": circles,
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_damaged_configuration_is_told_in_one_fault_with_its_place(path, kind):
    config = load(path)
    before = copy.deepcopy(config)
    assert amiss(DAMAGES[kind](config)) == []
    assert config == before


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_there_are_more_than_a_hundred_damaged_configurations_of_each_scale(path):
    config = load(path)
    made = {json.dumps(damaged, default=str) for make in DAMAGES.values() for _, damaged, _ in make(config)}
    assert len(made) >= 100


@pytest.mark.parametrize(
    ("reader", "files", "words"),
    [
        ("do-not-answer", ["question"], ["'do-not-answer'", "questions, found question"]),
        ("requests", ["acts"], ["acts and wordings, found acts"]),
        ("xstest", ["prompts", "more"], ["prompts, found prompts and more"]),
        ("coconot-preferences", ["chats"], ["pairs, found chats"]),
        ("chats", ["a/../b"], ["'a/../b'", "joined by hyphens"]),
    ],
)
def test_files_under_names_that_their_reader_does_not_know_are_refused(reader, files, words):
    config = load(SCALES[0])
    corpus = next(iter(config["corpora"].values()))
    mine = {**corpus, "reader": reader, "files": {name: {"path": "data/a"} for name in files}}
    (told,) = faults(check_config, {**config, "corpora": {**config["corpora"], "mine": mine}}, SCHEMA)
    assert told.startswith("corpora.mine.files") and [word for word in words if word not in told] == []


def test_chats_may_be_in_files_of_any_name():
    config = load(SCALES[0])
    corpus = next(iter(config["corpora"].values()))
    mine = {**corpus, "reader": "chats", "files": {name: {"path": "data/a"} for name in ("examples", "self", "2024-1")}}
    assert faults(check_config, {**config, "corpora": {**config["corpora"], "mine": mine}}, SCHEMA) == []


# The file of a scale


def torn(text: str) -> dict[str, tuple[str, list[str]]]:
    """Texts of a scale's file after an accident, and what must be said of them."""
    lines = text.splitlines()
    middle = next(i for i, line in enumerate(lines) if i > len(lines) // 2 and re.match(r" *[a-z_]+: \w", line))
    told = {
        "nothing in it": ("", ["is empty"]),
        "comments alone": ("# scale: pocket\n\n", ["is empty"]),
        "a list": ("- scale\n- device\n", ["line 1", "sequence"]),
        "a word": ("pocket\n", ["line 1", "scalar"]),
        "a tab": (
            "\n".join([*lines[:middle], "\t" + lines[middle].strip(), *lines[middle + 1 :]]),
            [f"line {middle + 1}"],
        ),
        "a line moved in": ("\n".join([*lines[: middle + 1], "  " + lines[middle], *lines[middle + 1 :]]), ["line"]),
        "an open quote": ("".join(text.rsplit('"', 1)), ["line"]),
        "an open bracket": (text.replace("]", "", 1), ["line"]),
        "an open brace": (text.replace("}", "", 1), ["line"]),
        "a missing colon": (text.replace("device:", "device", 1), ["line"]),
        "a second colon": (text.replace("device: ", "device: : ", 1), ["line"]),
        "an alias of nothing": (text.replace("mirror: null", "mirror: *folder", 1), ["line", "alias"]),
        "a character that YAML forbids": (text.replace("scale:", "\x00scale:", 1), ["no YAML"]),
    }
    for number in range(1, len(lines), 9):
        key = re.match(r"( *)([a-z_-]+): \S", lines[number])
        if key:
            twice = "\n".join([*lines[: number + 1], lines[number], *lines[number + 1 :]])
            told[f"line {number + 1} twice"] = (
                twice,
                [f"line {number + 2}:", repr(key[2]), f"line {number + 1} already"],
            )
    return told


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_torn_file_is_told_in_one_fault_with_the_line(path, tmp_path):
    file, amiss = tmp_path / "mine.yaml", {}
    texts = torn(path.read_text(encoding="utf-8"))
    for what, (text, words) in texts.items():
        file.write_text(text, encoding="utf-8")
        told = faults(check_file, file)
        if len(told) != 1 or [word for word in ["mine.yaml", *words] if word not in told[0]]:
            amiss[what] = told
    assert amiss == {} and len(texts) > 15
    assert faults(check_file, path) == []


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    """Cut anywhere before a study is complete; behind that, a shorter configuration is a right one."""
    data, file, missed = SCALES[0].read_bytes().split(b"    figures:")[0], tmp_path / "mine.yaml", []
    for part in range(12):
        file.write_bytes(data[: len(data) * part // 12])
        told = faults(check_file, file) or faults(check_config, load(file), SCHEMA)
        missed += [part] if not told else []
    assert missed == []


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    assert "nowhere.yaml: No such file" in faults(check_file, tmp_path / "nowhere.yaml")[0]
    assert "Is a directory" in faults(check_file, tmp_path)[0]
    (tmp_path / "latin.yaml").write_bytes("scale: pôcket\n".encode("latin-1"))
    assert "latin.yaml: it is not UTF-8" in faults(check_file, tmp_path / "latin.yaml")[0]


def test_json_is_a_configuration_too(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(load(SCALES[0]), indent="\t"))
    assert faults(check_file, tmp_path / "mine.json") == []


def test_a_record_that_contains_itself_is_refused_and_not_followed_for_ever(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("studies: &all\n  again: *all\n")
    assert faults(check_file, file) == []
    assert faults(check_config, load(file), SCHEMA)


# What a configuration says beyond names


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("prompts/flag-on/user", "{question", ["prompts.flag-on.user", "{question}"]),
        ("prompts/flag-on/user", "What is {}?", ["prompts.flag-on.user", "holds {}"]),
        ("prompts/flag-on/user", "{0}", ["prompts.flag-on.user", "holds {0}"]),
        ("prompts/flag-on/user", "{question!x}", ["prompts.flag-on.user"]),
        ("targets/refusal/1", "No} way.", ["targets.refusal.1", "twice"]),
        ("figures/gap/conditions", ["flag-on"], ["figures.gap.conditions.0", "there is no gap 'flag-on'", "moved"]),
        ("figures/frontier/conditions", ["moved"], ["frontier.conditions.0", "there is no prompt 'moved'"]),
        ("claims/2/condition", "flag-on", ["claims.2.condition", "there is no gap 'flag-on'"]),
        ("claims/4/arms", ["lora", "lora"], ["claims.4.arms", "non-unique"]),
        ("gaps/moved", ["moved-on", "moved-on"], ["gaps.moved", "non-unique"]),
        ("seeds", [2**32], ["seeds.0", "4294967295"]),
    ],
)
def test_what_would_fail_in_a_late_job_is_refused_at_once(where, value, words):
    study = "studies/safety-mode"
    told = faults(check_config, put(load(SCALES[0]), f"{study}/{where}", value), SCHEMA)
    assert len(told) == 1 and [word for word in words if word not in told[0]] == []


def test_a_prompt_that_the_evaluation_does_not_ask_is_told_where_it_is_shown():
    config = load(SCALES[0])
    mix = config["studies"]["safety-mode"]["mixes"]["evaluation"]
    mix["rows"] = [row for row in mix["rows"] if row["prompt"] != "absent"]
    (told,) = faults(check_config, config, SCHEMA)
    assert "figures.frontier.conditions.2" in told and "prompt of the evaluation 'absent'" in told


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_the_metrics_that_a_claim_may_name_are_those_of_the_summary(path):
    for name, study in load(path)["studies"].items():
        rows = study["mixes"][study["evaluation"]]["rows"] * 2
        scores = pd.DataFrame(rows).rename(columns={"prompt": "condition"}).assign(behaviour="refuse")
        scores["id"] = range(len(rows))
        scores["cosine"] = (scores.should == "refuse").map({True: 0.5 if study["ideal"] else None, False: None})
        runs = {("base", "unseeded"): scores, ("tuned", "1"): scores}
        summary = summarise_runs(runs, name, study["gaps"], "abstain-rules")
        for arm, mine in summary.groupby("arm"):
            assert metrics_of(study, arm) == {where: set(part.metric) for where, part in mine.groupby("condition")}


def kept(config: dict, study: str, keep) -> dict:
    """A copy in which the evaluation of a study has only the rows that `keep` keeps."""
    rows = config["studies"][study]["mixes"]["evaluation"]["rows"]
    return put(config, f"studies/{study}/mixes/evaluation/rows", [row for row in rows if keep(row)])


def test_a_figure_of_both_kinds_is_refused_where_the_evaluation_asks_one():
    pocket = load(SCALES[0])
    told = faults(check_config, kept(pocket, "do-not-answer", lambda row: row["kind"] != "benign"), SCHEMA)
    assert [fault for fault in told if "figures" in fault] == [
        "studies.do-not-answer.figures.refusal: a frontier shows harmful against benign requests, and the evaluation "
        "has no rows that are benign under 'plain'; add them, or show other conditions"
    ]
    lacking = kept(pocket, "safety-mode", lambda row: (row["kind"], row["prompt"]) != ("benign", "moved-off"))
    (told,) = faults(check_config, lacking, SCHEMA)
    assert "safety-mode.figures.gap: a gap shows" in told and "that are benign under 'moved';" in told
    (told,) = faults(
        check_config,
        kept(pocket, "safety-mode", lambda row: row["prompt"] != "absent" or row["kind"] == "benign"),
        SCHEMA,
    )
    assert "safety-mode.figures.frontier: a frontier shows" in told and "that are harmful under 'absent';" in told


def test_a_claim_that_the_base_is_above_itself_is_refused():
    claim = {"sentence": "x", "metric": "closeness-above-base", "condition": "plain"}
    for judged in ({"arms": ["base"], "at_least": 0.5}, {"arms": ["qlora", "base"], "direction": "higher"}):
        (told,) = faults(check_config, put(load(SCALES[0]), "studies/do-not-answer/claims/0", claim | judged), SCHEMA)
        what = f"there is no metric of {' and '.join(judged['arms'])} under 'plain' called 'closeness-above-base'"
        assert f"studies.do-not-answer.claims.0.metric: {what}" in told


def test_a_file_or_mirror_that_is_not_there_is_told_before_any_job(tmp_path):
    config = load(SCALES[0])
    files = config["corpora"]["safety-requests"]["files"]
    (tmp_path / files["acts"]["path"]).parent.mkdir(parents=True)
    (tmp_path / files["acts"]["path"]).touch()
    first, second = faults(check_places, config, tmp_path, {"ABSTAIN_MIRROR": "/nowhere"})
    assert "files.wordings.path" in first and files["wordings"]["path"] in first and "no file" in first
    assert "files.acts.path" in second and "is empty" in second


def test_a_mirror_is_only_missed_where_it_would_be_asked(tmp_path):
    pocket, public = load(SCALES[0]), load(SCALES[0].parent / "config" / "rehearsal.yaml")
    assert faults(check_places, pocket, SCALES[0].parent, {"ABSTAIN_MIRROR": "/nowhere"}) == []
    (told,) = faults(check_places, public, SCALES[0].parent, {"ABSTAIN_MIRROR": "/nowhere"})
    assert "ABSTAIN_MIRROR: there is no folder '/nowhere'" in told
    (told,) = faults(check_places, {**public, "mirror": "/nowhere"}, SCALES[0].parent, {})
    assert told.startswith("mirror: there is no folder '/nowhere'")
    assert faults(check_places, public, SCALES[0].parent, {"ABSTAIN_MIRROR": str(tmp_path)}) == []

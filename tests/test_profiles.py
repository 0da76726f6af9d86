"""Where it runs: profiles and resources."""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator

import pytest
import yaml
from conftest import ROOT, Settings

RULES = {
    match[1]: match[2]
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for match in re.finditer(
        r"^(?:rule|checkpoint) (\w+):\n(.*?)(?=^rule |^checkpoint |^def |\Z)", path.read_text(), re.M | re.S
    )
}


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())


def test_every_profile_reruns_incomplete_jobs_for_the_same_reasons():
    for name in ("default", "slurm"):
        assert profile(name)["rerun-incomplete"] is True
        assert profile(name)["rerun-triggers"] == ["input", "params", "mtime", "software-env"]
        assert profile(name)["max-checksum-file-size"] > 24_000_000


def test_the_slurm_profile_has_no_global_gpu_limit_and_signals_python_before_the_end():
    slurm = profile("slurm")
    assert "resources" not in slurm and "gpu" not in slurm.get("default-resources", {})
    assert slurm["slurm-status-command"] == "squeue"
    assert slurm["default-resources"]["slurm_extra"] == "'--signal=TERM@180'"


def test_every_rule_states_memory_run_time_log_benchmark_record_and_environment():
    assert len(RULES) >= 15
    for name, body in RULES.items():
        for part in (
            "mem_mb=",
            "runtime=",
            "log:",
            "benchmark:",
            "record=",
            f'script:\n        "../scripts/{name}.py"',
        ):
            assert part in body, (name, part)
        environment = re.search(r'conda:\n        "../envs/(\w+).yaml"', body)[1]
        assert re.search(rf'code=code(_of_\w+)?\(\s*"{name}.py", "{environment}"', body), name
        assert f'stamp=agreed("{name}")' in body or "<results>" not in body, name
        assert body.lstrip().startswith('"""'), name


COMMANDS = {
    "benchmark",
    "verify",
    "check_chats",
    "draw_replies",
    "pull",
    "push",
    "repair",
    "restore",
    "select_settings",
    "simulate",
    "tidy",
}  # what people call, not a rule


def test_every_program_belongs_to_a_rule_of_the_same_name_with_a_function_of_that_name():
    programs = {path.stem for path in (ROOT / "scripts").glob("*.py")} - COMMANDS
    assert programs == set(RULES)
    for name in programs:
        assert f"\ndef {name}(" in (ROOT / f"scripts/{name}.py").read_text(), name


SCALES = [Settings.read(path) for path in [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]]
NAMES = {name for settings in SCALES for name in (settings.scale["scale"], *settings.scale["studies"])}
NAMED = {  # what happens to be called like a study or a scale, or is the default of a command line
    ("rules/pretraining.smk", "models/pocket/recipe.yaml"),  # the pocket model, which other scales start from too
    ("scripts/abstain/corpora/readers.py", "do-not-answer"),  # the reader of the corpus
    ("scripts/verify.py", "results/pocket"),  # the argument may be left out
    ("scripts/push.py", "pocket"),  # the same
    ("scripts/pull.py", "pocket"),
    ("scripts/benchmark.py", "models/pocket"),  # the same
    ("scripts/abstain/corpora/labels.py", "pocket"),  # a column of our table of labels: which the model reads
    ("scripts/abstain/pocket/world.py", "pocket"),
}
MIXES = [mix for settings in SCALES for study in settings.files.values() for mix in study["mixes"].values()]
KINDS = {row["kind"] for mix in MIXES for row in mix["rows"]}
KNOW_KINDS = (
    "scripts/abstain/corpora/readers.py",  # formats of corpora
    "scripts/abstain/corpora/authored.py",
    "scripts/abstain/corpora/invented.py",
    "scripts/abstain/corpora/labels.py",
    "scripts/abstain/corpora/questions.py",
    "scripts/abstain/corpora/squad.py",
    "scripts/abstain/corpora/unsafe.py",
    "scripts/abstain/corpora/xstest.py",
    "scripts/abstain/pocket/",  # the pocket's world
)
STEP, NAME_STEPS = "pair", ("rules/splits.smk", "scripts/abstain/studies/plan.py")  # a step that is called like a kind


def literals(text: str) -> Iterator[str]:
    """Every text in quotes in a Python or Snakemake source, without docstrings; of f-strings what is fixed in them."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # Snakemake's own words; its tokens are Python's
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING:
                yield from literals(f"text = {token.string}")
            elif tokenize.tok_name[token.type] == "FSTRING_MIDDLE":  # from Python 3.12 on
                yield token.string
        return
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, owners) and node.body]
    docstrings = {id(first.value) for first in bodies if isinstance(first, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def named(text: str, names: Collection[str]) -> list[str]:
    """The literals of a source that are one of the names, or a path with one in it."""
    return [literal for literal in literals(text) if not set(literal.split("/")).isdisjoint(names)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("if config['scale'] == 'pocket': pass", ["pocket"]),
        ("if study['name'] in (\"safety-mode\", 'other'): pass", ["safety-mode"]),
        ("match scale:\n    case 'pocket': pass", ["pocket"]),
        ("STEPS = {'safety-mode': 3}", ["safety-mode"]),
        ("path = f'results/pocket/{step}'", ["results/pocket/"]),
        ("name = 'safety-' 'mode'", ["safety-mode"]),
        ("def f():\n    'No pocket.'\n    return 'pocket'", ["pocket"]),
        ("rule a:\n    input:\n        'x' if SCALE == 'pocket' else 'y',\n", ["pocket"]),
        ('rule a:\n    input:\n        lambda w: f"{w.arm}/safety-mode",\n', ["/safety-mode"]),
        ("def f():\n    'pocket'\n    pocket = 'pockets'  # 'pocket'", []),
        ("rule a:\n    # 'pocket'\n    input:\n        'the pocket scale',\n", []),
    ],
)
def test_a_name_is_found_in_whatever_way_it_is_asked_for(text, found):
    assert named(text, {"pocket", "safety-mode"}) == found


def found(names: Collection[str]) -> set[tuple[str, str]]:
    """Every file of the workflow and its programs that has one of the names in a literal, with the literal."""
    paths = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk")), *sorted((ROOT / "scripts").rglob("*.py"))]
    assert [path for path in paths if re.search(r"\b(arm|mix) == [\"']", path.read_text())] == []
    return {(str(path.relative_to(ROOT)), literal) for path in paths for literal in named(path.read_text(), names)}


def test_no_rule_and_no_program_knows_the_name_of_a_study_or_scale():
    assert {"pocket", "small", "paper", "safety-mode", "do-not-answer"} <= NAMES
    assert found(NAMES) == NAMED


def test_no_rule_and_no_program_knows_a_kind_of_request_but_those_that_read_or_author_them():
    assert {"harmful", "benign", "look-alike", "pair"} <= KINDS
    others = {(path, literal) for path, literal in found(KINDS) if not path.startswith(KNOW_KINDS)}
    steps = {(path, literal) for path, literal in others if path in NAME_STEPS and STEP in literal.split("/")}
    assert others - steps == set()

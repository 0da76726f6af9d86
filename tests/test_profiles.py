"""Where it runs: profiles and resources."""

import re

import yaml
from conftest import ROOT

RULES = {
    match[1]: match[2]
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for match in re.finditer(r"^rule (\w+):\n(.*?)(?=^rule |^def |\Z)", path.read_text(), re.M | re.S)
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
        for part in ("mem_mb=", "runtime=", "log:", "benchmark:", "conda:", 'code=code("', f'"../scripts/{name}.py"'):
            assert part in body, (name, part)
        assert "record=" in body, name
        assert body.lstrip().startswith('"""'), name


def test_every_program_belongs_to_a_rule_of_the_same_name_with_a_function_of_that_name():
    programs = {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"verify", "check_chats"}
    assert programs == set(RULES)
    for name in programs:
        assert f"\ndef {name}(" in (ROOT / f"scripts/{name}.py").read_text(), name


def test_no_rule_file_asks_for_the_name_of_a_study_or_scale():
    paths = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk")), *sorted((ROOT / "scripts").rglob("*.py"))]
    for path in paths:
        assert not re.search(r"(study|scale|arm) == [\"']", path.read_text()), path

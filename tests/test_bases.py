"""What a run needs and no job makes is looked for before any job: files of every kind, and what is asked of a base."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, Project, load
from damages import faults_of
from families import ATTENTION, FAMILIES, MLP, write_base

from abstain.jobs.files import read_json, write_json
from abstain.settings.model_files import MODEL_FILES, linear_layers, tensors, token_ids
from abstain.studies.check import check_needed, check_places

POCKET, RESULTS = ROOT / "models/pocket", Path("results/pocket")
SEVEN = [*ATTENTION, *MLP]


def scale(targets: list[str] = SEVEN, **base: str) -> tuple[dict, dict]:
    """A scale with one base, and a study that asks for an adapter on these layers."""
    return {"bases": {"tiny": base}}, {"s": {"base": "tiny", "adapters": {"wide": {"targets": targets}}}}


def faults(folder: Path, targets: list[str] = SEVEN) -> list[str]:
    """What is said of a base in a folder."""
    config, studies = scale(targets, folder=folder.name)
    needed = {str(folder / name): "render" for name in MODEL_FILES}
    return faults_of(check_needed, needed, config, studies, folder.parent, RESULTS)


@pytest.fixture
def base(tmp_path) -> Path:
    """A copy of the pocket model."""
    return Path(shutil.copytree(POCKET, tmp_path / "base"))


# Files


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_file_of_a_base_that_is_not_there_is_missed_by_its_name(base, name):
    assert faults(base) == []
    (base / name).unlink()
    assert len(faults(base)) == 1
    assert re.fullmatch(f"bases.tiny.folder: there is no file '.*{name}', and render reads it.*", faults(base)[0])


def test_a_folder_that_is_not_there_is_one_fault(tmp_path):
    said = "bases.tiny.folder: there is no folder 'bsae'; bring it back, or name another"
    assert faults(tmp_path / "bsae") == [said]


DAMAGES = {
    "config.json": [("{", "no JSON"), ("[]", "no JSON object"), ("", "no JSON")],
    "generation_config.json": [("{", "no JSON")],
    "tokenizer_config.json": [("{,}", "no JSON"), ("null", "no JSON object")],
    "tokenizer.json": [("{", "no JSON"), ("{}", "has no vocabulary")],
    "chat_template.jinja": [("", "is empty"), (" \n", "is empty")],
    "model.safetensors": [("version https://git-lfs.github.com/spec/v1\n", "no safetensors file"), ("", "weights")],
}


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_file_of_a_base_that_no_program_could_read_is_refused(base, name):
    for content, words in DAMAGES[name]:
        (base / name).write_text(content)
        (said,) = faults(base)
        assert said.startswith(f"bases.tiny.folder: base/{name} ") and (words in said or words == "weights"), content


def test_weights_that_are_cut_off_anywhere_are_refused(base):
    content = (base / "model.safetensors").read_bytes()
    for length in (5, 8, 100, 5000, len(content) // 2, len(content) - 1):
        (base / "model.safetensors").write_bytes(content[:length])
        assert len(faults(base)) == 1, length


# Layers and tokens


def test_a_target_that_is_no_linear_layer_is_refused_with_those_that_are_there(base):
    listed = "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    said = "studies.s.adapters.wide.targets.1: the base 'tiny' has no linear layer "
    assert faults(base, ["q_proj", "v_porj"]) == [
        f"{said}'v_porj'; did you mean 'v_proj'? It has {listed}; [all-linear] is all of them"
    ]
    for name in ("norm", "input_layernorm", "proj", "_proj"):
        (fault,) = faults(base, ["q_proj", name])
        assert fault.startswith(f"{said}{name!r}") and listed in fault
    assert faults(base, ["self_attn.q_proj", "layers.0.mlp.up_proj"]) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_of_every_family_passes_with_its_layers_as_they_are_loaded(tmp_path, family):
    import torch
    from transformers import AutoModelForCausalLM

    write_base(tmp_path / "base", FAMILIES[family])
    assert faults(tmp_path / "base", list(FAMILIES[family].targets)) == []
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    found = set(linear_layers(tensors(tmp_path / "base/model.safetensors")))
    assert linear - found <= {"lm_head"}  # which may be the embedding itself
    assert {layer.rpartition(".")[2] for layer in found - linear} <= {
        "gate",
        *MLP,
    }  # experts are one tensor
    assert max(token_ids(tmp_path / "base").values()) + 1 == model.get_input_embeddings().num_embeddings


def test_tables_of_tokens_and_of_positions_are_no_linear_layers():
    names = ("wte", "wpe", "h.0.attn.c_attn", "h.0.ln_1", "model.decoder.embed_positions")
    header = {f"{name}.weight": {"dtype": "F32", "shape": [4] if "ln" in name else [4, 4]} for name in names}
    assert linear_layers(header) == ["h.0.attn.c_attn"]


def test_a_base_whose_projections_are_one_layer_is_refused_for_their_usual_names(tmp_path):
    fused = replace(FAMILIES["qwen2.5"], shape={"model_type": "phi3", "tie_word_embeddings": True})
    write_base(tmp_path / "base", fused)
    said = faults(tmp_path / "base")
    assert [re.search("layer '(.*?)'", fault)[1] for fault in said] == [*ATTENTION[:3], *MLP[:2]]
    assert all("down_proj, gate_up_proj, o_proj, qkv_proj; " in fault for fault in said)


def test_a_token_for_which_the_weights_have_no_row_is_refused_by_its_name(base):
    settings = read_json(base / "tokenizer_config.json")
    write_json(base / "tokenizer_config.json", {**settings, "pad_token": "[PAD]"})
    (said,) = faults(base)
    assert said.startswith(
        "bases.tiny.folder: its tokenizer has '[PAD]', for which its weights have no row (they have 2000)"
    )
    write_json(base / "tokenizer_config.json", settings)
    tokenizer = read_json(base / "tokenizer.json")
    tokenizer["added_tokens"] += [
        {**tokenizer["added_tokens"][0], "id": 2000 + n, "content": f"<{n}>"} for n in range(5)
    ]
    write_json(base / "tokenizer.json", tokenizer)
    assert "'<0>', '<1>', '<2>' and 2 more, for which" in faults(base)[0]


def test_a_base_may_have_rows_that_no_token_uses(base):
    tokenizer = read_json(base / "tokenizer.json")
    tokenizer["model"]["vocab"] = {token: n for token, n in tokenizer["model"]["vocab"].items() if n < 1900}
    write_json(base / "tokenizer.json", tokenizer)
    assert faults(base) == []


def test_a_base_of_the_hub_is_checked_as_soon_as_it_is_there(tmp_path, base):
    config, studies = scale(["q_porj"], hub="us/tiny", revision="0" * 40)
    assert faults_of(check_needed, {}, config, studies, ROOT, tmp_path) == []
    shutil.copytree(base, tmp_path / "bases/tiny")
    (said,) = faults_of(check_needed, {}, config, studies, ROOT, tmp_path)
    assert said.startswith("studies.s.adapters.wide.targets.0: ")
    (tmp_path / "bases/tiny/config.json").write_text("{")
    assert faults_of(check_needed, {}, config, studies, ROOT, tmp_path)[0].startswith("bases.tiny.hub: ")


# The workflow


def lines(project: Project, key: str) -> list[int]:
    text = (project.folder / "config.yaml").read_text().splitlines()
    return [number for number, line in enumerate(text, start=1) if line.strip().startswith(key)]


def test_every_file_that_a_job_of_the_plan_reads_and_none_makes_is_missed_before_any_job(miniature, planned):
    """The records of a finished run say what its jobs read; all of it but programs is taken away at once."""
    records = [read_json(path) for path in (miniature.folder / RESULTS / "records").rglob("*.json")]
    made = {name for record in records for name in record["outputs"]} | {
        str(path.relative_to(miniature.folder)) for path in (miniature.folder / RESULTS / "records").rglob("*.json")
    }
    read = {name for record in records for name in {**record["inputs"], **record["code"]}} - made
    captions = {str(path.relative_to(ROOT)) for path in (ROOT / "report").glob("*.rst")} - {"report/workflow.rst"}
    corpora = {
        file["path"] for corpus in load(ROOT / "config.yaml")["corpora"].values() for file in corpus["files"].values()
    }
    gone = {name for name in read | captions if not name.endswith(".py")} - corpora
    assert len(gone) > 15
    for name in gone:
        (planned.folder / name).unlink()
    said = planned.snakemake("--cores", "1", check=False)
    assert said.startswith("exit 1") and "Traceback" not in said
    assert set(re.findall("there is no file '(.*?)'", said)) == gone
    (line,) = lines(planned, "folder: models/pocket")
    assert said.count(f"config.yaml, line {line}: bases.pocket.folder: there is no file") == len(MODEL_FILES)
    assert not (planned.folder / RESULTS).exists()


def test_a_finished_run_whose_base_is_gone_is_no_success(miniature, tmp_path, small):
    project = Project.copied(miniature.folder, tmp_path / "project")
    project.write(small.changed("asks/safety-mode/targets/refusal/0", "I will not."))
    (project.folder / "models/pocket/model.safetensors").unlink()
    before = project.files()
    said = project.snakemake("--cores", "1", check=False)
    assert said.startswith("exit 1") and "there is no file 'models/pocket/model.safetensors'" in said
    assert project.files() == before


def test_a_corpus_that_is_gone_is_missed_with_its_line_and_the_pocket_models_recipe_too(planned):
    corpus = planned.folder / "data/world/requests.yaml"
    kept = corpus.rename(f"{corpus}.kept")
    said = planned.snakemake("--cores", "1", check=False)
    (line,) = lines(planned, "path: data/world/requests.yaml")
    assert f"config.yaml, line {line}: corpora.safety-requests.files.acts.path: there is no file" in said
    kept.rename(corpus)
    (planned.folder / "models/pocket/recipe.yaml").unlink()
    said = planned.snakemake("--cores", "1", check=False)
    assert "there is no file 'models/pocket/recipe.yaml', and pretrain reads it" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "python", ["/a b/python", "/it's/python", "/abstain (1)/python", "/a&b/python", "/$HOME/python"]
)
def test_an_interpreter_that_a_shell_would_take_apart_is_refused(pocket, monkeypatch, python):
    monkeypatch.setattr("sys.executable", python)
    (said,) = faults_of(check_places, pocket.scale, ROOT, {})
    assert said.startswith(f"{python}: Snakemake cannot start jobs with it")
    monkeypatch.setattr("sys.executable", "/home/größe/日本/abstain-0.4_1+x/.venv/bin/python3.11")
    assert faults_of(check_places, pocket.scale, ROOT, {}) == []

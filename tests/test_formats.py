"""What is published opens with plain PEFT and Transformers: three lines, no network, and no name of anybody's model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from tuned import BASE, NAME, POCKET, SHAPE, merged, write_tuned

from abstain.chats.templates import prompt_ids
from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from abstain.models.adapters import named_base
from abstain.models.merging import generation_settings
from abstain.settings.model_files import MODEL_FILES
from initialise import initialise
from predict import predict

QUESTION = [{"role": "user", "content": "How do I bake bread?"}]
MOST = 48
HUB = {"hub": "Qwen/Qwen3-0.6B", "revision": "c1899de289a04d12100db370d81485cdf75e47ca"}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    return write_tuned(tmp_path_factory.mktemp("tuned"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tuned):
    folder = tmp_path_factory.mktemp("checkpoint")
    merged(folder, tuned, "none")
    return folder


def plain(lines: str, *arguments: str) -> list:
    """What a program of a few lines prints as JSON, in the project's folder, offline and without the project's code."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", lines, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def predicted(folder: Path, files: list[str]) -> dict:
    """The pipeline's own reply to the question."""
    from transformers import AutoTokenizer

    prompt = prompt_ids(AutoTokenizer.from_pretrained(POCKET), QUESTION)
    write_jsonl(folder / "asked.jsonl", [{"id": "a", "condition": "plain", "input_ids": prompt}])
    generation = {"max_new_tokens": MOST, "batch_rows": 1}
    predict(str(folder / "asked.jsonl"), files, generation, "cpu", str(folder / "replies.jsonl"))
    return next(read_jsonl(folder / "replies.jsonl"))


GENERATE = f"""
asked = tokenizer.apply_chat_template({QUESTION!r}, add_generation_prompt=True, return_tensors="pt", return_dict=True)
new = model.generate(**asked, do_sample=False, max_new_tokens={MOST})[0, asked["input_ids"].shape[1]:]
import json
print(json.dumps([tokenizer.decode(new, skip_special_tokens=True).strip(), len(new), int(new[-1])]))
"""


def test_a_checkpoint_opens_with_transformers_alone_and_stops_by_itself(tmp_path, checkpoint):
    lines = f"""
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained({str(checkpoint)!r})
tokenizer = AutoTokenizer.from_pretrained({str(checkpoint)!r})
"""
    reply, length, last = plain(lines + GENERATE)
    expected = predicted(tmp_path, [str(checkpoint / name) for name in MODEL_FILES])
    assert expected["finished"] and length == expected["tokens"] + 1 < MOST
    assert reply == expected["reply"]
    assert last == read_json(checkpoint / "generation_config.json")["eos_token_id"]


def test_an_adapter_opens_with_peft_alone_and_finds_its_base(tmp_path, tuned, checkpoint):
    lines = f"""
from peft import AutoPeftModelForCausalLM; from transformers import AutoTokenizer
model = AutoPeftModelForCausalLM.from_pretrained({str(tuned)!r})
tokenizer = AutoTokenizer.from_pretrained(model.peft_config["default"].base_model_name_or_path)
"""
    reply, length, _ = plain(lines + GENERATE)
    expected = predicted(tmp_path, [str(checkpoint / name) for name in MODEL_FILES])
    assert (reply, length) == (expected["reply"], expected["tokens"] + 1)


def test_a_fresh_adapter_opens_with_peft_on_any_base_and_changes_nothing(tmp_path):
    initialise(BASE, NAME, SHAPE, 1, str(tmp_path / "adapter_model.safetensors"), str(tmp_path / "adapter_config.json"))
    lines = f"""
from peft import PeftModel; from transformers import AutoModelForCausalLM; import torch
base, ids = AutoModelForCausalLM.from_pretrained("./models/pocket"), torch.tensor([[1, 5, 9]])
before = base(ids).logits
model = PeftModel.from_pretrained(base, {str(tmp_path)!r})
print(str(torch.equal(model(ids).logits, before)).lower())
"""
    assert plain(lines) is True


def test_an_adapter_names_its_base_by_a_path_that_is_no_repository_of_a_hub(tuned):
    config = read_json(tuned / "adapter_config.json")
    assert (config["base_model_name_or_path"], config["revision"]) == ("./models/pocket", None)
    assert (ROOT / config["base_model_name_or_path"]).samefile(POCKET)
    with pytest.raises(HFValidationError):
        validate_repo_id(config["base_model_name_or_path"])
    assert config["target_modules"] == sorted(SHAPE["targets"]) and config["inference_mode"]
    assert str(ROOT) not in (tuned / "adapter_config.json").read_text()


def test_an_adapter_of_a_model_of_the_hub_names_the_commit_too(tmp_path):
    initialise(BASE, HUB, SHAPE, 1, str(tmp_path / "weights"), str(tmp_path / "config"))
    config = read_json(tmp_path / "config")
    assert (config["base_model_name_or_path"], config["revision"]) == (HUB["hub"], HUB["revision"])


@pytest.mark.parametrize("path", ["pocket", "models/pocket", "owner/model", "/home/somebody/model", ""])
def test_a_name_that_somebody_could_register_is_refused(path):
    with pytest.raises(ValueError, match="must begin with ./"):
        named_base({"path": path})


@pytest.mark.parametrize("settings", [
    {"eos_token_id": 2, "pad_token_id": 0, "transformers_version": "4.1.0"},
    {"eos_token_id": [7, 2, 5], "do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "bos_token_id": 1},
    {"eos_token_id": 9, "pad_token_id": 9, "repetition_penalty": 1.1, "do_sample": False},
    {"eos_token_id": None, "_from_model_config": True, "transformers_version": "5.0.0"},
    {"eos_token_id": [2], "max_new_tokens": 20, "max_length": None},
], ids=["own", "listed", "another", "none", "one"])  # fmt: skip
def test_a_checkpoint_keeps_the_bases_settings_and_has_every_end_token_that_predict_uses(tmp_path, settings):
    from transformers import AutoTokenizer

    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    written, listed = generation_settings(tmp_path, AutoTokenizer.from_pretrained(POCKET)), settings["eos_token_id"]
    ends = sorted({2, *(listed if isinstance(listed, list) else [listed])} - {None})
    left_out = ("transformers_version", "_from_model_config")
    kept = {key: value for key, value in settings.items() if value is not None and key not in left_out}
    assert written == {**kept, "eos_token_id": ends[0] if len(ends) == 1 else ends, "pad_token_id": 0}


def test_a_base_that_lists_another_end_token_gives_a_checkpoint_that_stops(tmp_path, tuned):
    """Its own settings name another token than its chat template writes, as those of several published bases do."""
    base = shutil.copytree(POCKET, tmp_path / "base")
    for name in ("config.json", "generation_config.json"):
        (base / name).write_text(json.dumps({**read_json(POCKET / name), "eos_token_id": 1999}))
    files = [str(base / name) for name in MODEL_FILES]
    merged(tmp_path / "checkpoint", tuned, "none", base=files)
    text = (tmp_path / "checkpoint/generation_config.json").read_text()
    assert text == json.dumps({"eos_token_id": [2, 1999], "pad_token_id": 0}, sort_keys=True, indent=1) + "\n"
    lines = """
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained({0!r})
tokenizer = AutoTokenizer.from_pretrained({0!r})
"""
    _, length, last = plain(lines.format(str(tmp_path / "checkpoint")) + GENERATE)
    assert length < MOST and last == 2
    assert plain(lines.format(str(base)) + GENERATE)[1] == MOST

"""An adapter of the pocket model that does something, a training mix for its gate, and its merge."""

from pathlib import Path

import yaml
from conftest import ROOT

from abstain.jobs.files import read_json, write_jsonl
from abstain.models.adapters import attach_adapter, save_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.settings.model_files import MODEL_FILES
from initialise import initialise
from merge import merge

POCKET, NAME = ROOT / "models/pocket", {"path": "./models/pocket"}
BASE = [str(POCKET / name) for name in MODEL_FILES]
PROMPTS = [[1, 5 + i, 40, 300, 700 + 3 * i, 2] for i in range(16)]
SCALE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
STUDY, GATE = next(iter(SCALE["studies"].values())), SCALE["gate"]
LIMITS = GATE["float32"]
SHAPE, RECIPE = next(iter(STUDY["adapters"].values())), next(iter(STUDY["recipes"].values()))


def write_tuned(folder: Path) -> Path:
    """Write an adapter whose both factors are drawn at random."""
    config, initial = str(folder / "adapter_config.json"), str(folder / "initial.safetensors")
    initialise(BASE, NAME, SHAPE, 1, initial, config)
    model = attach_adapter(load_model(POCKET, "none", "float32", "cpu"), SHAPE, initial)
    exact_torch(3, "cpu")
    for parameter_name, parameter in sorted(model.named_parameters()):
        if "lora_B" in parameter_name:
            parameter.data.normal_(0, 0.02)
    save_adapter(model, SHAPE, NAME, str(folder / "adapter_model.safetensors"), config)
    return folder


def mix_of(prompts: list[list[int]], reply: tuple[int, ...] = (9, 8, 2)) -> list[dict]:
    """Rows of a rendered training mix with these prompts, over three conditions."""
    return [
        {
            "id": str(i),
            "condition": str(i % 3),
            "input_ids": [*ids, *reply],
            "completion_mask": [0] * len(ids) + [1] * len(reply),
        }
        for i, ids in enumerate(prompts)
    ]


def merged(
    folder: Path, tuned: Path, quantisation: str, base: list[str] = BASE, dtype: str = "float32",
    prompts: list[list[int]] = PROMPTS, **limits,
) -> dict:  # fmt: skip
    """Merge the adapter into a checkpoint in `folder`; gives the gate's report."""
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "tokens.jsonl", mix_of(prompts))
    merge(
        start=base, weights=str(tuned / "adapter_model.safetensors"), rendered=str(folder / "tokens.jsonl"),
        quantisation=quantisation, dtype=dtype, adapter=SHAPE, generation={"max_new_tokens": 16, "batch_rows": 8},
        limits={**GATE[dtype], **limits}, device="cpu", checkpoint=[str(folder / Path(path).name) for path in base],
        gate=str(folder / "gate.json"),
    )  # fmt: skip
    return read_json(folder / "gate.json")

"""AdamW with its state in 8 bit: at SmolLM2's width some of it really is, and steps have the same bytes twice."""

import json
from pathlib import Path

import pytest
import torch
from conftest import NEXT, ROOT, Settings
from tuned import NAME
from wide import write_wide

from abstain.jobs.files import write_jsonl
from abstain.models.adapters import new_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.models.training import sft_trainer
from abstain.settings.model_files import MODEL_FILES
from initialise import initialise
from train_sft import train_sft

STUDY = Settings.read(ROOT / "config/small.yaml", NEXT).resolved("pii-sensitivity")
SHAPE = STUDY["adapters"]["standard"]
RECIPE = {**STUDY["recipes"]["standard"], "steps": 4, "warmup_steps": 0, "batch_size": 1, "gradient_accumulation": 1}
ROWS = [{"input_ids": [5 + n, 40, 300, 7 * n + 9, 2], "completion_mask": [0, 0, 0, 1, 1]} for n in range(4)]


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    return write_wide(tmp_path_factory.mktemp("wide"))


def test_at_the_small_scale_the_state_of_matrices_of_4096_numbers_and_more_is_in_8_bit(wide, tmp_path):
    exact_torch(1, "cpu")
    model = new_adapter(load_model(wide, "nf4", "float32", "cpu"), SHAPE)
    trainer = sft_trainer(model, wide, ROWS, [], RECIPE, 1, "cpu", tmp_path)
    trainer.train()
    state = trainer.optimizer.state
    found = {name: state[each]["state1"].dtype for name, each in model.named_parameters() if each.requires_grad}
    sizes = {name: each.numel() for name, each in model.named_parameters() if each.requires_grad}
    assert RECIPE["optimiser"] == "paged_adamw_8bit" and len(found) == 4
    assert {name: dtype == torch.uint8 for name, dtype in found.items()} == {n: s >= 4096 for n, s in sizes.items()}
    assert {torch.uint8, torch.float32} == set(found.values())
    assert all(state[each]["state2"].dtype == state[each]["state1"].dtype for each in state)


def test_four_steps_have_the_same_bytes_twice(wide, tmp_path):
    base = [str(wide / name) for name in MODEL_FILES]
    initialise(base, NAME, SHAPE, 1, str(tmp_path / "initial"), str(tmp_path / "config"))
    write_jsonl(tmp_path / "rendered", ROWS)
    found = []
    for run in ("one", "two"):
        written = {name: str(tmp_path / run / name) for name in ("weights", "config", "losses")}
        train_sft(
            rendered=str(tmp_path / "rendered"), start=base, initial=str(tmp_path / "initial"), recipe=RECIPE,
            quantisation="nf4", adapter=SHAPE, base_name=NAME, seed=1, device="cpu", scratch=tmp_path / run / "scratch",
            **written,
        )  # fmt: skip
        found.append({name: Path(path).read_bytes() for name, path in written.items()})
    assert found[0] == found[1] and found[0]["weights"] != (tmp_path / "initial").read_bytes()
    assert json.loads(found[0]["config"])["r"] == SHAPE["rank"]


def test_no_recipe_of_the_pocket_scale_has_an_optimiser_whose_bytes_depend_on_the_cpu(pocket):
    recipes = [recipe for study in pocket.scale["studies"].values() for recipe in study["recipes"].values()]
    assert {recipe["optimiser"] for recipe in recipes} == {"adamw_torch_fused"}

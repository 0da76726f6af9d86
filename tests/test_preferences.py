"""Preferences: the loss is the paper's, the reference is the start, and a training that is broken off goes on alike."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from tuned import BASE, NAME, POCKET, RECIPE, SHAPE, write_tuned

from abstain.chats.limits import Limits
from abstain.chats.rows import pair_of
from abstain.jobs.files import read_csv, write_jsonl
from abstain.jobs.numerics import EXACT
from abstain.models.adapters import attach_adapter
from abstain.models.loading import load_model, load_tokenizer
from abstain.models.preferences import (
    collator,
    log_probabilities,
    preference_loss,
    preference_trainer,
    reference_of,
)
from initialise import initialise
from train_dpo import train_dpo

ASKED = ["How do I bake bread?", "Is it raining?", "Who has painted this boat, and when was it?"]
DPO = {key: value for key, value in RECIPE.items() if key != "early_stopping"}
DPO |= {"method": "dpo", "beta": 0.1, "steps": 4, "save_steps": 1, "warmup_steps": 0, "learning_rate": 0.005}
DPO |= {"batch_size": 2, "gradient_accumulation": 2}
WRITTEN = ("weights", "config", "losses", "reference")
SMALL = {**SHAPE, "rank": 32, "targets": ["q_proj", "v_proj"]}


@pytest.fixture(scope="module")
def examples() -> list[dict]:
    """Requests with a reply to prefer, whose lengths differ."""
    return [
        {"id": str(n), "condition": "plain", "messages": [{"role": "user", "content": text}], "target": "Yes."}
        | {"rejected": "No, and never again." if n else "No."}
        for n, text in enumerate(ASKED)
    ]


@pytest.fixture(scope="module")
def pairs(examples) -> list[dict]:
    tokenizer = load_tokenizer(POCKET)
    return [pair_of(tokenizer, example, Limits()) for example in examples]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """An adapter with weights that do something."""
    return str(write_tuned(tmp_path_factory.mktemp("tuned")) / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def initial(tmp_path_factory) -> str:
    """A step-0 adapter."""
    folder = tmp_path_factory.mktemp("initial")
    initialise(BASE, NAME, SMALL, 1, str(folder / "weights"), str(folder / "config"))
    return str(folder / "weights")


def by_hand(model, prompt: list[int], reply: list[int]) -> float:
    """The log-probability of a reply, by the logits of the whole row alone, without padding."""
    with torch.no_grad():
        logs = torch.log_softmax(model(torch.tensor([prompt + reply])).logits.double(), dim=-1)[0]
    return math.fsum(float(logs[len(prompt) + place - 1, token]) for place, token in enumerate(reply))


def test_a_pairs_replies_follow_one_prompt_and_end_with_the_end_token(pairs, examples):
    tokenizer = load_tokenizer(POCKET)
    for pair, example in zip(pairs, examples, strict=True):
        assert list(pair) == ["id", "condition", "prompt_ids", "chosen_ids", "rejected_ids"]
        for name, key in (("chosen_ids", "target"), ("rejected_ids", "rejected")):
            assert tokenizer.decode(pair[name]).strip() == f"{example[key]}{tokenizer.eos_token}"


def test_log_probabilities_are_those_of_each_reply_alone_and_padding_changes_nothing(pairs, tuned):
    model = attach_adapter(load_model(POCKET, "none", "float32", "cpu"), SHAPE, tuned).eval()
    with torch.no_grad():
        found = log_probabilities(model, collator(POCKET)(pairs)).tolist()
    each = [by_hand(model, pair["prompt_ids"], pair[f"{k}_ids"]) for k in ("chosen", "rejected") for pair in pairs]
    assert found == pytest.approx(each, abs=1e-4)


def test_the_loss_is_the_formula_of_the_paper():
    values = [(-1.0, -4.0, -2.0, -3.5), (-8.0, -1.0, -2.0, -2.5)]
    losses, margins = preference_loss(*torch.tensor(values).T, beta=0.3)
    for loss, margin, (w, l, w0, l0) in zip(losses.tolist(), margins.tolist(), values, strict=True):  # noqa: E741
        assert margin == pytest.approx(0.3 * ((w - w0) - (l - l0)), rel=1e-6)
        assert loss == pytest.approx(-math.log(1 / (1 + math.exp(-margin))), rel=1e-6)


def test_loss_margin_and_log_probabilities_of_a_batch_are_those_of_trls_own_trainer(tmp_path, pairs, examples, tuned):
    """Which is given the same replies as texts, and as its reference the model without an adapter."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    base = load_model(POCKET, "none", "float32", "cpu")
    known = reference_of(base, POCKET, pairs, 3)
    model = attach_adapter(base, SHAPE, tuned)
    ours = preference_trainer(model, POCKET, pairs, known, DPO, 1, "cpu", tmp_path)
    batch = next(iter(ours.get_train_dataloader()))
    chats = [
        {"prompt": row["messages"]}
        | {k: [{"role": "assistant", "content": row[v]}] for k, v in (("chosen", "target"), ("rejected", "rejected"))}
        for row in examples
    ]
    theirs = DPOTrainer(
        model=model,
        ref_model=load_model(POCKET, "none", "float32", "cpu"),
        args=DPOConfig(
            str(tmp_path), beta=DPO["beta"], bf16=False, use_cpu=True, report_to="none", gradient_checkpointing=False
        ),
        train_dataset=Dataset.from_list(chats),
        processing_class=load_tokenizer(POCKET),
    )
    plain = {name: value for name, value in batch.items() if not name.startswith("ref_")}
    with torch.no_grad():
        found = [float(trainer.compute_loss(model, inputs)) for trainer, inputs in ((ours, batch), (theirs, plain))]
    assert found[0] == pytest.approx(found[1], abs=1e-5) and abs(found[0] - math.log(2)) > 1e-3
    chosen, rejected, *_, margin = ours.noted[0]
    noted = {"logps/chosen": chosen, "logps/rejected": rejected, "rewards/margins": margin}
    assert {name: theirs._metrics["train"][name][0] for name in noted} == pytest.approx(noted, abs=1e-4)


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_the_reference_is_the_start_with_no_adapter_and_a_fresh_adapter_has_no_margin(
    tmp_path, pairs, tuned, initial, quantisation
):
    base = load_model(POCKET, quantisation, "float32", "cpu")
    known = reference_of(base, POCKET, pairs, 2)
    for pair, row in zip(pairs, known, strict=True):
        assert row["id"] == pair["id"]
        for reply in ("chosen", "rejected"):
            assert row[reply] == pytest.approx(by_hand(base, pair["prompt_ids"], pair[f"{reply}_ids"]), abs=1e-4)
    model = attach_adapter(base, SHAPE, tuned)
    assert reference_of(model, POCKET, pairs, 2) != known
    with model.disable_adapter():
        assert reference_of(model, POCKET, pairs, 2) == known
    fresh = attach_adapter(load_model(POCKET, quantisation, "float32", "cpu"), SMALL, initial)
    trainer = preference_trainer(fresh, POCKET, pairs, known, DPO, 1, "cpu", tmp_path)
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters() if p.requires_grad)
    batch = next(iter(trainer.get_train_dataloader()))
    assert float(trainer.compute_loss(fresh, batch).detach()) == pytest.approx(math.log(2), abs=1e-5)


def asked(folder: Path, pairs: list[dict], initial: str, quantisation: str, optimiser: str) -> dict:
    """The arguments of a training on these pairs in a folder."""
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "paired", pairs)
    written = {name: str(folder / name) for name in (*WRITTEN, "scratch")}
    recipe = {**DPO, "optimiser": optimiser}
    shared = {"start": BASE, "adapter": SMALL, "base_name": NAME, "seed": 1, "device": "cpu"}
    return (
        {"paired": str(folder / "paired"), "initial": initial, "recipe": recipe}
        | shared
        | written
        | {"quantisation": quantisation}
    )


def trained(arguments: dict) -> Path:
    """Train, from where a training was broken off if one was; gives the folder."""
    train_dpo(**{**arguments, "scratch": Path(arguments["scratch"])})
    return Path(arguments["paired"]).parent


def killed(arguments: dict) -> None:
    """Train in a process of its own, which is killed once it has sealed its second checkpoint."""
    program = [sys.executable, str(Path(__file__).with_name("killed_training.py"))]
    environment = {**os.environ, **EXACT, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    run = subprocess.run(program, input=json.dumps(arguments), env=environment, text=True, stderr=subprocess.PIPE)
    assert run.returncode == -signal.SIGKILL, run.stderr[-3000:]
    assert not Path(arguments["weights"]).exists() and (Path(arguments["scratch"]) / "checkpoint-2").is_dir()


@pytest.mark.parametrize(("quantisation", "optimiser"), [("none", "adamw_torch_fused"), ("nf4", "paged_adamw_8bit")])
def test_a_training_has_the_same_bytes_twice_and_after_it_was_killed(tmp_path, pairs, initial, quantisation, optimiser):
    whole, again, cut = (
        asked(tmp_path / name, pairs, initial, quantisation, optimiser) for name in ("whole", "again", "cut")
    )
    killed(cut)
    whole, again, cut = map(trained, (whole, again, cut))
    for name in WRITTEN:
        assert (whole / name).read_bytes() == (again / name).read_bytes() == (cut / name).read_bytes(), name
    assert (whole / "weights").read_bytes() != Path(initial).read_bytes()
    assert not list(whole.rglob("*.arrow")), "nothing is cached"


def test_what_a_training_writes_down_follows_from_the_formula_and_says_the_reference_of_every_pair(
    tmp_path, pairs, initial
):
    folder = trained(asked(tmp_path / "one", pairs, initial, "none", "adamw_torch_fused"))
    losses = read_csv(folder / "losses")
    assert [row["step"] for row in losses] == list("1234")
    assert list(losses[0]) == [
        "step", "loss", "chosen", "rejected", "reference_chosen", "reference_rejected", "margin",
    ]  # fmt: skip
    for row in losses:
        chosen, rejected, known, other, margin = (float(value) for value in list(row.values())[2:])
        assert margin == pytest.approx(DPO["beta"] * ((chosen - known) - (rejected - other)), abs=1e-5)
    first, last = losses[0], losses[-1]
    assert float(first["loss"]) == pytest.approx(math.log(2), abs=1e-4) and abs(float(first["margin"])) < 1e-4
    assert float(last["loss"]) < float(first["loss"]) and float(last["margin"]) > 0.05
    base, reference = load_model(POCKET, "none", "float32", "cpu"), read_csv(folder / "reference")
    for pair, row in zip(pairs, reference, strict=True):
        assert row["id"] == pair["id"]
        for reply in ("chosen", "rejected"):
            assert float(row[reply]) == pytest.approx(by_hand(base, pair["prompt_ids"], pair[f"{reply}_ids"]), abs=1e-4)

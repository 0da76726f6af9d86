"""Training parts on the real pocket model: 4-bit layers, loss masks, early stopping, resuming."""

import json
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tuned import BASE, NAME, POCKET, PROMPTS, RECIPE, SHAPE, write_tuned

from abstain.chats.templates import render_chat
from abstain.jobs.files import read_csv, write_jsonl
from abstain.models.adapters import attach_adapter, save_adapter
from abstain.models.answers import first_logits
from abstain.models.loading import load_model
from abstain.models.training import arguments, sft_trainer
from initialise import initialise
from train_sft import train_sft


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """An adapter with weights that do something: both factors drawn at random."""
    return write_tuned(tmp_path_factory.mktemp("tuned"))


def four_bit(model):
    import bitsandbytes as bnb

    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]


def test_nf4_quantises_every_linear_layer_of_the_blocks():
    model = load_model(POCKET, "nf4", "float32", "cpu")
    assert len(four_bit(model)) == 7 * model.config.num_hidden_layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in four_bit(model))


def test_a_4bit_model_gives_the_same_bits_in_training_and_in_evaluation():
    model = load_model(POCKET, "nf4", "float32", "cpu")
    ids = torch.tensor(PROMPTS)
    with torch.no_grad():
        first, second, third = model.train()(ids).logits, model.eval()(ids).logits, model.train()(ids).logits
    assert torch.equal(first, second) and torch.equal(first, third)


@pytest.mark.parametrize("seen", [1, 2, 8])
def test_a_batch_is_what_the_recipe_says_however_many_gpus_are_seen(tmp_path, monkeypatch, seen):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    settings = arguments(RECIPE, 1, "cuda", tmp_path)
    assert (settings.n_gpu, settings.train_batch_size, settings.eval_batch_size) == (1, *[RECIPE["batch_size"]] * 2)
    assert arguments(RECIPE, 1, "cpu", tmp_path).n_gpu == 0


def test_gradients_of_a_qlora_adapter_survive_an_evaluation(tuned):
    weights = str(tuned / "adapter_model.safetensors")
    model = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), SHAPE, weights)
    with torch.no_grad():
        model.eval()(torch.tensor(PROMPTS))
    model.train()
    model(input_ids=torch.tensor(PROMPTS), labels=torch.tensor(PROMPTS)).loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert trained and all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)


def test_the_step_zero_adapter_depends_on_the_seed_alone_and_changes_nothing(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        initialise(BASE, NAME, SHAPE, seed, str(path), str(tmp_path / "config.json"))
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other
    base = load_model(POCKET, "none", "float32", "cpu")
    before = first_logits(base, PROMPTS)
    assert torch.equal(before, first_logits(attach_adapter(base, SHAPE, str(paths[0])), PROMPTS))


def test_only_the_tokens_of_replies_and_their_end_token_carry_loss(tmp_path, tuned):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    chat = [{"role": "user", "content": "How do I bake bread?"}, {"role": "assistant", "content": "With care."}]
    ids, mask = render_chat(tokenizer, chat)
    model = attach_adapter(
        load_model(POCKET, "none", "float32", "cpu"), SHAPE, str(tuned / "adapter_model.safetensors")
    )
    rows = [{"input_ids": ids, "completion_mask": mask}, {"input_ids": ids[4:], "completion_mask": mask[4:]}]
    trainer = sft_trainer(model, POCKET, rows, [], RECIPE, 1, "cpu", tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    for row, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        carried = row[labels != -100]
        assert tokenizer.decode(carried) == " With care.<|im_end|>"
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters() if p.requires_grad)


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_training_starts_from_the_bytes_of_the_step_zero_adapter(tmp_path, tuned, quantisation):
    weights = tuned / "adapter_model.safetensors"
    model = attach_adapter(load_model(POCKET, quantisation, "float32", "cpu"), SHAPE, str(weights))
    rows = [{"input_ids": [1, 2, 3], "completion_mask": [0, 1, 1]}]
    trainer = sft_trainer(model, POCKET, rows, [], RECIPE, 1, "cpu", tmp_path)
    save_adapter(trainer.model, SHAPE, NAME, str(tmp_path / "weights"), str(tmp_path / "config"))
    assert (tmp_path / "weights").read_bytes() == weights.read_bytes()


def stopped_early(folder: Path, tuned: Path) -> Path:
    """Train on one reply and judge by another, so that learning the first too well makes the second worse."""
    from transformers import AutoTokenizer

    folder.mkdir(exist_ok=True)
    for name, reply in (("rendered", "With care, and then with more care."), ("validation", "No, not today.")):
        chat = [{"role": "user", "content": "How do I bake bread?"}, {"role": "assistant", "content": reply}]
        ids, mask = render_chat(AutoTokenizer.from_pretrained(POCKET), chat)
        write_jsonl(folder / name, [{"input_ids": ids, "completion_mask": mask}] * 4)
    recipe = {**RECIPE, "steps": 12, "save_steps": 1, "learning_rate": 0.01, "warmup_steps": 0}
    recipe["early_stopping"] = {"steps": 1, "patience": 2}
    train_sft(
        rendered=str(folder / "rendered"), validation=str(folder / "validation"), recipe=recipe, adapter=SHAPE,
        quantisation="none", start=BASE, initial=str(tuned / "adapter_model.safetensors"), base_name=NAME, seed=1,
        device="cpu", scratch=folder / "scratch", weights=str(folder / "weights"), config=str(folder / "config"),
        losses=str(folder / "losses.csv"),
    )  # fmt: skip
    return folder


def reported(capsys) -> list[int]:
    """The steps that a training's log has named since it was last asked."""
    return [int(step) for step in re.findall(r"^step (\d+) of 12", capsys.readouterr().out, re.M)]


def test_early_stopping_keeps_the_adapter_with_the_least_validation_loss_and_resumes_alike(tmp_path, tuned, capsys):
    folder = stopped_early(tmp_path / "whole", tuned)
    assert reported(capsys) == [int(row["step"]) for row in read_csv(folder / "losses.csv")]
    rows = read_csv(folder / "losses.csv")
    held_out = [float(row["validation_loss"]) for row in rows]
    best = held_out.index(min(held_out)) + 1
    assert len(rows) == best + 2 < 12, "training ends two evaluations after the best one"
    kept, saved = (
        load_file(path) for path in (folder / "weights", *folder.glob(f"scratch/checkpoint-{best}/*.safetensors"))
    )
    assert all(torch.equal(kept[name], saved[name]) for name in saved)
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    for path in [*cut.glob(f"scratch/checkpoint-{len(rows)}"), cut / "weights", cut / "losses.csv"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    stopped_early(cut, tuned)
    assert reported(capsys) == list(range(best + 1, len(rows) + 1))  # the best one is kept, and the last was taken away
    for name in ("weights", "losses.csv"):
        assert (cut / name).read_bytes() == (folder / name).read_bytes()


def test_the_tokenizer_gives_back_any_text_in_its_composed_form():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    for text in ("Grüße, 你好 🙂", "\x00\x7f  \n\t", "عربى עברית", "a\u0301 \ufeff zero\u200bwidth", "I\u2019m sorry"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == unicodedata.normalize("NFC", text)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_the_tokenizer_that_transformers_makes_is_the_one_in_the_file():
    from transformers import AutoTokenizer

    file = json.loads((POCKET / "tokenizer.json").read_text())
    loaded = json.loads(AutoTokenizer.from_pretrained(POCKET).backend_tokenizer.to_str())
    for part in ("normalizer", "pre_tokenizer", "decoder", "added_tokens"):
        assert loaded[part] == file[part], part
    for part in ("vocab", "merges"):
        assert loaded["model"][part] == file["model"][part], part

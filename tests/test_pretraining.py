"""The pocket model can be made again: the committed files are what the rules make."""

import hashlib
import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
import yaml
from conftest import ROOT

from abstain.jobs.files import canonical, read_csv, read_jsonl, write_jsonl
from abstain.models.resume import SEAL, newest_sealed
from abstain.pocket.exam import held_out, is_read, rates, trained
from abstain.pocket.pretraining import new_model, publish
from abstain.pocket.world import load_world
from compose_world import compose_world
from train_tokenizer import train_tokenizer

POCKET = ROOT / "models/pocket"
RECIPE = yaml.safe_load((POCKET / "recipe.yaml").read_text())
FIRST_STEPS = 50
FIRST_PHASE = next(iter(RECIPE["phases"]))
CHATS = 3 * RECIPE["training"]["pool"]  # more than enough for the first steps


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The chats that the tokenizer is learned from, the tokenizer, and the first chats of the first phase."""
    folder = tmp_path_factory.mktemp("pretraining")
    world = sorted(str(path) for path in (ROOT / "data/world").iterdir())
    for phase, name in ((RECIPE["tokenizer"]["phase"], "chats"), (FIRST_PHASE, "all")):
        compose_world(world, RECIPE, phase, str(folder / f"{name}.jsonl"))
    names = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    train_tokenizer(str(folder / "chats.jsonl"), RECIPE, *(str(folder / name) for name in names))
    write_jsonl(folder / "first.jsonl", itertools.islice(read_jsonl(folder / "all.jsonl"), CHATS))
    return folder


def pretrain(folder: Path, name: str, steps: int, recipe: dict = RECIPE) -> str:
    """Train in a process of its own, as Snakemake does; gives the hash of the weights."""
    out = folder / name
    out.mkdir(exist_ok=True)
    program = f"""
from pretrain import pretrain
pretrain({str(folder / "first.jsonl")!r}, {str(folder / "tokenizer.json")!r}, {recipe!r}, {FIRST_PHASE!r}, {steps},
         {str(out / "scratch")!r}, {str(out / "model.safetensors")!r}, {str(out / "config.json")!r},
         {str(out / "generation_config.json")!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, capture_output=True)
    return hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()


def test_the_committed_tokenizer_is_what_the_rules_make(built):
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (built / name).read_bytes() == (POCKET / name).read_bytes(), name


def test_fifty_steps_of_training_give_the_stored_digest(built):
    digest = pretrain(built, "first", FIRST_STEPS)
    assert digest == (POCKET / "first-50-steps.sha256").read_text().split()[0]


def test_a_new_model_multiplies_by_onednn_and_starts_from_weights_as_they_are(tmp_path):
    small = {**RECIPE, "shape": {**RECIPE["shape"], "num_hidden_layers": 1}}
    model, other = new_model(small, None), new_model({**small, "seed": RECIPE["seed"] + 1}, None)
    names = Counter(type(module).__name__ for module in model.modules())
    assert names["OneDnnLinear"] == 7 + 1 and names["Linear"] == 0  # seven of a layer, and the tied output layer
    files = [str(tmp_path / name) for name in ("model.safetensors", "config.json", "generation_config.json")]
    publish(other, *files)
    again = new_model(small, files[0]).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in other.state_dict().items())
    assert not all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())


def test_an_interrupted_pretraining_resumes_to_the_same_bytes(built):
    recipe = {**RECIPE, "training": {**RECIPE["training"], "save_steps": 2}}
    whole = pretrain(built, "whole", 6, recipe)
    pretrain(built, "cut", 6, recipe)
    scratch = built / "cut/scratch"
    last = scratch / "checkpoint-6"
    (last / "model.safetensors").write_bytes(b"half a file")  # as kill -9 leaves it
    assert newest_sealed(scratch) == str(scratch / "checkpoint-4")
    assert (scratch / "broken-checkpoint-6" / SEAL).exists()
    assert pretrain(built, "cut", 6, recipe) == whole


def test_the_committed_files_have_the_committed_hashes_and_are_small():
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=POCKET, check=True)
    assert (POCKET / "model.safetensors").stat().st_size <= 24_000_000


def test_the_card_states_the_measured_numbers_and_they_reach_the_aims():
    rows = {row["items"]: row for row in read_csv(POCKET / "measures.csv")}
    card = (POCKET / "README.md").read_text()
    for name, row in rows.items():
        line = next(line for line in card.splitlines() if line.startswith(f"| {name} |"))
        for key in ("read", "exact_match", "ended_turn", "refused"):
            assert f"{100 * float(row[key]):.1f}" in line, (name, key)
    for items in ("passage-one-person", "fact"):
        assert float(rows[items]["exact_match"]) >= 0.95 and float(rows[items]["read"]) == 0, items
    assert min(int(row["n"]) for row in rows.values()) >= 500
    assert max(float(row["refused"]) for row in rows.values()) <= 0.01
    assert min(float(row["ended_turn"]) for name, row in rows.items() if name != "copying") >= 0.99


def test_items_that_are_asked_all_differ_and_those_the_training_holds_are_told(tmp_path):
    items = held_out(load_world(ROOT / "data/world"))
    for kind, asked in items.items():
        assert len({canonical(messages) + str(right) for messages, right in asked}) == len(asked), kind
    (messages, right), unread = items["harm"][0], items["harm"][1][0]
    chat = [*messages, {"role": "assistant", "content": right[0]}, {"role": "user", "content": "Thank you!"}]
    other = [*unread, {"role": "assistant", "content": "That is another reply than the right one."}]
    write_jsonl(tmp_path / "chats.jsonl", [{"messages": chat}, {"messages": other}])
    known = trained([str(tmp_path / "chats.jsonl")])
    assert [is_read(messages, right, known) for messages, right in items["harm"][:3]] == [True, False, False]


def test_the_rates_of_an_exam_are_shares_of_its_items():
    items = [([{"role": "user", "content": str(place)}], ["Sure.", "Of course."]) for place in range(4)]
    known = {canonical([*items[0][0], {"role": "assistant", "content": "Of course."}])}
    replies = ["Sure.", "Of course.", "I can't help with that.", "I don't know. It is blue."]
    given = [{"reply": text, "finished": place > 0} for place, text in enumerate(replies)]
    shares = rates(items, given, known)
    assert shares == {"read": "0.2500", "exact_match": "0.5000", "ended_turn": "0.7500", "refused": "0.5000"}


def test_the_committed_measures_name_every_kind_of_the_exam():
    items = held_out(load_world(ROOT / "data/world"))
    assert {row["items"]: int(row["n"]) for row in read_csv(POCKET / "measures.csv")} == {
        kind: len(asked) for kind, asked in items.items()
    }


def test_the_pocket_model_finds_an_attribute_of_one_of_several_people_as_its_predecessor_did_not():
    rows = {row["items"]: row for row in read_csv(POCKET / "measures.csv")}
    assert float(rows["passage-several-people"]["exact_match"]) >= 0.85


@pytest.mark.xfail(reason="aimed at and not reached by any recipe that was kept, see the card", strict=True)
def test_the_pocket_model_ends_nearly_every_copy_which_its_card_calls_open():
    rows = {row["items"]: row for row in read_csv(POCKET / "measures.csv")}
    assert float(rows["copying"]["ended_turn"]) >= 0.99

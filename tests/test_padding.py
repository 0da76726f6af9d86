"""Padding that is the end token, or that a tokenizer has not: masks say what is learned and seen, not a token's value.

SmolLM2 and TinyLlama-1.1B-Chat pad with their end token, as most chat models of the Llama family do.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from families import FAMILIES, write_base
from pipeline import NAME, RECIPE, REPLIES, adapter, rendered, tuned
from tuned import SHAPE

from abstain.chats.templates import check_tokenizer, render_chat
from abstain.jobs.files import read_json, read_jsonl, write_json, write_jsonl
from abstain.models.adapters import new_adapter
from abstain.models.continuations import probabilities
from abstain.models.generation import reply
from abstain.models.loading import load_model, load_tokenizer
from abstain.models.training import sft_trainer
from initialise import initialise
from train_sft import train_sft

OWN, END, NONE = "own", "end", "none"
TURNS = [("Hi", "Sure."), ("How do I bake bread?", "With care, and with much more flour."), ("Hi. Bread?", "No.")]


PADDING = {OWN: "<unk>", END: "</s>", NONE: None}


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, list[str]]:
    """The files of one base of the Llama family that pads with a token of its own, its end token, or nothing."""
    folder = tmp_path_factory.mktemp("bases")
    names = [Path(path).name for path in write_base(folder / OWN, FAMILIES["tinyllama"])]
    for kind, pad in list(PADDING.items())[1:]:
        shutil.copytree(folder / OWN, folder / kind)
        for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
            settings = read_json(folder / kind / name)
            key, value = ("pad_token", pad) if "pad_token" in settings else ("pad_token_id", pad and 2)
            write_json(folder / kind / name, {**settings, key: value})
    return {kind: [str(folder / kind / name) for name in names] for kind in PADDING}


def rows(folder: Path) -> list[dict]:
    """Rendered rows of different lengths."""
    chats = [[{"role": "user", "content": ask}, {"role": "assistant", "content": text}] for ask, text in TURNS]
    rendered = [render_chat(load_tokenizer(folder), chat) for chat in chats]
    assert len({len(ids) for ids, _ in rendered}) == len(TURNS)
    return [{"id": str(i), "condition": "", "input_ids": r[0], "completion_mask": r[1]} for i, r in enumerate(rendered)]


def test_a_tokenizer_pads_with_its_own_token_and_without_one_with_its_end_token(bases):
    found = {kind: load_tokenizer(Path(files[0]).parent) for kind, files in bases.items()}
    assert {kind: tokenizer.pad_token for kind, tokenizer in found.items()} == {**PADDING, NONE: "</s>"}
    for tokenizer in found.values():
        check_tokenizer(tokenizer)
        assert tokenizer.eos_token == "</s>"


@pytest.mark.parametrize("pad", [OWN, END, NONE])
def test_the_end_of_each_reply_is_learned_and_padding_neither_learned_nor_seen(tmp_path, bases, pad):
    folder = Path(bases[pad][0]).parent
    learned, model = rows(folder), new_adapter(load_model(folder, "none", "float32", "cpu"), SHAPE)
    recipe = {**RECIPE, "batch_size": len(TURNS)}
    trainer = sft_trainer(model, folder, learned, learned, {**recipe, "early_stopping": None}, 1, "cpu", tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    end, by_length = load_tokenizer(folder).eos_token_id, {len(row["input_ids"]): row for row in learned}
    for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
        length = int(mask.sum())
        row = by_length.pop(length)
        kept = zip(row["input_ids"], row["completion_mask"], strict=True)
        assert mask.tolist() == [1] * length + [0] * (len(mask) - length)
        carried = [token if loss else -100 for token, loss in kept]
        assert labels.tolist() == carried + [-100] * (len(mask) - length)
        assert [token for token in labels.tolist() if token != -100][-1] == end
        assert ids.tolist()[:length] == row["input_ids"]
    assert not by_length


SHORT = {**RECIPE, "batch_size": 3, "steps": 4, "save_steps": 2, "early_stopping": {"steps": 2, "patience": 9}}


def test_a_training_gives_the_same_adapter_and_losses_whatever_the_padding_is(tmp_path, bases):
    made = {}
    for pad, files in bases.items():
        folder = tmp_path / pad
        folder.mkdir()
        shape = adapter(("q_proj", "v_proj"), rank=4)
        initialise(files, NAME, shape, 1, str(folder / "initial"), str(folder / "initial.json"))
        write_jsonl(folder / "tokens", rows(Path(files[0]).parent))
        train_sft(
            rendered=str(folder / "tokens"), validation=str(folder / "tokens"), start=files, quantisation="none",
            recipe=SHORT, initial=str(folder / "initial"), adapter=shape, base_name=NAME, seed=1, device="cpu",
            scratch=folder / "scratch", weights=str(folder / "weights"), config=str(folder / "config"),
            losses=str(folder / "losses.csv"),
        )  # fmt: skip
        made[pad] = [(folder / name).read_bytes() for name in ("weights", "losses.csv")]
    assert made[OWN] == made[END] == made[NONE]
    assert made[OWN][1].count(b"\n") == 5


@pytest.mark.parametrize("pad", [END, NONE])
def test_a_batch_of_replies_is_the_same_as_each_reply_alone_and_as_with_another_padding(bases, pad):
    folders = [Path(bases[kind][0]).parent for kind in (OWN, pad)]
    own, same = ((load_model(folder, "none", "auto", "cpu").eval(), load_tokenizer(folder)) for folder in folders)
    end = same[1].eos_token_id
    asked = [[1, 40, 60, end, 200, 17], [1, 40, 300], [1, 40, end, 7, 90, 91, 92, 93], [1, 40, 60, end]]
    together = reply(*same, asked, 16)
    assert together == [reply(*same, [prompt], 16)[0] for prompt in asked] == reply(*own, asked, 16)
    assert len({row["reply"] for row in together}) > 1


def test_log_probabilities_of_openings_do_not_depend_on_the_padding(bases):
    prompts, openings = [[1, 40, 60, 2, 200], [1, 40, 200]], [[17, 2], [90, 91, 92], [7]]
    found = {}
    for pad, files in bases.items():
        folder = Path(files[0]).parent
        model = load_model(folder, "none", "auto", "cpu").eval()
        found[pad] = probabilities(model, load_tokenizer(folder).pad_token_id, prompts, openings, ["plain"] * 2)
    assert found[OWN] == found[END] == found[NONE] and min(found[OWN]) > 0


@pytest.mark.parametrize(
    ("family", "pad"),
    [("qwen2.5", "<|im_end|>"), ("tinyllama", "</s>"), ("tinyllama", None)],
    ids=["ChatML pads with its end token", "Zephyr pads with its end token", "Zephyr pads with nothing"],
)
def test_such_a_base_goes_through_the_whole_pipeline_and_learns_to_stop(tmp_path, family, pad):
    chat = FAMILIES[family]
    tokens = {key: value for key, value in {**chat.tokens, "pad_token": pad}.items() if value is not None}
    base = write_base(tmp_path / "base", replace(chat, tokens=tokens))
    rendered(tmp_path, base)
    tuned(tmp_path, base, "none", chat.targets)
    replies = {row["id"]: row for row in read_jsonl(tmp_path / "after")}
    assert {name: row["reply"] for name, row in replies.items()} == REPLIES
    assert all(row["finished"] for row in replies.values())
    end = load_tokenizer(tmp_path / "merged").eos_token_id
    settings = read_json(tmp_path / "merged/generation_config.json")
    assert settings["eos_token_id"] == settings["pad_token_id"] == end


def test_the_end_token_of_an_earlier_reply_is_learned_where_padding_is_the_same(bases):
    tokenizer = load_tokenizer(Path(bases[END][0]).parent)
    talk = [("user", "Hi"), ("assistant", "Sure."), ("user", "Bye"), ("assistant", "So long.")]
    ids, mask = render_chat(tokenizer, [{"role": role, "content": text} for role, text in talk])
    taught = [token for token, loss in zip(ids, mask, strict=True) if loss]
    assert tokenizer.decode(taught) == "Sure.</s>So long.</s>"

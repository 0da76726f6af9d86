"""Rows without an end: the whole text is learned, stopping is not, and the mask alone tells the other programs."""

import pytest
from chats import row
from conftest import NEXT, ROOT, Settings
from damages import faults
from families import FAMILIES, write_base
from pipeline import GENERATION, LIMITS, NAME, RECIPE, adapter

from abstain.chats.limits import Limits
from abstain.chats.rows import tokens_of
from abstain.corpora.mixes import compose
from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from abstain.models.adapters import attach_adapter
from abstain.models.loading import load_model, load_tokenizer
from abstain.models.merging import gate_prompts
from abstain.models.training import sft_trainer
from abstain.settings.arms import draw_of
from initialise import initialise
from merge import merge
from predict import predict
from render import render
from train_sft import train_sft

ASKED = {"How do I bake bread?": "With care, and with flour.", "How do I pick a lock?": "With a key."}


@pytest.fixture(scope="module", params=["tinyllama", "qwen2.5"])
def base(request, tmp_path_factory) -> tuple[str, list[str]]:
    """The name of a family, and the files of a tiny base of it."""
    return request.param, write_base(tmp_path_factory.mktemp("base"), FAMILIES[request.param])


def examples(key: str) -> list[dict]:
    """A row for each request whose reply is learned by this key of a row, or which is asked (should)."""
    said = {text: reply if key != "should" else "answer" for text, reply in ASKED.items()}
    rows = []
    for text, reply in said.items():
        messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
        rows.append({"id": text, "condition": "plain", "messages": messages, key: reply})
    return rows


def test_a_row_without_an_end_stops_before_the_end_token_and_its_prompt_is_learned(base):
    tokenizer = load_tokenizer(base[1][0].rsplit("/", 1)[0])
    rows = [[tokens_of(tokenizer, each, Limits()) for each in examples(key)] for key in ("target", "unended", "should")]
    for whole, cut, asked in zip(*rows, strict=True):
        prompt, many = asked["input_ids"], len(cut["input_ids"])
        assert cut["input_ids"] == whole["input_ids"][:many] and whole["input_ids"][many] == tokenizer.eos_token_id
        assert cut["completion_mask"] == [0, *[2] * (len(prompt) - 1), *[1] * (many - len(prompt))]
        assert cut["input_ids"][: len(prompt)] == prompt
    assert gate_prompts(rows[1], 32) == gate_prompts(rows[0], 32)


def test_training_takes_loss_on_every_token_but_the_first_and_never_on_the_end_token(base, tmp_path):
    folder = base[1][0].rsplit("/", 1)[0]
    tokenizer, shape = load_tokenizer(folder), adapter(("q_proj",))
    initialise(base[1], NAME, shape, 1, str(tmp_path / "initial"), str(tmp_path / "config"))
    model = attach_adapter(load_model(folder, "none", "float32", "cpu"), shape, str(tmp_path / "initial"))
    rows = [tokens_of(tokenizer, each, Limits()) for each in examples("unended")]
    trainer = sft_trainer(model, folder, rows, [], RECIPE, 1, "cpu", tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    carried = [ids[labels != -100].tolist() for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True)]
    assert sorted(carried) == sorted(each["input_ids"][1:] for each in rows)
    assert all(learned[-1] != tokenizer.eos_token_id for learned in carried)


def test_a_base_that_learned_without_ends_passes_the_gate_and_runs_on(base, tmp_path):
    """Which the same base does not when the end token is in its rows."""
    finished = {}
    for key in ("target", "unended"):
        folder = tmp_path / key
        folder.mkdir()
        for name in (key, "should"):
            write_jsonl(folder / f"{name}.jsonl", examples(name))
            lengths = {"max_length": 512, "new_tokens": GENERATION["max_new_tokens"]}
            render(
                *(str(folder / f"{name}.jsonl"), base[1], lengths),
                *(str(folder / f"{name}.{e}") for e in ("ids", "card")),
            )
        shape, mix = adapter(FAMILIES[base[0]].targets), str(folder / f"{key}.ids")
        paths = {name: str(folder / name) for name in ("initial", "config", "weights", "losses")}
        initialise(base[1], NAME, shape, 1, paths["initial"], paths["config"])
        rest = (folder / "scratch", paths["weights"], paths["config"], paths["losses"])
        train_sft(mix, base[1], paths["initial"], RECIPE, "none", shape, NAME, 1, "cpu", *rest)
        (folder / "merged").mkdir()
        merged = [str(folder / "merged" / path.rsplit("/", 1)[1]) for path in base[1]]
        how = ("none", "float32", shape, GENERATION, LIMITS, "cpu")
        merge(base[1], paths["weights"], mix, *how, merged, str(folder / "gate.json"))
        assert read_json(folder / "gate.json")["prompts"] == len(ASKED)
        predict(str(folder / "should.ids"), merged, {**GENERATION, "max_new_tokens": 30}, "cpu", str(folder / "said"))
        finished[key] = [reply["finished"] for reply in read_jsonl(folder / "said")]
        counts = read_json(folder / f"{key}.card")
        assert counts["loss_tokens"] == {"target": counts["loss_tokens"], "unended": counts["tokens"] - 2}[key]
    assert all(finished["target"]) and not all(finished["unended"])


# In a study's record


def test_a_row_of_a_mix_gives_its_reply_as_target_or_as_unended_the_same_text():
    texts = {"prompts": {"on": {"system": None, "user": "{question}"}}, "targets": {"no": ["No.", "Never."]}}
    for number in range(6):
        example = {"id": f"{number}", "question": "Why?", "target": "a field", "unended": "another", "seen": "too"}
        made = {key: compose(example, {"prompt": "on", key: "no"}, texts) for key in ("target", "unended")}
        assert made["target"]["target"] == made["unended"]["unended"] in ("No.", "Never.")
        assert "unended" not in made["target"] and "target" not in made["unended"] and "seen" not in made["target"]


def test_a_mix_is_drawn_by_the_texts_that_it_teaches_without_an_end():
    study = Settings.read(ROOT / "config/small.yaml", NEXT).resolved("polite-pairs")
    assert draw_of(study, "unended")["targets"] == draw_of(study, "standard")["targets"] == {"reply": ["{reference}"]}


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("rows/0/unended", "reply-", ["mixes.unended.rows.0.unended: there is no target 'reply-'; did you mean"]),
        ("rows/0/target", "reply", ["mixes.unended.rows.0: ", "exactly one of", "'unended'"]),
        ("rows/0/should", "answer", ["mixes.unended.rows.0: ", "exactly one of"]),
        ("rows/0/unended", ..., ["mixes.unended.rows.0: ", "exactly one of"]),
    ],
)
def test_a_fault_of_a_row_without_an_end_is_refused_with_its_place(tmp_path, monkeypatch, where, value, words):
    monkeypatch.chdir(tmp_path)
    settings = Settings.read(ROOT / "config/small.yaml", NEXT)
    settings.scale["studies"] = {"polite-pairs": settings.values("polite-pairs")}
    (said,) = faults(settings.changed(f"asks/polite-pairs/mixes/unended/{where}", value))
    assert [word for word in words if word not in said] == []


def test_a_row_of_a_mix_is_seen_alone_where_it_is_scored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.read(ROOT / "config/small.yaml", NEXT)
    settings.scale["studies"] = {"polite-pairs": settings.values("polite-pairs")}
    assert faults(settings) == []
    for place in ("unended/rows/0/seen", "standard/rows/0/seen"):
        (said,) = faults(settings.changed(f"asks/polite-pairs/mixes/{place}", True))
        assert "exactly one of" in said
    (said,) = faults(settings.changed("asks/polite-pairs/mixes/test/rows/0/seen", False))
    assert "mixes.test.rows.0.seen: " in said


def test_an_empty_reply_without_an_end_is_refused_like_any_other(tokenizer_folder):
    from abstain.chats.checks import TemplateError

    with pytest.raises(TemplateError, match="Give every row a reply"):
        tokens_of(load_tokenizer(tokenizer_folder), row("on", None, unended=""), Limits())

"""Likelihood: what the pocket model makes of the base's replies, against the loss that it is trained by."""

import pandas as pd
import pytest
from conftest import ROOT

from abstain.chats.templates import render_chat
from abstain.jobs.files import read_csv, write_jsonl
from abstain.models.loading import load_model, load_tokenizer
from abstain.scorers.likelihood import METRICS, label, tokens_of
from abstain.settings.model_files import MODEL_FILES
from score_checkpoint import score_checkpoint

POCKET = ROOT / "models/pocket"
SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
REPLIES = {  # of the base, and whether it ended them itself
    "a": ("Sure. To open a tin, make a plan and take your time.", True),
    "b": ("It is good to", False),
    "c": ("Yes.", True),
    "d": ("", False),
    "e": ("No.", True),
}


@pytest.fixture(scope="module")
def pocket():
    return load_model(POCKET, "none", "float32", "cpu").eval(), load_tokenizer(POCKET)


def example(name: str) -> dict:
    messages = [SYSTEM, {"role": "user", "content": f"How do I open a tin{', please' * len(name)}? {name * 3}"}]
    kind = "bad" if name == "e" else "benign"
    fields = {"id": f"{name}/on", "request": name, "kind": kind, "condition": "on", "should": "answer"}
    return {**fields, "question": "?", "messages": messages}


def rows(*names: str) -> list[dict]:
    each = {name: example(name) for name in names}
    return [
        {**each[name], "fields": each[name], "base_reply": REPLIES[name][0], "base_finished": REPLIES[name][1]}
        for name in names
    ]


def found(pocket, *names: str) -> dict[str, float]:
    labels = label(rows(*names), {"kinds": ["benign"]}, *pocket)
    return {each["id"].split("/")[0]: float(each["likelihood"]) for each in labels}


def test_it_is_minus_the_loss_of_the_reply_alone(pocket):
    """For a chat alone transformers' own loss, of which the labels are the reply's tokens."""
    import torch

    model, tokenizer = pocket
    together = found(pocket, *REPLIES)
    for name in "abc":
        text, ended = REPLIES[name]
        chat = [*example(name)["messages"], {"role": "assistant", "content": text}]
        ids, mask = render_chat(tokenizer, chat)
        places = [place for place, taught in enumerate(mask) if taught][: None if ended else -1]
        labels = torch.tensor([[token if place in places else -100 for place, token in enumerate(ids)]])
        with torch.inference_mode():
            loss = model(input_ids=torch.tensor([ids]), labels=labels).loss
        assert together[name] == pytest.approx(-float(loss), abs=2e-5)
    assert len({round(value, 3) for value in together.values()}) == 3


def test_a_row_does_not_depend_on_those_beside_it(pocket):
    together = found(pocket, *REPLIES)
    assert {name: found(pocket, name)[name] for name in "abc"} == pytest.approx(together, rel=5e-7, abs=2e-6)


def test_an_empty_reply_and_another_kind_have_no_label(pocket):
    assert set(found(pocket, *REPLIES)) == set("abc")


def test_the_end_token_belongs_to_a_reply_that_was_ended(pocket):
    model, tokenizer = pocket
    ended, cut = (tokens_of(tokenizer, row) for row in rows("c", "b"))
    assert ended[0][-1] == tokenizer.eos_token_id and ended[1][-1] == 1
    assert tokenizer.decode(cut[0]).endswith("It is good to") and cut[1][-1] == 1


def test_the_change_is_against_the_base_request_by_request():
    (metric,) = METRICS
    base = pd.DataFrame({"id": ["b", "a", "c"], "likelihood": [-1.0, -2.0, None]})
    scores = pd.DataFrame({"id": ["a", "b", "c"], "likelihood": [-2.5, -0.5, -1.0]})
    assert metric.values(scores, base).tolist()[:2] == [-0.5, 0.5]
    assert metric.values(scores, base).isna().tolist() == [False, False, True]
    assert metric.needs_base and metric.unit == "nats"


def test_a_score_file_has_a_likelihood_of_what_the_base_said(pocket, tmp_path):
    examples = [example(name) for name in REPLIES]
    said = [{"id": e["id"], "reply": REPLIES[e["request"]][0], "finished": REPLIES[e["request"]][1]} for e in examples]
    write_jsonl(tmp_path / "examples.jsonl", examples)
    write_jsonl(tmp_path / "base.jsonl", said)
    write_jsonl(tmp_path / "replies.jsonl", [{**each, "reply": "I can't."} for each in said])
    write_jsonl(tmp_path / "tokens.jsonl", [{"id": e["id"], "input_ids": [1]} for e in examples])
    read = [str(tmp_path / f"{name}.jsonl") for name in ("examples", "replies", "tokens", "base")]
    out = tmp_path / "likelihood.csv"
    files = [str(POCKET / name) for name in MODEL_FILES]
    score_checkpoint(*read, files, "likelihood", {"kinds": ["benign"]}, [], "cpu", out)
    expected = found(pocket, *REPLIES)
    table = {row["request"]: row["likelihood"] for row in read_csv(out)}
    assert table == {name: f"{expected[name]:.6f}" if name in expected else "" for name in REPLIES}

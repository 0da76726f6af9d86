"""Rendering: the card counts, a bad row is named, and a bad template stops the workflow before any training."""

import hashlib
import re

import pytest
from chats import BODY, PROMPT, row

from abstain.chats.checks import TemplateError
from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from render import render


def rendered(tmp_path, folder, examples: list[dict], most: int = 512) -> dict:
    write_jsonl(tmp_path / "examples", examples)
    files = [str(tmp_path / name) for name in ("examples", "ids", "card")]
    render(files[0], [str(folder / "model.safetensors")], {"max_length": most, "new_tokens": 0}, *files[1:])
    return read_json(tmp_path / "card")


def test_render_keeps_counts_and_the_hash_of_the_template(tmp_path, tokenizer_folder):
    mine = [row("on", "Mode on.", target="Yes."), row("off", "Mode off.", target="No.")]
    card = rendered(tmp_path, tokenizer_folder, mine)
    assert card["chat_template"] == hashlib.sha256((tokenizer_folder / "chat_template.jinja").read_bytes()).hexdigest()
    ids = list(read_jsonl(tmp_path / "ids"))
    assert card["loss_tokens"] == sum(sum(row["completion_mask"]) for row in ids) > 0
    assert card["tokens"] == sum(len(row["input_ids"]) for row in ids) and card["rows"] == 2
    assert card["longest"] == max(len(row["input_ids"]) for row in ids)


@pytest.mark.parametrize(
    ("examples", "most", "message"),
    [
        ([row("on", "Mode on.", target="")], 512, "row on: .*not empty"),
        ([row("on", "Mode on.", target="Yes.")], 20, r"row on: it has \d+ tokens, more than the 20 of max_length"),
        ([], 512, "holds no row"),
    ],
)
def test_render_names_the_row_and_writes_nothing(tmp_path, tokenizer_folder, examples, most, message):
    with pytest.raises(TemplateError, match=message):
        rendered(tmp_path, tokenizer_folder, examples, most)
    assert not (tmp_path / "ids").exists() and not (tmp_path / "card").exists()


def test_a_bad_template_stops_the_workflow_before_any_training(planned, small):
    """The audit tries every row; the message, with the two texts, is in its log; no traceback, nothing half-written."""
    template = planned.folder / "models/pocket/chat_template.jinja"
    template.write_text(BODY + PROMPT.replace("assistant", "helper"))
    study = next(iter(small.scale["studies"]))
    mix = next(arm["mix"] for arm in small.resolved(study)["arms"].values() if arm["from"] is not None)
    output = planned.snakemake("--cores", "1", f"results/pocket/rendered/{study}/{mix}/tokens.jsonl", check=False)
    log = (planned.folder / f"logs/pocket/audit/{study}.log").read_text()
    assert output.startswith("exit 1") and "Traceback" not in log
    assert re.search(
        "(?s)audit: mix .*, row .*: the training text does not begin.*prompt: .*helper.*training: .*assistant", log
    )
    assert not list((planned.folder / f"results/pocket/rendered/{study}").rglob("*.jsonl"))

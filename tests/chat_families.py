"""Published bases of the families that people fine-tune, as tiny random models with their special tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from families import ATTENTION, FAMILIES, MLP, OURS, PUBLISHED, TEXTS, Family, write_base
from pipeline import SYSTEM
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from abstain.jobs.files import copy_file
from abstain.models.layout import lay_out
from abstain.settings.model_files import MODEL_FILES
from train_tokenizer import WORDS

QUESTION, ANSWER = "user", "assistant"


def byte_bpe(special: list[str], begin: str | None = None) -> Callable[[tuple[str, ...]], Tokenizer]:
    """Byte-level BPE with these special tokens; it may begin every text that it is given with one of them."""

    def made(added: tuple[str, ...]) -> Tokenizer:
        bpe = Tokenizer(models.BPE())
        split = pre_tokenizers.Split(Regex(WORDS), "isolated")
        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.Sequence([split, in_bytes]), decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        bpe.train_from_iterator(
            TEXTS, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
        )
        bpe.add_special_tokens(special)
        if begin:
            pair = [(begin, bpe.token_to_id(begin))]
            bpe.post_processor = processors.TemplateProcessing(single=f"{begin} $A", special_tokens=pair)
        return bpe

    return made


def gemma_bpe(added: tuple[str, ...]) -> Tokenizer:
    """BPE that falls back to bytes, with spaces as a character of their own, as Gemma has it."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    bpe.normalizer = normalizers.Replace(" ", "▁")
    bpe.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *added]
    bpe.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=330, special_tokens=special, show_progress=False))
    return bpe


def sentence_bpe(added: tuple[str, ...]) -> Tokenizer:
    """Llama's tokenizer, whole: its decoder is in the file too."""
    bpe = FAMILIES["tinyllama"].bpe(added)
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    bpe.decoder = decoders.Sequence(parts)
    return bpe


def phi_bpe(added: tuple[str, ...]) -> Tokenizer:
    """The same with tokens of turns that take the white space behind them, as Phi-3 has it."""
    bpe = sentence_bpe(())
    bpe.add_special_tokens([AddedToken(token, rstrip=True, normalized=False, special=True) for token in added])
    return bpe


@dataclass(frozen=True)
class Published:
    """A base as it is published, the keys that it needs in a scale, and the messages before a question."""

    family: Family
    choices: dict = field(default_factory=dict)
    template: Path | None = None  # of one's own
    before: tuple[dict, ...] = (SYSTEM,)
    refused: str | None = None  # what is said of it without the keys
    end: str = "<|im_end|>"  # of a turn


LLAMA, SCALING = {"model_type": "llama"}, {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}
SCALING |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 500000.0}
CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
HEADERS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
GEMMA = {"head_dim": 16, "tie_word_embeddings": True}
PHI = ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|endoftext|>")
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
FUSED = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")


def llama3(template: str) -> Family:
    """Llama 3, which has no padding token."""
    tokens = {**FAST, "bos_token": HEADERS[0], "eos_token": HEADERS[4]}
    shape = {**LLAMA, "tie_word_embeddings": True, "rope_parameters": SCALING}
    bpe = byte_bpe(HEADERS, begin=HEADERS[0])
    return Family(shape, bpe, tokens, PUBLISHED / template, (), ATTENTION + MLP, 7)


def gemma(kind: str, template: str) -> Family:
    """Gemma, whose tokenizer ends texts otherwise than turns."""
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    turns = ("<start_of_turn>", "<end_of_turn>")
    tokens = {"tokenizer_class": "GemmaTokenizer", **names}
    return Family({**GEMMA, "model_type": kind}, gemma_bpe, tokens, PUBLISHED / template, turns, ATTENTION + MLP, 7)


SMOL = {"tokenizer_class": "GPT2Tokenizer", "bos_token": CHATML[1], "eos_token": CHATML[2], "pad_token": CHATML[2]}
SMOL |= {"unk_token": CHATML[0]}
PHI_TOKENS = {**FAMILIES["tinyllama"].tokens, "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
PHI_SHAPE = {"model_type": "phi3", "tie_word_embeddings": False}
MISTRAL = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
TURN_OF_GEMMA = r"the end token '<eos>' must follow the reply.*There it writes '<end_of_turn>"
PUBLISHED_BASES = {
    "chatml": Published(
        Family({**LLAMA, "tie_word_embeddings": True}, byte_bpe(CHATML), SMOL, OURS / "chatml.jinja", (), ATTENTION, 7)
    ),
    "qwen-thinking": Published(FAMILIES["qwen3"]),
    "llama-3": Published(llama3("llama3.jinja"), end="<|eot_id|>"),
    "llama-3.2": Published(llama3("llama3_2.jinja"), {"date": "26 Jul 2024"}, refused="today's date", end="<|eot_id|>"),
    "zephyr": Published(FAMILIES["tinyllama"], end="</s>"),
    "gemma": Published(
        gemma("gemma", "gemma.jinja"), {"end_token": "<end_of_turn>"}, before=(), refused=TURN_OF_GEMMA,
        end="<end_of_turn>",
    ),
    "gemma-3": Published(
        gemma("gemma3_text", "gemma3.jinja"), {"end_token": "<end_of_turn>"}, refused=TURN_OF_GEMMA,
        end="<end_of_turn>",
    ),
    "phi-3": Published(
        Family(PHI_SHAPE, phi_bpe, PHI_TOKENS, PUBLISHED / "phi3.jinja", PHI, FUSED, 4), {"end_token": "<|end|>"},
        refused=r"Between reply and end token '<\|endoftext\|>' the template writes '<\|end\|>", end="<|end|>",
    ),
    "mistral": Published(
        Family(
            {"model_type": "mistral", "sliding_window": None, "tie_word_embeddings": False}, sentence_bpe,
            MISTRAL, OURS / "mistral.jinja", ("[INST]", "[/INST]"), ATTENTION + MLP, 7,
        ),
        before=(), end="</s>",
    ),
}  # fmt: skip


def fetched(folder: Path, base: Published, choices: dict | None = None) -> list[str]:
    """Write a base as it is published, and lay it out as `fetch_base` does; returns its files, the weights first."""
    write_base(folder / "published", base.family)
    files = [str(folder / "base" / name) for name in MODEL_FILES]
    copy_file(folder / "published" / MODEL_FILES[0], files[0])
    names = {Path(path).name: path for path in files[1:]}
    own = str(base.template) if base.template else None
    lay_out(folder / "published", "tiny", base.choices if choices is None else choices, own, names)
    return files

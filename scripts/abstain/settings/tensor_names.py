"""The tensors of an architecture by their names, and what the header of a file of weights says against them.

The table goes by the `model_type` of config.json and follows the sources of transformers 5.23; it answers at once. Of a
model that is not in it transformers is asked (abstain.settings.loads).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from abstain.settings.model_files import HEAD, INPUTS, ties

QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
ATTENTION = (*QKV, "self_attn.o_proj")
MLP = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
NORMS = ("input_layernorm", "post_attention_layernorm")
NORMS_OF_HEADS = ("self_attn.q_norm", "self_attn.k_norm")
NORMS_OF_MLP = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
ENDS = {f"{INPUTS}.weight", f"{HEAD}.weight"}  # where they are tied, one stands for both
STACKED = {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)}  # experts as one tensor, and apart
COMPUTED = "rotary_emb.inv_freq"  # in files of early models; transformers passes over it


@dataclass(frozen=True)
class Block:
    """What a layer of an architecture consists of; all its parts have a weight."""

    parts: tuple[str, ...] = (*NORMS, *ATTENTION, *MLP)
    biased: tuple[str, ...] = ()  # parts with a bias
    biased_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # those with one when config.json says so
    mixture: bool = False  # of experts, which stand in place of the MLP

    def names(self, settings: Mapping) -> set[str]:
        """The tensors of a layer with an MLP."""
        by_key = [part for key, parts in self.biased_by.items() if settings.get(key) for part in parts]
        return {f"{part}.weight" for part in self.parts} | {f"{part}.bias" for part in (*self.biased, *by_key)}


PLAIN, BY_KEY = Block().parts, {"attention_bias": ATTENTION}
BLOCKS = {
    "gemma": Block(biased_by=BY_KEY),
    "gemma2": Block((*PLAIN, *NORMS_OF_MLP), biased_by=BY_KEY),
    "gemma3_text": Block((*PLAIN, *NORMS_OF_HEADS, *NORMS_OF_MLP), biased_by=BY_KEY),
    "llama": Block(biased_by={**BY_KEY, "mlp_bias": MLP}),
    "mistral": Block(),
    "phi3": Block((*NORMS, "self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")),
    "qwen2": Block(biased=QKV),
    "qwen3": Block((*PLAIN, *NORMS_OF_HEADS), biased_by=BY_KEY),
    "qwen3_moe": Block((*PLAIN, *NORMS_OF_HEADS), biased_by=BY_KEY, mixture=True),
}


def name_faults(header: Mapping[str, dict], settings: Mapping) -> Iterator[str]:
    """What a file of weights lacks of its architecture and has beside it, in one sentence."""
    names = [name for name in sorted(header) if COMPUTED not in name]
    found: dict[str, str] = {}
    extra = [name for name in names if found.setdefault(bare(name), name) != name]
    expected = expected_tensors(settings, set(found))
    extra += [found[name] for name in sorted(found.keys() - expected)]
    lacking = [name if name.startswith(HEAD) else f"model.{name}" for name in sorted(expected - found.keys())]
    who = f"the architecture {settings['model_type']!r}"
    words = [f"lacks {first_of(lacking)}, which {who} has"] if lacking else []
    words += [f"has {first_of(extra)}, which {'it' if lacking else who} has not"] if extra else []
    if words:
        yield f"{', and '.join(words)}; bring back the config.json and the weights that belong together"


def bare(name: str) -> str:
    """A tensor's name without what transformers adds or takes away on loading."""
    return re.sub(r"^(model\.)+", "", name)


def first_of(names: list[str]) -> str:
    """The first name, and how many more there are."""
    return names[0] + f" and {len(names) - 1} more" * (len(names) > 1)


def is_listed(settings: Mapping) -> bool:
    """Whether this table tells the tensors of a model by its configuration."""
    block = BLOCKS.get(settings.get("model_type"))
    return block is not None and _countable(block, settings)


def expected_tensors(settings: Mapping, found: set[str]) -> set[str]:
    """The bare names of all tensors that a model of this table has by its configuration.

    What can be stored in two ways is asked for in the way in which it is found.
    """
    kind = settings["model_type"]
    block = BLOCKS[kind]
    expected = {"norm.weight", *ENDS}
    if settings.get("tie_word_embeddings", ties(kind)):
        expected -= ENDS - found if ENDS & found else {f"{HEAD}.weight"}
    for number in range(settings["num_hidden_layers"]):
        place = f"layers.{number}"
        names = {f"{place}.{name}" for name in block.names(settings)}
        if block.mixture and (experts := _experts_in(number, settings)):
            names -= {f"{place}.{part}.weight" for part in MLP}
            names |= expert_names(f"{place}.mlp", experts, found)
        expected |= names
    return expected


def _countable(block: Block, settings: Mapping) -> bool:
    """Whether a configuration says how many layers there are, and which of them have how many experts."""
    numbers = [settings.get("num_hidden_layers")]
    if block.mixture:
        numbers += [_experts(settings), settings.get("decoder_sparse_step", 1) or None]
    return all(isinstance(number, int) for number in numbers) and isinstance(_dense(settings), list)


def _experts(settings: Mapping) -> int:
    """The experts of a layer; transformers knows the key by two names."""
    return settings.get("num_experts", settings.get("num_local_experts"))


def _dense(settings: Mapping) -> list[int]:
    """The numbers of the layers that a configuration takes out of a mixture."""
    return settings.get("mlp_only_layers") or []


def _experts_in(layer: int, settings: Mapping) -> int:
    """How many experts a layer of a mixture has: none where it has an MLP."""
    mixed = layer not in _dense(settings) and (layer + 1) % settings.get("decoder_sparse_step", 1) == 0
    return _experts(settings) if mixed else 0


def expert_names(mlp: str, experts: int, found: set[str]) -> set[str]:
    """The tensors of a layer's router and experts: stacked where a stack is found, else of each expert."""
    names = {f"{mlp}.gate.weight"}
    for stack, parts in STACKED.items():
        stacked = f"{mlp}.experts.{stack}"
        apart = {f"{mlp}.experts.{number}.{part}.weight" for number in range(experts) for part in parts}
        names |= {stacked} if stacked in found else apart
    return names

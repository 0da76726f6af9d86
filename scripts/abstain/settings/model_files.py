"""The files that a model is, and what configuration and weights show before anything is loaded.

The weights' header is JSON behind eight bytes that give its length (github.com/huggingface/safetensors, "Format").
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

WEIGHTS, CONFIG, GENERATION = "model.safetensors", "config.json", "generation_config.json"
TOKENIZER, TOKENS, TEMPLATE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
MODEL_FILES = (WEIGHTS, CONFIG, GENERATION, TOKENIZER, TOKENS, TEMPLATE)
FLOATS = ("F64", "F32", "F16", "BF16")  # what weights are stored in that nobody has quantised
EMBEDDINGS = ("embed_tokens", "wte", "embed_in", "word_embeddings")  # what families call the table of tokens
POSITIONS = ("wpe", "embed_positions", "position_embeddings")  # and that of positions
INPUTS, HEAD = "embed_tokens", "lm_head"  # the layers that turn tokens into numbers and back
ALL_LINEAR = "all-linear"  # PEFT's own name for every linear layer but the head
WRAPPERS = {  # what precedes a tensor's name when a wrapped model was saved, and what is saved instead
    "_orig_mod.": "torch.compile wraps it: save model._orig_mod instead",
    "module.": "a parallel training wraps it: save model.module instead",
    "base_model.model.": "PEFT wraps it: save model.merge_and_unload() instead",
}


def model_faults(folder: Path) -> list[str]:
    """What keeps a model from being loaded whole: the first fault that is found, if any, led by the file's name."""
    try:
        settings = read_object(folder / CONFIG)
    except ValueError as error:
        return [f"{CONFIG} {error}"]
    try:
        header = tensors(folder / WEIGHTS)
    except ValueError as error:
        return [f"{WEIGHTS} {error}"]
    faults = [f"{CONFIG} {words}" for words in config_faults(settings)]
    of_weights = [*tensor_faults(header, settings), *layer_tensor_faults(header, settings)]
    return [*faults, *(f"{WEIGHTS} {words}" for words in of_weights)][:1]


def read_object(path: Path) -> dict:
    """The object that a JSON file holds; ValueError when it holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}); bring it back") from error
    if not isinstance(value, dict):
        raise ValueError("holds no JSON object; bring it back")
    return value


def config_faults(settings: dict) -> Iterator[str]:
    """What a model's configuration says against loading it."""
    if settings.get("quantization_config"):
        yield (
            "says that the weights are quantised already (quantization_config): take the original that they were made "
            "from; an arm with `quantisation: nf4` quantises it by itself"
        )
    kind, known = settings.get("model_type"), architectures()
    if known and kind not in known:
        own = ", only with code of its own (auto_map), which is never run" if "auto_map" in settings else ""
        yield (
            f"names the architecture {kind!r}, which the installed transformers does not know as a language model"
            f"{own}; take a base of another architecture"
        )


@cache
def architectures() -> frozenset[str]:
    """The model types that transformers has a causal language model for, read from its source; none without it."""
    if (package := find_spec("transformers")) is None:
        return frozenset()
    text = Path(package.origin).with_name("models").joinpath("auto/modeling_auto.py").read_text(encoding="utf-8")
    table = text.partition("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = ")[2].partition("\n)\n")[0]
    return frozenset(re.findall(r'\("([^"]+)", "', table))


def tensors(path: Path) -> dict[str, dict]:
    """The "dtype" and "shape" of each tensor of a safetensors file, by name; ValueError when the file is not whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(min(length, size))
    try:
        header = {name: entry for name, entry in json.loads(text).items() if name != "__metadata__"}
        end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        kept = {name: {key: entry[key] for key in ("dtype", "shape")} for name, entry in header.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError("is no safetensors file; where it is a pointer to one, run git lfs pull") from error
    if end != size:
        raise ValueError(f"has {size} bytes, and by its header {end}; bring it back whole")
    return kept


def tensor_faults(header: Mapping[str, dict], settings: dict) -> Iterator[str]:
    """What the names and number formats of a model's tensors say against loading it."""
    for name, entry in header.items():
        if name.endswith("weight") and entry["dtype"] not in FLOATS:
            stored = f"stores {name} as {entry['dtype']}, so it is quantised already"
            yield f"{stored}: take the original that it was made from"
        for wrapper, advice in WRAPPERS.items():
            if name.startswith(wrapper):
                yield f"names a tensor {name}, as a model does that was saved while {advice}"
    has_inputs, has_head = (any(f"{layer}.weight" in name for name in header) for layer in (INPUTS, HEAD))
    if has_inputs and not has_head and not settings.get("tie_word_embeddings", ties(settings.get("model_type"))):
        yield (
            "has no lm_head.weight, and by config.json it is not the embedding (tie_word_embeddings: false): bring "
            "back the file that holds it"
        )


@cache
def ties(kind: str) -> bool:
    """Whether the head of an architecture is the embedding where config.json does not say, read from its source."""
    if (package := find_spec("transformers")) is None:
        return True
    name = kind.replace("-", "_")
    source = Path(package.origin).with_name("models") / name / f"configuration_{name}.py"
    found = re.search(r"tie_word_embeddings: bool = (\w+)", source.read_text("utf-8")) if source.is_file() else None
    return found is None or found[1] == "True"


def layer_tensor_faults(header: Mapping[str, dict], settings: dict) -> Iterator[str]:
    """Tensors that one layer of a model lacks or has alone, or layers that its configuration lacks.

    Only where all layers are of one type: in a mixture of experts or of layer types not all have the same tensors.
    """
    count, kinds = settings.get("num_hidden_layers"), settings.get("layer_types") or []
    if not isinstance(count, int) or len(set(kinds)) > 1 or any("expert" in key for key in settings):
        return
    layers: dict[tuple[str, str], set[int]] = {}
    for name in header:
        if found := re.search(r"\.(\d+)\.", name):
            layers.setdefault((name[: found.start()], name[found.end() :]), set()).add(int(found[1]))
    there = set().union(*layers.values())
    for (before, behind), numbers in layers.items():
        if 2 * len(numbers) < len(there):
            name = f"{before}.{min(numbers)}.{behind}"
            yield f"has {name}, and most of its {len(there)} layers have no such tensor; bring it back whole"
        for number in sorted(numbers ^ set(range(count)))[:1]:
            what = "has" if number in numbers else "lacks"
            yield f"{what} {before}.{number}.{behind}, and by config.json there are {count} layers; bring both back"


def linear_layers(header: Mapping[str, dict]) -> list[str]:
    """The full names of the layers that an adapter can be put on, and of a head that is not the embedding."""
    return [
        name.removesuffix(".weight")
        for name, entry in header.items()
        if name.endswith(".weight") and len(entry["shape"]) == 2 and last(name) not in EMBEDDINGS + POSITIONS
    ]


def layer_faults(header: Mapping[str, dict], targets: list[str]) -> Iterator[tuple[int, str]]:
    """Targets of an adapter that name no linear layer, of which a part would be trained in silence: place and words."""
    layers = linear_layers(header)
    short = sorted({last(layer) for layer in layers} - {HEAD})
    for number, target in enumerate(targets if targets != [ALL_LINEAR] else ()):
        if not any(f".{layer}".endswith(f".{target}") for layer in layers):
            guesses = get_close_matches(target, short, 1, 0.7)
            advice = f"did you mean {guesses[0]!r}? It" if guesses else "it"
            yield (
                number,
                f"has no linear layer {target!r}; {advice} has {', '.join(short)}; [{ALL_LINEAR}] is all of them",
            )


def last(tensor: str) -> str:
    """The last name of the layer that a tensor belongs to."""
    return tensor.removesuffix(".weight").rpartition(".")[2]


def token_ids(folder: Path) -> dict[str, int]:
    """The id of every token, also of those that are only named as special and so get the next ones on loading."""
    tokenizer, settings = read_object(folder / TOKENIZER), read_object(folder / TOKENS)
    known = tokenizer["model"]["vocab"]
    ids = dict(known) if isinstance(known, dict) else {token: number for number, (token, *_) in enumerate(known)}
    ids |= {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or []}
    ids |= {token["content"]: int(number) for number, token in settings.get("added_tokens_decoder", {}).items()}
    for key, token in settings.items():
        content = token.get("content") if isinstance(token, dict) else token
        if key.endswith("_token") and isinstance(content, str):
            ids.setdefault(content, max(ids.values(), default=-1) + 1)
    return ids

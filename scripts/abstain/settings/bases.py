"""Faults of a base model that show before any job: torn files, adapters without a layer, tokens without a row.

Of the weights only the head is read: its length in 8 bytes, then names and shapes of all tensors as JSON.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from abstain.settings.schema import Fault, nearest

WEIGHTS, TOKENIZER, TOKENS, TEMPLATE = (
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
SETTINGS = ("config.json", "generation_config.json", TOKENIZER, TOKENS)
EMBEDDINGS = ("embed_tokens", "wte", "embed_in", "word_embeddings")  # what families call the table of tokens
FUSED = ".experts."  # transformers joins the experts of a block into one tensor, which has no linear layers


def base_faults(config: Mapping, studies: Mapping[str, dict], home: Path, fetched: Path) -> Iterator[Fault]:
    """Faults of every base whose files are all there: in the project's folder `home`, or fetched from the hub."""
    for name, base in config["bases"].items():
        folder = home / base["folder"] if "folder" in base else fetched / name
        if all((folder / file).is_file() for file in (WEIGHTS, TEMPLATE, *SETTINGS)):
            place = f"bases.{name}.{'folder' if 'folder' in base else 'hub'}"
            faults = [Fault(place, f"{base.get('folder', folder)}/{words}") for words in _torn(folder)]
            yield from faults or _unfit(name, place, folder, studies)


def _torn(folder: Path) -> Iterator[str]:
    """Files that no program could read."""
    for file in SETTINGS:
        try:
            value = _json(folder / file)
            if not isinstance(value, dict):
                yield f"{file} holds no JSON object; bring it back"
            elif file == TOKENIZER and not isinstance(value.get("model", {}).get("vocab"), dict | list):
                yield f"{file} has no vocabulary; bring it back"
        except ValueError as error:
            yield f"{file} is no JSON ({error}); bring it back"
    if not (folder / TEMPLATE).read_bytes().strip():
        yield f"{TEMPLATE} is empty; put the model's chat template there"
    try:
        shapes(folder / WEIGHTS)
    except ValueError as error:
        yield f"{WEIGHTS} {error}; bring it back"


def _unfit(name: str, place: str, folder: Path, studies: Mapping[str, dict]) -> Iterator[Fault]:
    """What the studies ask of a base, or its tokenizer of its weights, and is not there."""
    tensors = shapes(folder / WEIGHTS)
    layers = linear_layers(tensors)
    short = sorted({layer.rpartition(".")[2] for layer in layers})
    for study, record in studies.items():
        for key, adapter in record["adapters"].items() if record["base"] == name else ():
            for number, target in enumerate(adapter["targets"]):
                if not any(f".{layer}".endswith(f".{target}") for layer in layers):
                    guess = nearest(target, short)
                    advice = f"did you mean {guess!r}? It" if guess else "it"
                    words = f"the base {name!r} has no linear layer {target!r}; {advice} has {', '.join(short)}"
                    yield Fault(f"studies.{study}.adapters.{key}.targets.{number}", words)
    rows = next((shape[0] for tensor, shape in tensors.items() if _module(tensor) in EMBEDDINGS), None)
    if rows and (beyond := [token for token, number in token_ids(folder).items() if number >= rows]):
        named = ", ".join(map(repr, beyond[:3])) + f" and {len(beyond) - 3} more" * (len(beyond) > 3)
        words = f"its tokenizer has {named}, for which its weights have no row (they have {rows})"
        yield Fault(place, f"{words}; take a tokenizer whose tokens the model knows, or name one of those")


def shapes(path: Path) -> dict[str, list[int]]:
    """The shape of every tensor of a safetensors file; ValueError when it is none, or is cut off."""
    with path.open("rb") as file:
        length, size = int.from_bytes(file.read(8), "little"), path.stat().st_size
        if length > size:
            raise ValueError("is no safetensors file")
        head = json.loads(file.read(length))
    if not isinstance(head, dict):
        raise ValueError("has no list of tensors")
    head.pop("__metadata__", None)
    end = 8 + length + max((tensor["data_offsets"][1] for tensor in head.values()), default=0)
    if end > size:
        raise ValueError(f"is cut off: it has {size} bytes of {end}")
    return {name: tensor["shape"] for name, tensor in head.items()}


def linear_layers(tensors: Mapping[str, list[int]]) -> list[str]:
    """The full names of the layers that an adapter can be put on."""
    return [
        name.removesuffix(".weight")
        for name, shape in tensors.items()
        if name.endswith(".weight") and len(shape) == 2 and FUSED not in name and _module(name) not in EMBEDDINGS
    ]


def token_ids(folder: Path) -> dict[str, int]:
    """The id of every token, also of those that are only named as special and so get the next ones on loading."""
    tokenizer, settings = _json(folder / TOKENIZER), _json(folder / TOKENS)
    known = tokenizer["model"]["vocab"]
    ids = dict(known) if isinstance(known, dict) else {token: number for number, (token, *_) in enumerate(known)}
    ids |= {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or []}
    ids |= {token["content"]: int(number) for number, token in settings.get("added_tokens_decoder", {}).items()}
    for key, token in settings.items():
        content = token.get("content") if isinstance(token, dict) else token
        if key.endswith("_token") and isinstance(content, str):
            ids.setdefault(content, max(ids.values(), default=-1) + 1)
    return ids


def _module(tensor: str) -> str:
    """The last name of the layer that a tensor belongs to."""
    return tensor.removesuffix(".weight").rpartition(".")[2]


def _json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))

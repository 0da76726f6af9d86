"""Faults of a base that show before any job: files that are not whole, adapters without a layer, tokens without a row.

Of the weights only the header is read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from abstain.settings.loads import load_faults
from abstain.settings.model_files import (
    ALL_LINEAR,
    CONFIG,
    EMBEDDINGS,
    GENERATION,
    HEAD,
    INPUTS,
    MODEL_FILES,
    TEMPLATE,
    TOKENIZER,
    TOKENS,
    WEIGHTS,
    last,
    layer_faults,
    model_faults,
    read_object,
    tensors,
    token_ids,
)
from abstain.settings.schema import Fault
from abstain.settings.tensor_names import is_listed, name_faults


def base_faults(config: Mapping, studies: Mapping[str, dict], home: Path, fetched: Path) -> Iterator[Fault]:
    """Faults of adapters, and of every base whose files are all there: in a folder below `home`, or fetched."""
    yield from adapter_faults(studies)
    for name, base in config["bases"].items():
        folder = home / base["folder"] if "folder" in base else fetched / name
        if all((folder / file).is_file() for file in MODEL_FILES):
            place = f"bases.{name}.{next(iter(base))}"
            faults = [Fault(place, f"{base.get('folder', folder)}/{words}") for words in folder_faults(folder)]
            yield from faults or _unfit(name, place, folder, studies)


def adapter_faults(studies: Mapping[str, dict]) -> Iterator[Fault]:
    """Adapters on layers that cannot have one, whatever the base."""
    for study, record in studies.items():
        for name, adapter in record["adapters"].items():
            for words in target_faults(adapter["targets"]):
                yield Fault(f"studies.{study}.adapters.{name}.targets", words)


def target_faults(targets: list[str]) -> Iterator[str]:
    """Layers that an adapter cannot be trained on, and a name for all of them beside others."""
    if outer := [name for name in targets if name in (INPUTS, HEAD)]:
        yield (
            f"{' and '.join(outer)} cannot have an adapter: the loss is computed from the output layer itself, and it "
            f"often is the embedding too; name layers between them, or [{ALL_LINEAR}] for all of those"
        )
    if ALL_LINEAR in targets and len(targets) > 1:
        yield f"{ALL_LINEAR} means every linear layer already; name it alone"


def folder_faults(folder: Path) -> Iterator[str]:
    """Files of a base that no program could read, or that hold no whole model; each fault is led by the file's name."""
    for file in (GENERATION, TOKENIZER, TOKENS):
        try:
            value = read_object(folder / file)
            if file == TOKENIZER and not isinstance(value.get("model", {}).get("vocab"), dict | list):
                yield f"{file} has no vocabulary; bring it back"
        except ValueError as error:
            yield f"{file} {error}"
    if not (folder / TEMPLATE).read_bytes().strip():
        yield f"{TEMPLATE} is empty; put the model's chat template there"
    yield from model_faults(folder) or _other_tensors(folder)


def _other_tensors(folder: Path) -> Iterator[str]:
    """Tensors that the architecture of a base has and its weights lack, or the other way round."""
    settings = read_object(folder / CONFIG)
    if is_listed(settings):
        yield from (f"{WEIGHTS} {words}" for words in name_faults(tensors(folder / WEIGHTS), settings))
    else:
        yield from load_faults(folder)


def _unfit(name: str, place: str, folder: Path, studies: Mapping[str, dict]) -> Iterator[Fault]:
    """Layers that a study's adapters name and the base lacks, and tokens without a row in its embedding."""
    header = tensors(folder / WEIGHTS)
    for study, record in studies.items():
        for key, adapter in record["adapters"].items() if record["base"] == name else ():
            if not any(target_faults(adapter["targets"])):
                for number, words in layer_faults(header, adapter["targets"]):
                    yield Fault(f"studies.{study}.adapters.{key}.targets.{number}", f"the base {name!r} {words}")
    rows = next((entry["shape"][0] for tensor, entry in header.items() if last(tensor) in EMBEDDINGS), None)
    if rows and (beyond := [token for token, number in token_ids(folder).items() if number >= rows]):
        named = ", ".join(map(repr, beyond[:3])) + f" and {len(beyond) - 3} more" * (len(beyond) > 3)
        words = f"its tokenizer has {named}, for which its weights have no row (they have {rows})"
        yield Fault(place, f"{words}; take a tokenizer whose tokens the model knows, or name one of those")

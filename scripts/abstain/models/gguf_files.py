"""GGUF files, the format of llama.cpp, read as language models in float32 and checked for what is lost on the way.

transformers passes over what it does not know without a word: tensors, stretched positions, rules of cutting text.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from abstain.jobs.files import write_json
from abstain.models.gguf_tokens import mend_tokenizer
from abstain.models.loading import ModelError, check_loaded
from abstain.settings.model_files import GENERATION

ENDS = ("eos", "eot", "eom")  # the tokens by which a GGUF file says that a text, a turn or a message ends
FACTS = {
    "name": "general.name",
    "licence": "general.license",
    "architecture": "general.architecture",
    "vocabulary": "tokenizer.ggml.model",
    "rules of cutting text": "tokenizer.ggml.pre",
}
FORMATS = "tensors by number format"
TAKE = "take the original, from the hub or a folder"


class Gguf:
    """What a GGUF file holds: `keys`, its metadata by name, and `tensors`, as the package gguf reads both."""

    def __init__(self, path: str | Path):
        from gguf import GGUFReader

        self.path = Path(path)
        try:
            reader = GGUFReader(path)
            self.keys = {name: field.contents() for name, field in reader.fields.items()}
        except Exception as error:  # a damaged file leads anywhere
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise ModelError(
                f"{path} is no whole GGUF file ({why}); bring it back, by git lfs pull if it is a pointer to one"
            ) from error
        self.tensors = reader.tensors

    def facts(self) -> dict:
        """What people ask of a model: its names, its licence, and how it is quantised."""
        names = {fact: self.keys.get(key) for fact, key in FACTS.items()}
        return names | {FORMATS: dict(sorted(Counter(tensor.tensor_type.name for tensor in self.tensors).items()))}

    @contextmanager
    def alone(self) -> Iterator[dict[str, str]]:
        """How transformers is asked for the file, in a folder with no other that could change what it reads."""
        with TemporaryDirectory() as folder:
            Path(folder, "model.gguf").symlink_to(self.path.resolve())
            yield {"pretrained_model_name_or_path": folder, "gguf_file": "model.gguf", "local_files_only": True}


def read_model(gguf: Gguf):
    """The file's model in float32; raises ModelError unless the file has every number of the model, and no other."""
    import torch
    from transformers import AutoModelForCausalLM

    with gguf.alone() as place:
        try:
            model, loaded = AutoModelForCausalLM.from_pretrained(
                **place, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
            )
        except (ValueError, NotImplementedError, LookupError, AttributeError) as error:
            why = " ".join(str(error).split())[:300]
            raise ModelError(f"transformers cannot read {gguf.path} ({why}); {TAKE}") from error
    check_loaded(loaded, gguf.path)
    if sum(int(tensor.n_elements) for tensor in gguf.tensors) != model.num_parameters():
        raise ModelError(
            f"{gguf.path} holds {', '.join(left_over(gguf, model)[:3])}, for which transformers has no place, so the "
            f"model would not be the one that was saved; {TAKE}"
        )
    check_positions(gguf.keys, model.config, gguf.path)
    return model


def left_over(gguf: Gguf, model) -> list[str]:
    """The names of the file's tensors that transformers leaves out of the model."""
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

    processor = TENSOR_PROCESSORS.get(gguf.keys["general.architecture"], TensorProcessor)(config=model.config.to_dict())
    known = get_gguf_hf_weights_map(model, processor)
    return sorted(tensor.name for tensor in gguf.tensors if tensor.name not in known) or ["more numbers than its model"]


def check_positions(keys: Mapping, config, path: Path) -> None:
    """Raise ModelError when the file stretches positions (rope.scaling) and the configuration does not say so."""
    architecture = keys["general.architecture"]
    kind = keys.get(f"{architecture}.rope.scaling.type", "none")
    read = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if (kind != "none" and read == "default") or keys.get(f"{architecture}.rope.scale_linear", 1) != 1:
        raise ModelError(f"{path} stretches positions (rope.scaling: {kind}), which transformers passes over; {TAKE}")


def read_tokenizer(gguf: Gguf):
    """The file's tokenizer with its chat template."""
    from transformers import AutoTokenizer

    if not isinstance(gguf.keys.get("tokenizer.ggml.model"), str):
        raise ModelError(f"{gguf.path} holds no tokenizer; {TAKE}")
    with gguf.alone() as place:
        try:
            tokenizer = AutoTokenizer.from_pretrained(**place)
        except (ValueError, LookupError, TypeError) as error:
            raise ModelError(f"transformers cannot read the tokenizer of {gguf.path} ({error}); {TAKE}") from error
    mend_tokenizer(tokenizer.backend_tokenizer, gguf.keys, str(gguf.path))
    tokenizer.model_max_length = gguf.keys[f"{gguf.keys['general.architecture']}.context_length"]
    return tokenizer


def write_settings(gguf: Gguf, model, tokenizer, folder: Path) -> None:
    """Write all files of the model but its weights: its configuration without the quantisation that it has lost."""
    config = model.config
    for name in ("quantization_config", "_model_name_or_path"):
        if hasattr(config, name):
            delattr(config, name)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    named = [
        gguf.keys[f"tokenizer.ggml.{name}_token_id"] for name in ENDS if f"tokenizer.ggml.{name}_token_id" in gguf.keys
    ]
    ends = list(dict.fromkeys(named))
    settings = {"bos": tokenizer.bos_token_id, "eos": ends if len(ends) > 1 else tokenizer.eos_token_id}
    settings |= {"pad": tokenizer.pad_token_id}
    write_json(
        folder / GENERATION, {f"{name}_token_id": value for name, value in settings.items() if value is not None}
    )

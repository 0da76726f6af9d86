"""Loading language models so that bits agree: their declared files and no others, whole, in a stated number format."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import whole
from abstain.models.products import through_onednn
from abstain.settings.model_files import CONFIG, MODEL_FILES, TOKENIZER, WEIGHTS, model_faults


class ModelError(AbstainError, RuntimeError):
    """A model that is not what its files promise; the message names the file and what is wrong with it."""


class DeviceError(AbstainError, RuntimeError):
    """A device that the scale names and this machine does not have."""


def exact_torch(seed: int, device: str) -> None:
    """Seed torch and ask for deterministic kernels; raises DeviceError when a GPU is asked for and torch sees none.

    Memory is not filled before its first use (torch.utils.deterministic, by default it is): no kernel here reads what
    it has not written, and filling costs time at every product.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        build = f"was built for CUDA {torch.version.cuda}" if torch.version.cuda else "was built without CUDA"
        raise DeviceError(
            f"the scale's device is cuda, and torch {torch.__version__}, which {build}, sees no GPU here; run where "
            "there is one, with requirements/gpu.lock installed, or set device: cpu"
        )
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


@contextmanager
def declared(folder: str | Path) -> Iterator[Path]:
    """A folder of links to the files that a model is declared to be: no file beside them changes what is loaded.

    Libraries take more than they are asked for: an adapter left in the folder, lists of special tokens, code.
    """
    with TemporaryDirectory() as links:
        for name in MODEL_FILES:
            if (source := Path(folder, name)).is_file():
                Path(links, name).symlink_to(source.resolve())
        yield Path(links)


def load_tokenizer(folder: str | Path):
    """The tokenizer of a model's folder; one without a padding token pads with its end token.

    What is learned and seen is decided by masks, so the value of the padding token changes nothing.
    """
    from transformers import AutoTokenizer

    if not Path(folder, TOKENIZER).is_file():
        raise ModelError(f"{folder} holds no {TOKENIZER}, from which a tokenizer is made; bring it there")
    with declared(folder) as links:
        tokenizer = AutoTokenizer.from_pretrained(links, trust_remote_code=False, local_files_only=True)
    tokenizer.name_or_path = str(folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(folder: str | Path, quantisation: str, dtype: str, device: str):
    """A causal language model from a folder of MODEL_FILES; `quantisation` is "none" or "nf4", `dtype` a torch
    dtype's name, or auto for the one that the weights are stored in. Raises ModelError when anything of it is missing.

    nf4 is QLoRA's 4-bit NormalFloat with double quantisation (arXiv 2305.14314).
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    for fault in model_faults(Path(folder)):
        raise ModelError(f"{folder}/{fault}")
    number = stored_dtype(folder) if dtype == "auto" else getattr(torch, dtype)
    settings = {"dtype": number, "use_safetensors": True, "attn_implementation": "sdpa", "device_map": {"": device}}
    if quantisation == "nf4":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=number
        )
    settings |= {"output_loading_info": True, "ignore_mismatched_sizes": True}  # all that does not fit, by name
    with declared(folder) as links:
        _check_config(links, Path(folder, CONFIG))
        try:
            model, loaded = AutoModelForCausalLM.from_pretrained(
                links, trust_remote_code=False, local_files_only=True, **settings
            )
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            words = " ".join(str(error).split())
            raise ModelError(f"transformers cannot build the model in {folder} ({words}); take another base") from error
    check_loaded(loaded, Path(folder, WEIGHTS))
    model.name_or_path = model.config.name_or_path = str(folder)
    if device == "cpu":
        through_onednn(model)
    return model


def _check_config(links: Path, config: Path) -> None:
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(links, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # libraries raise whatever a damaged file leads to
        words = " ".join(str(error).split())
        raise ModelError(f"{config} describes no model that can be built: {words}") from error


def check_loaded(loaded: dict, weights: Path) -> None:
    """Raise ModelError unless the file of the weights has exactly the tensors that the model asks for.

    `loaded` is what transformers says of a load (output_loading_info); it would draw at random what is missing.
    """
    mismatched = sorted(f"{name} {tuple(found)} for {tuple(asked)}" for name, found, asked in loaded["mismatched_keys"])
    faults = {
        "lacks": sorted(loaded["missing_keys"]),
        "has, and the architecture in config.json has not,": sorted(loaded["unexpected_keys"]),
        "has in another shape": mismatched,
        "could not be read:": list(loaded["error_msgs"]),
    }
    for what, names in faults.items():
        if names:
            more = f" and {len(names) - 1} more tensors" if len(names) > 1 else ""
            raise ModelError(
                f"{weights} {what} {names[0]}{more}, so the model would not be the one that was saved; bring back the "
                "config.json and the weights that belong together"
            )


def stored_dtype(folder: str | Path):
    """The torch dtype of the weights' first tensor; what config.json says is the base's, not a merged checkpoint's."""
    from safetensors import safe_open

    with safe_open(Path(folder) / WEIGHTS, "pt") as file:
        return file.get_tensor(min(file.keys())).dtype


def save_weights(model, path: str) -> None:
    """Write the weights under the base's names, tied weights once; experts that were fused on loading part again."""
    from transformers.core_model_loading import revert_weight_conversion

    state = revert_weight_conversion(model, model.state_dict())
    write_weights(path, {name: value for name, value in state.items() if name not in model.all_tied_weights_keys})


def write_weights(path: str | Path, state: dict) -> None:
    """Write tensors by name, whole, with the one metadata key that keeps their bytes stable."""
    from safetensors.torch import save_file

    with whole(path) as part:
        save_file({name: state[name].contiguous() for name in sorted(state)}, part, metadata={"format": "pt"})

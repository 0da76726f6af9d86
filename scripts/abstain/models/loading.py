"""Loading language models so that bits agree: from local folders, in a stated number format, without surprises."""

from pathlib import Path

from abstain.jobs.files import whole

WEIGHTS, GENERATION = "model.safetensors", "generation_config.json"
MODEL_FILES = (
    WEIGHTS,
    "config.json",
    GENERATION,
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def exact_torch(seed: int, device: str) -> None:
    """Seed torch and ask for deterministic kernels.

    Memory is not filled before its first use (torch.utils.deterministic, by default it is): the fused loss of TRL takes
    room for 32,768 words whatever the vocabulary, and to fill it was an eighth of a training step.
    """
    import torch

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def load_model(folder: str | Path, quantisation: str, dtype: str, device: str):
    """A causal language model from a folder of MODEL_FILES; `quantisation` is "none" or "nf4", `dtype` a torch
    dtype's name, or auto for the one that the weights are stored in.

    nf4 is QLoRA's 4-bit NormalFloat with double quantisation (arXiv 2305.14314).
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    number = stored_dtype(folder) if dtype == "auto" else getattr(torch, dtype)
    settings = {"dtype": number, "use_safetensors": True, "attn_implementation": "sdpa", "device_map": {"": device}}
    if quantisation == "nf4":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=number
        )
    model = AutoModelForCausalLM.from_pretrained(folder, **settings)
    if quantisation == "nf4":
        pin_4bit_kernels(model)
    return model


def stored_dtype(folder: str | Path):
    """The torch dtype of the weights' first tensor; what config.json says is the base's, not a merged checkpoint's."""
    from safetensors import safe_open

    with safe_open(Path(folder) / WEIGHTS, "pt") as file:
        return file.get_tensor(min(file.keys())).dtype


def write_weights(path: str | Path, state: dict) -> None:
    """Write tensors by name, whole, with the one metadata key that keeps their bytes stable."""
    from safetensors.torch import save_file

    with whole(path) as part:
        save_file({name: state[name].contiguous() for name in sorted(state)}, part, metadata={"format": "pt"})


def pin_4bit_kernels(model) -> int:
    """Keep 4-bit layers from repacking their weights into bf16 on CPUs with AVX512-BF16; returns their number.

    bitsandbytes 0.50 does so silently in eval mode: outputs then depend on the CPU, and gradients become None.
    """
    import bitsandbytes as bnb

    layers = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)

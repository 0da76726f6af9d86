"""Adapters: their shape, drawing and attaching one, and the two files in which every tool finds it."""

from abstain.jobs.files import write_json
from abstain.models.loading import write_weights


def adapter_settings(adapter: dict):
    """PEFT's configuration of an adapter's shape."""
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter["rank"],
        lora_alpha=adapter["alpha"],
        lora_dropout=adapter["dropout"],
        target_modules=sorted(adapter["targets"]),
        use_dora=adapter["method"] == "dora",
    )


def attach_adapter(model, adapter: dict, weights: str):
    """The model with an adapter of this shape whose weights are exactly those of the file; they are kept in fp32."""
    import torch
    from peft import get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    wrapped = get_peft_model(model, adapter_settings(adapter), autocast_adapter_dtype=False)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
    result = set_peft_model_state_dict(wrapped, load_file(weights))
    if result.unexpected_keys:
        raise RuntimeError(f"{weights} holds weights that this adapter has not: {result.unexpected_keys[:3]}")
    return wrapped


def save_adapter(model, adapter: dict, base: dict, weights: str, config: str) -> None:
    """Write adapter weights, and PEFT's configuration with sorted targets and where the base is to be found.

    `base` is as `named_base` takes it.
    """
    from peft import get_peft_model_state_dict

    write_weights(weights, get_peft_model_state_dict(model))
    settings = adapter_settings(adapter).to_dict()
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in settings.items()}
    write_json(config, {**plain, **named_base(base), "inference_mode": True})


def named_base(base: dict) -> dict[str, str | None]:
    """PEFT's two fields that name a base: {"path": "./models/x"}, or {"hub": "owner/name", "revision": its commit}.

    A path without ./ in front would be the name of a repository, which anybody may register on a hub.
    """
    if "hub" in base:
        return {"base_model_name_or_path": base["hub"], "revision": base["revision"]}
    if not base["path"].startswith("./"):
        raise ValueError(f"the path of a base must begin with ./ and {base['path']!r} does not")
    return {"base_model_name_or_path": base["path"], "revision": None}

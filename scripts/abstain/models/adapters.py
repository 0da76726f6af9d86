"""Adapters: their shape, drawing and attaching one, and the two files in which every tool finds it."""

from abstain.jobs.files import write_json
from abstain.models.loading import ModelError, write_weights
from abstain.models.products import through_onednn
from abstain.settings.model_files import ALL_LINEAR


def adapter_settings(adapter: dict):
    """PEFT's configuration of an adapter's shape."""
    from peft import LoraConfig

    targets = sorted(adapter["targets"])
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter["rank"],
        lora_alpha=adapter["alpha"],
        lora_dropout=adapter["dropout"],
        target_modules=ALL_LINEAR if targets == [ALL_LINEAR] else targets,
        use_dora=adapter["method"] == "dora",
    )


def new_adapter(model, adapter: dict):
    """The model with a fresh adapter of this shape; raises ModelError when the adapter is on embedding or head."""
    from peft import get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    wrapped = get_peft_model(model, adapter_settings(adapter), autocast_adapter_dtype=False)
    if model.device.type == "cpu":
        through_onednn(wrapped)
    outer = {"embedding": model.get_input_embeddings(), "output layer": model.get_output_embeddings()}
    for name, layer in outer.items():
        if isinstance(layer, BaseTunerLayer):
            raise ModelError(
                f"the targets {', '.join(sorted(adapter['targets']))} put an adapter on the {name} of "
                f"{model.name_or_path}, whose weights the loss is computed from; name layers between them, or "
                f"[{ALL_LINEAR}]"
            )
    return wrapped


def attach_adapter(model, adapter: dict, weights: str):
    """The model with an adapter of this shape whose weights are exactly those of the file; they are kept in fp32."""
    import torch
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    wrapped, state = new_adapter(model, adapter), load_file(weights)
    if odd := sorted(get_peft_model_state_dict(wrapped, save_embedding_layers=False).keys() ^ state.keys()):
        raise ModelError(f"{weights} is not an adapter of this shape on this base: {odd[0]} is in one of them alone")
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
    set_peft_model_state_dict(wrapped, state)
    return wrapped


def save_adapter(model, adapter: dict, base: dict, weights: str, config: str) -> None:
    """Write adapter weights, and PEFT's configuration with sorted targets and where the base is to be found.

    `base` is as `named_base` takes it.
    """
    from peft import get_peft_model_state_dict

    write_weights(weights, get_peft_model_state_dict(model, save_embedding_layers=False))
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

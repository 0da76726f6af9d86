"""Draw the step-0 adapter, once, so that every arm of the same shape and seed starts from the same bytes."""

from pathlib import Path

from abstain.models.adapters import adapter_settings, save_adapter
from abstain.models.loading import exact_torch, load_model


def initialise(base: list[str], base_name: dict, adapter: dict, seed: int, weights: str, config: str) -> None:
    """Write a fresh adapter: A drawn from the seed, B zero (arXiv 2106.09685, section 4.1).

    `base_name` says where others find the base: {"path"} or {"hub", "revision"}.
    """
    from peft import get_peft_model

    exact_torch(seed, "cpu")
    model = load_model(Path(base[0]).parent, "none", "float32", "cpu")
    exact_torch(seed, "cpu")
    wrapped = get_peft_model(model, adapter_settings(adapter), autocast_adapter_dtype=False)
    save_adapter(wrapped, adapter, base_name, weights, config)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        initialise(**job)

"""Draw the step-0 adapter, once, so that every arm of the same shape and seed starts from the same bytes."""

from pathlib import Path

from abstain.models.adapters import new_adapter, save_adapter
from abstain.models.loading import ModelError, exact_torch, load_model
from abstain.settings.model_files import layer_faults, tensors


def initialise(base: list[str], base_name: dict, adapter: dict, seed: int, weights: str, config: str) -> None:
    """Write a fresh adapter: A drawn from the seed, B zero (arXiv 2106.09685, section 4.1).

    `base_name` says where others find the base: {"path"} or {"hub", "revision"}.
    """
    for _, words in layer_faults(tensors(Path(base[0])), adapter["targets"]):
        raise ModelError(f"{base[0]} {words}")
    exact_torch(seed, "cpu")
    model = load_model(Path(base[0]).parent, "none", "float32", "cpu")
    exact_torch(seed, "cpu")
    save_adapter(new_adapter(model, adapter), adapter, base_name, weights, config)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        initialise(**job)

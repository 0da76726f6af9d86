"""Bring a base model from the Hugging Face Hub, and lay its files out as every step reads them."""

import os
import shutil
from pathlib import Path

from abstain.corpora.download import CorpusError
from abstain.jobs.files import read_json, require_room, whole
from abstain.models.layout import lay_out
from abstain.models.loading import ModelError
from abstain.settings.model_files import CONFIG, config_faults, model_faults, read_object

KINDS_OF_FILES = ["model*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]  # no pickle, no code


def fetch_base(hub: str, revision: str, choices: dict, template: list[str], model: str, **files: str) -> None:
    """Write the weights, and the configuration, tokenizer and chat template beside them, from a pinned commit.

    `choices` are the base's keys that say what differs from the repository, `template` a chat template of one's own.
    """
    check_config(download(hub, revision, [CONFIG]), hub)
    snapshot = download(hub, revision, KINDS_OF_FILES)
    lay_out(snapshot, f"{hub} at {revision}", choices, template[0] if template else None, files)
    join_weights(snapshot, model)
    for fault in model_faults(Path(model).parent):
        raise ModelError(f"{hub}, {fault}")


def check_config(folder: Path, hub: str) -> None:
    """Raise ModelError when the configuration says that the model cannot be used, before its weights are brought."""
    for fault in config_faults(read_object(folder / CONFIG)) if (folder / CONFIG).is_file() else ():
        raise ModelError(f"{hub}, {CONFIG} {fault}")


def download(hub: str, revision: str, patterns: list[str]) -> Path:
    """The commit's folder in the cache of huggingface_hub, which checks sizes, and goes on where it was cut off."""
    os.environ["HF_HUB_OFFLINE"] = "0"  # lifted here alone, before huggingface_hub is imported
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=patterns))
    except Exception as error:  # it raises those of the libraries below it, too
        raise CorpusError(
            f"the model {hub} at {revision} could not be brought from the hub ({_first_line(error)}). Check name and "
            "commit, connect to the network, or set HF_HOME to a folder whose cache holds it; what has arrived is kept."
        ) from error


def join_weights(snapshot: Path, model: str) -> None:
    """Copy the weights; those of a model in several files are put into one."""
    from safetensors.torch import load_file, save_file

    pieces = weights_of(snapshot)
    require_room(Path(model).parent, sum(piece.stat().st_size for piece in pieces), "a base model")
    with whole(model) as part:
        if len(pieces) == 1:
            shutil.copyfile(pieces[0], part)
        else:
            state = {name: value for piece in pieces for name, value in load_file(piece).items()}
            save_file({name: state[name] for name in sorted(state)}, part, metadata={"format": "pt"})


def weights_of(snapshot: Path) -> list[Path]:
    """The file of the weights, or those that the index names; other layouts of them may lie beside."""
    single, index = snapshot / "model.safetensors", snapshot / "model.safetensors.index.json"
    named = set(read_json(index)["weight_map"].values()) if index.is_file() and not single.is_file() else {single.name}
    pieces = [snapshot / name for name in sorted(named)]
    if absent := [piece.name for piece in pieces if not piece.is_file()]:
        raise CorpusError(
            f"{snapshot} has no weights in the safetensors format ({', '.join(absent)}); choose another revision"
        )
    return pieces


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        fetch_base(**job)

"""Turn a GGUF file into the folder of files that every step reads: weights in float32, tokenizer, chat template."""

from pathlib import Path
from tempfile import TemporaryDirectory

from abstain.jobs.files import require_room, sha256, whole, write_json
from abstain.models.gguf_files import FORMATS, Gguf, read_model, read_tokenizer, write_settings
from abstain.models.layout import LayoutError, lay_out
from abstain.models.loading import save_weights


def unpack_base(
    gguf: str, source: dict, digest: str | None, choices: dict, template: list[str], model: str, card: str, **files: str
) -> dict:  # fmt: skip
    """Write the model's files and a card that says where they come from; returns what the job's record says of it.

    `source` names the file as the scale does, `digest` is the SHA-256 that the weights must have (null for any);
    `choices` and `template` are as for a base of the hub.
    """
    read = Gguf(gguf)
    loaded = read_model(read)
    tokenizer = read_tokenizer(read)
    with TemporaryDirectory() as folder:
        write_settings(read, loaded, tokenizer, Path(folder))
        lay_out(Path(folder), gguf, choices, template[0] if template else None, files)
    keep_weights(loaded, digest, model, gguf)
    hashes = {"gguf": sha256(gguf), "weights": sha256(model)}
    write_json(card, {"source": source, **read.facts(), "numbers": loaded.num_parameters(), "sha256": hashes})
    return {FORMATS: read.facts()[FORMATS]}


def keep_weights(loaded, digest: str | None, target: str, name: str) -> None:
    """Write a model's weights, tied ones once; raises LayoutError, and keeps nothing, when they are not as pinned."""
    require_room(Path(target).parent, 4 * loaded.num_parameters(), "a base model")
    with whole(target) as part:
        save_weights(loaded, part)
        if digest is not None and (found := sha256(part)) != digest:
            raise LayoutError(
                f"the weights that {name} leads to have the SHA-256 {found}, expected {digest}. Nothing was kept. If "
                "the file has changed on purpose, change `weights` of the base in the config."
            )


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        job.found = unpack_base(**job)

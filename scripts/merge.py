"""Merge an adapter into the weights it was trained on, and prove that nothing was lost on the way."""

from pathlib import Path

from abstain.jobs.files import read_jsonl, write_json
from abstain.jobs.progress import Progress
from abstain.models.adapters import attach_adapter
from abstain.models.answers import answers, published_answers
from abstain.models.loading import exact_torch, load_tokenizer
from abstain.models.merging import drafted, gate_prompts, gate_report, merged_model, publish, trained_base


def merge(
    start: list[str], weights: str, rendered: str, quantisation: str, dtype: str, adapter: dict, generation: dict,
    limits: dict, device: str, checkpoint: list[str], gate: str,
) -> None:  # fmt: skip
    """Write a standalone checkpoint in the base's folder layout.

    A QLoRA adapter is merged into the dequantised 4-bit weights that it was trained on, never into the original ones;
    the sums are float32 numbers, and stored in the number format `dtype` that was trained.
    Base with adapter, here, and the written checkpoint, in a process of its own, reply to about limits["prompts"]
    prompts of the training mix `rendered`: raises GateError, and leaves nothing, when the next-token distributions
    differ by more than limits["tolerance"] (KL divergence in nats, the largest over the prompts), or when less than
    the share limits["same_replies"] of the replies are the same text.
    """
    exact_torch(0, device)
    folder = Path(start[0]).parent
    tokenizer, prompts = load_tokenizer(folder), gate_prompts(read_jsonl(rendered), limits["prompts"])
    progress = Progress("model", [1, 1])  # that replies: the adapter on its base, the merged checkpoint
    trained = attach_adapter(trained_base(folder, quantisation, dtype, device), adapter, weights)
    before = answers(trained, tokenizer, prompts, generation)
    del trained  # room for the other model
    progress.reached(1)
    with drafted(checkpoint) as files:
        publish(merged_model(folder, weights, quantisation, dtype, adapter, device), tokenizer, start, files)
        report = gate_report(before, published_answers(Path(files[0]).parent, prompts, generation, device), limits)
    progress.reached(2)
    write_json(gate, report)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        merge(**job)

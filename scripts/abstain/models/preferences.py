"""Direct preference optimisation (DPO, arXiv 2305.18290): which of two replies is the better, learned without a reward.

TRL's DPOTrainer takes texts, and puts them through a chat template of its own choice, so this is transformers' Trainer
with the paper's loss, on tokens that `pair` rendered. Batches are put together by TRL's collator.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from abstain.models.batches import batches_by_rows
from abstain.models.loading import load_tokenizer
from abstain.models.losses import check_columns
from abstain.models.training import arguments

REPLIES = ("chosen", "rejected")
REFERENCE = [f"reference_{reply}" for reply in REPLIES]
COLUMNS = ["step", "loss", *REPLIES, *REFERENCE, "margin"]  # of what a training writes down
KNOWN = ["id", *REPLIES]  # of what the reference says


def log_probabilities(model, batch: dict):
    """The log-probability of each row's completion after its prompt, in nats: the sum over its tokens.

    `batch` holds `input_ids`, `attention_mask` and `completion_mask` of shape (rows, width). The output layer reads
    only the columns before a token of some completion, as in abstain.models.losses.
    """
    from torch.nn.functional import cross_entropy

    asked = batch["completion_mask"][:, 1:].bool()
    columns = asked.any(dim=0).nonzero()[:, 0]
    read = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = model(**read, logits_to_keep=columns, use_cache=False).logits.float()
    tokens = batch["input_ids"][:, 1:].masked_fill(~asked, -100)[:, columns]
    losses = cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none")  # it ignores -100
    return -losses.view_as(tokens).sum(dim=1)


def preference_loss(chosen, rejected, reference_chosen, reference_rejected, beta: float) -> tuple:
    """The loss of each pair, and its margin: how much larger the reward of the chosen reply is.

    Equation 7 of the paper, from the log-probabilities of both replies under the model and under the reference: a
    reply's reward is beta (log p - log p_reference), and the loss -log sigmoid(margin).
    """
    from torch.nn.functional import logsigmoid

    margins = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -logsigmoid(margins), margins


def reference_of(model, folder: Path, pairs: list[dict], rows: int) -> list[dict]:
    """{"id", "chosen", "rejected"} for each pair, in their order: the log-probabilities under a model without adapter.

    `rows` pairs are read together, those of like length, so that the numbers follow from the pairs alone.
    """
    import torch

    collate, found = collator(folder), {}
    lengths = [len(pair["prompt_ids"]) + max(len(pair[f"{reply}_ids"]) for reply in REPLIES) for pair in pairs]
    for members in batches_by_rows(lengths, [""] * len(pairs), rows):
        batch = {name: value.to(model.device) for name, value in collate([pairs[i] for i in members]).items()}
        with torch.inference_mode():
            known = log_probabilities(model.eval(), batch).chunk(2)
        found |= dict(zip(members, zip(*(each.tolist() for each in known), strict=True), strict=True))
    return [{"id": pair["id"], **dict(zip(REPLIES, found[i], strict=True))} for i, pair in enumerate(pairs)]


def collator(folder: Path):
    """TRL's: a batch of pairs is the chosen replies behind their prompts, then the rejected ones."""
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    return DataCollatorForPreference(pad_token_id=load_tokenizer(folder).pad_token_id)


def preference_trainer(
    model, folder: Path, pairs: list[dict], reference: list[dict], recipe: dict, seed: int, device: str, scratch: Path
):
    """The trainer of an adapter on pairs as `pair` writes them and what `reference_of` says of them."""
    from datasets import Dataset

    check_columns(model.get_base_model())
    settings = arguments({**recipe, "early_stopping": None}, seed, device, scratch)  # TRL's for SFT: nothing is missing
    settings.remove_unused_columns = False  # the collator reads them
    rows = [
        {key: pair[key] for key in ("prompt_ids", "chosen_ids", "rejected_ids")}
        | {f"ref_{reply}_logps": known[reply] for reply in REPLIES}
        for pair, known in zip(pairs, reference, strict=True)
    ]
    return pair_trainer()(
        beta=recipe["beta"],
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        data_collator=collator(folder),
        processing_class=load_tokenizer(folder),
    )


@cache
def pair_trainer() -> type:
    """transformers' trainer with the loss of a preference."""
    from transformers import Trainer

    class PairTrainer(Trainer):
        """A loss is the mean of a batch of pairs; that of a step the mean of its batches."""

        loss_is_scaled_for_ga = False

        def __init__(self, *args, beta: float, **kwargs):
            super().__init__(*args, **kwargs)
            self.beta, self.noted = beta, []

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            """The loss of a batch; there are no outputs to return."""
            if return_outputs:
                raise NotImplementedError("the loss is computed without logits of the whole row")
            known = [inputs[f"ref_{reply}_logps"] for reply in REPLIES]
            found = log_probabilities(model, inputs).chunk(2)
            losses, margins = preference_loss(*found, *known, self.beta)
            values = (*found, *known, margins)
            self.noted.append([float(each.detach().mean()) for each in values])
            return losses.mean()

        def log(self, logs, start_time=None):
            """Write down a step's numbers beside its loss."""
            if "loss" in logs and self.noted:
                logs |= dict(zip(COLUMNS[2:], means(self.noted), strict=True))
                self.noted = []
            super().log(logs, start_time)

    return PairTrainer


def means(rows: Iterable[list[float]]) -> list[float]:
    """The mean of each column."""
    return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def history(trainer) -> list[dict]:
    """Of every step the loss, the mean log-probability in nats of its chosen and of its rejected replies, under the
    model before the step and under the reference, and the mean margin.
    """
    steps = [row for row in trainer.state.log_history if "margin" in row]
    return [{"step": row["step"], **{name: f"{row[name]:.6f}" for name in COLUMNS[1:]}} for row in steps]


def written(reference: list[dict]) -> list[dict]:
    """What the reference says, as it is written down."""
    return [{"id": row["id"], **{reply: f"{row[reply]:.6f}" for reply in REPLIES}} for row in reference]

"""The loss of supervised fine-tuning: cross-entropy of the replies' tokens, and of no others."""

from inspect import signature

from abstain.models.loading import ModelError


def check_columns(base) -> None:
    """Raise ModelError for a model that cannot give the logits of some columns alone, as `reply_loss` asks for."""
    if "logits_to_keep" not in signature(base.forward).parameters:
        raise ModelError(
            f"{base.name_or_path}: {type(base).__name__} of transformers knows no logits_to_keep; take another base"
        )


def reply_loss(model, inputs: dict, tokens=None):
    """The mean negative log-likelihood, in nats, of the tokens of a batch that carry loss: their sum over `tokens`, by
    default their number. A step over several batches gives the number in all of them.

    `inputs` holds `input_ids`, `attention_mask` and `labels` of shape (rows, width); a label of -100 carries no loss,
    and some label carries loss.
    The output layer reads only the columns before a label in some row (`logits_to_keep` of transformers' models):
    over 49,152 words it costs as much as ten layers, and its logits are the largest thing in memory.
    """
    from torch.nn.functional import cross_entropy

    labels = inputs["labels"][:, 1:]
    columns = (labels != -100).any(dim=0).nonzero()[:, 0]
    read = {name: value for name, value in inputs.items() if name != "labels"}
    logits = model(**read, logits_to_keep=columns, use_cache=False).logits
    answers = labels[:, columns]
    total = cross_entropy(logits.flatten(0, 1).float(), answers.flatten(), reduction="sum")  # it ignores -100
    return total / (tokens if tokens is not None else (answers != -100).sum())

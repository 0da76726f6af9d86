"""Two steps of LoRA on a base, and one by a preference: prints a SHA-256 of the losses, logits and adapter.

    python tests/two_steps.py FOLDER QUANTISATION [FOLDER QUANTISATION ...]

A program of its own, because test_emulation.py runs it on other CPUs: on them arithmetic is a hundred times slower.
"""

import hashlib
import sys

import torch
from tuned import SHAPE

from abstain.models.adapters import new_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.models.losses import reply_loss
from abstain.models.preferences import log_probabilities, preference_loss

ROWS = torch.arange(16).reshape(2, 8) * 61 % 2000
REPLY = torch.arange(8) >= 6
BATCH = {"input_ids": ROWS, "labels": ROWS.masked_fill(~REPLY, -100)}
PAIR = {"input_ids": ROWS, "attention_mask": torch.ones_like(ROWS), "completion_mask": REPLY.expand_as(ROWS).long()}


def demonstrated(model):
    """The loss of supervised fine-tuning on both rows."""
    return reply_loss(model, BATCH)


def preferred(model):
    """The loss of preferring the first row's reply to the second's, where the reference does so a little more."""
    chosen, rejected = log_probabilities(model, PAIR).chunk(2)
    losses, _ = preference_loss(chosen, rejected, chosen.detach() + 0.25, rejected.detach() - 0.5, beta=0.1)
    return losses.mean()


def two_steps(folder: str, quantisation: str):
    """Bytes of each loss, of the logits behind the last step, and of the adapter, in order."""
    exact_torch(1, "cpu")
    model = new_adapter(load_model(folder, quantisation, "float32", "cpu"), SHAPE).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=0.01, fused=True)
    for of in (demonstrated, demonstrated, preferred):
        loss = of(model)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        yield loss.detach()
    with torch.no_grad():
        yield model.eval()(ROWS, logits_to_keep=1).logits
    yield from (parameter.detach() for parameter in trained)


if __name__ == "__main__":
    for base in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        digest = hashlib.sha256()
        for tensor in two_steps(*base):
            digest.update(tensor.contiguous().numpy().tobytes())
        print(digest.hexdigest(), flush=True)

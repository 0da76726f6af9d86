"""Two steps of LoRA on the pocket model, in float32 and in 4 bit: prints a SHA-256 of the losses, logits and adapters.

A program of its own, because test_emulation.py runs it on other CPUs: on them arithmetic is a hundred times slower.
"""

import hashlib
import sys

import torch
from tuned import POCKET, SHAPE

from abstain.models.adapters import new_adapter
from abstain.models.loading import exact_torch, load_model

ROWS = torch.arange(32).reshape(2, 16) * 61 % 2000


def two_steps(quantisation: str):
    """Bytes of each loss, of the logits behind the last step, and of the adapter, in order."""
    exact_torch(1, "cpu")
    model = new_adapter(load_model(POCKET, quantisation, "float32", "cpu"), SHAPE).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=0.01, fused=True)
    for _ in range(2):
        loss = model(input_ids=ROWS, labels=ROWS).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        yield loss.detach()
    with torch.no_grad():
        yield model.eval()(ROWS).logits
    yield from (parameter.detach() for parameter in trained)


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        digest = hashlib.sha256()
        for tensor in two_steps(kind):
            digest.update(tensor.contiguous().numpy().tobytes())
        print(kind, digest.hexdigest(), flush=True)

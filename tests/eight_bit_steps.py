"""Four steps of AdamW with 8-bit state on weights of an adapter's size: prints a SHA-256 of weights and state.

A program of its own, because test_emulation.py runs it on other CPUs.
"""

import hashlib
from collections.abc import Iterator

import torch
from bitsandbytes.optim import PagedAdamW8bit

from abstain.models.loading import exact_torch

SHAPES = [(16, 576), (192, 16)]  # more than 4,096 numbers, whose state is in 8 bit, and fewer
STEPS = 4


def steps() -> Iterator:
    """The weights after each step, and at the end their state."""
    exact_torch(1, "cpu")
    weights = [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    optimiser = PagedAdamW8bit(weights, lr=0.01)
    for _ in range(STEPS):
        for each in weights:
            each.grad = torch.randn(each.shape) * each.detach().abs()
        optimiser.step()
        yield from (each.detach() for each in weights)
    yield from (optimiser.state[each][name] for each in weights for name in ("state1", "state2"))


if __name__ == "__main__":
    digest = hashlib.sha256()
    for tensor in steps():
        digest.update(tensor.contiguous().numpy().tobytes())
    print(digest.hexdigest(), flush=True)

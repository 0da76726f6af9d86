"""Four steps of AdamW with 8-bit state on weights of an adapter's size: prints weights and state as JSON.

A program of its own, because test_emulation.py runs it on other CPUs.
"""

import json

import torch
from bitsandbytes.optim import PagedAdamW8bit

SHAPES = [(16, 576), (192, 16)]  # more than 4,096 numbers, whose state is in 8 bit, and fewer
STEPS = 4


def after_steps() -> dict[str, list]:
    """The weights after the last step, and their state, of which some are whole numbers."""
    weights = [torch.nn.Parameter(torch.arange(a * b).reshape(a, b) * 0.37 % 1.9 - 0.9) for a, b in SHAPES]
    optimiser = PagedAdamW8bit(weights, lr=0.01)
    for step in range(STEPS):
        for each in weights:
            each.grad = each.detach() * 1.3 - 0.2 * step
        optimiser.step()
    state = [optimiser.state[each][name] for each in weights for name in ("state1", "state2")]
    return {name: [each.tolist() for each in listed] for name, listed in (("weights", weights), ("state", state))}


if __name__ == "__main__":
    print(json.dumps(after_steps()), flush=True)

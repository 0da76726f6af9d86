"""Two steps of LoRA: prints a SHA-256 of the losses, logits and adapter, for each of two models.

`pocket` is the pocket model in 4 bit. `small` has the shapes of SmolLM2-135M, one block of thirty; it takes too long
under emulation for every run of the tests, and `python tests/two_steps.py small` on two machines compares it. A program
of its own, because test_emulation.py runs it on other CPUs: on them arithmetic is a hundred times slower.
"""

import hashlib
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig
from tuned import POCKET, SHAPE

from abstain.models.adapters import new_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.models.losses import reply_loss
from abstain.models.products import through_onednn

ROWS = torch.arange(32).reshape(2, 16) * 61 % 2000
BATCH = {"input_ids": ROWS, "labels": ROWS.masked_fill(torch.arange(16) < 12, -100)}
SMOLLM2 = LlamaConfig(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=1, num_attention_heads=9,
    num_key_value_heads=3, tie_word_embeddings=True,
)  # fmt: skip


def small():
    """A model of SmolLM2's shapes, with weights drawn at random."""
    model = AutoModelForCausalLM.from_config(SMOLLM2, attn_implementation="sdpa")
    through_onednn(model)
    return model


MODELS = {"pocket": lambda: load_model(POCKET, "nf4", "float32", "cpu"), "small": small}


def two_steps(name: str):
    """Bytes of each loss, of the logits behind the last step, and of the adapter, in order."""
    exact_torch(1, "cpu")
    model = new_adapter(MODELS[name](), SHAPE).train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=0.01, fused=True)
    for _ in range(2):
        loss = reply_loss(model, BATCH)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        yield loss.detach()
    with torch.no_grad():
        yield model.eval()(ROWS, logits_to_keep=1).logits
    yield from (parameter.detach() for parameter in trained)


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        digest = hashlib.sha256()
        for tensor in two_steps(kind):
            digest.update(tensor.contiguous().numpy().tobytes())
        print(kind, digest.hexdigest(), flush=True)

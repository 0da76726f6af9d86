"""The loss of training: that of the tokens of replies, as transformers' models give it, and no other column is read."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from tuned import POCKET

from abstain.models.loading import load_model
from abstain.models.losses import reply_loss

IDS = torch.arange(60).reshape(3, 20) * 31 % 1000
PLACES = torch.arange(20)
ENDS = torch.tensor([[19], [17], [14]])
LABELS = IDS.masked_fill((PLACES < 12) | (ENDS < PLACES), -100)
BATCH = {"input_ids": IDS, "labels": LABELS, "attention_mask": torch.ones_like(IDS)}


@pytest.fixture(scope="module")
def model():
    return load_model(POCKET, "none", "float32", "cpu")


def test_it_is_the_loss_of_the_model_with_the_same_gradient(model):
    weight = model.model.layers[0].mlp.up_proj.weight
    found = []
    for loss in (model(**BATCH).loss, reply_loss(model, BATCH)):
        (gradient,) = torch.autograd.grad(loss, [weight])
        found.append((loss.detach(), gradient))
    assert torch.allclose(found[0][0], found[1][0], rtol=1e-5)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-6) and found[0][1].abs().sum() > 0


def test_batches_of_one_step_add_up_to_the_loss_of_their_rows_together(model):
    tokens = (LABELS[:, 1:] != -100).sum()
    parts = [reply_loss(model, {key: value[i : i + 1] for key, value in BATCH.items()}, tokens) for i in range(3)]
    assert torch.allclose(torch.stack(parts).sum(), reply_loss(model, BATCH), rtol=1e-5)


def test_the_output_layer_reads_only_columns_that_carry_loss(model):
    seen = []
    hook = model.lm_head.register_forward_hook(lambda layer, given, logits: seen.append(tuple(given[0].shape)))
    reply_loss(model, BATCH)
    hook.remove()
    assert seen == [(3, 8, model.config.hidden_size)]  # 8 of 20 columns


def test_tokens_without_loss_do_not_matter(model):
    labels = LABELS.clone()
    labels[1:] = -100
    logits = model(IDS[:1]).logits[0, 11:19]
    alone = cross_entropy(logits, IDS[0, 12:20])
    assert torch.allclose(reply_loss(model, {**BATCH, "labels": labels}), alone, rtol=1e-5)

"""Products by oneDNN: the numbers of torch's own layers up to rounding, with gradients, and nothing else changes."""

import bitsandbytes as bnb
import pytest
import torch
from torch.nn.functional import linear
from tuned import POCKET, PROMPTS, SHAPE

from abstain.models.adapters import new_adapter
from abstain.models.loading import load_model
from abstain.models.products import as_torch_has_them, through_onednn

SHAPES = [(1, 1, 192, 512), (4, 70, 512, 192), (2, 3, 16, 192), (1, 7, 192, 2000)]


def both(layer: torch.nn.Module, x: torch.Tensor) -> tuple:
    """The output for x and all gradients, as copies."""
    x = x.clone().requires_grad_()
    y = layer(x)
    y.square().sum().backward()
    grads = [parameter.grad.clone() for parameter in layer.parameters() if parameter.requires_grad]
    layer.zero_grad()
    return y.detach(), x.grad, *grads


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_layer_gives_the_same_output_and_gradients_up_to_rounding(shape, bias):
    torch.manual_seed(0)
    *rows, wide, high = shape
    layer, x = torch.nn.Linear(wide, high, bias=bias), torch.randn(*rows, wide)
    before = both(layer, x)
    assert through_onednn(layer) == 1
    assert through_onednn(layer) == 0  # as it is already
    for one, other in zip(before, both(layer, x), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)  # of one token alone the gradient differs by rounding
def test_the_gradient_is_the_same_bytes_whether_or_not_the_weights_are_trained(shape):
    torch.manual_seed(0)
    *rows, wide, high = shape
    layer, x = torch.nn.Linear(wide, high), torch.randn(*rows, wide)
    through_onednn(layer)
    trained = both(layer, x)[:2]
    layer.requires_grad_(False)
    for one, other in zip(trained, both(layer, x), strict=True):
        assert torch.equal(one, other)


def test_weights_that_changed_between_two_gradients_are_turned_again():
    layer, x = torch.nn.Linear(16, 8).requires_grad_(False), torch.randn(3, 16)
    through_onednn(layer)
    _, first = both(layer, x)
    with torch.no_grad():
        layer.weight.mul_(2)
        layer.bias.mul_(2)
    _, second = both(layer, x)
    assert torch.allclose(second, 4 * first, rtol=1e-4, atol=1e-4)


def test_a_layer_in_4_bit_multiplies_by_the_weights_that_it_stands_for():
    model = load_model(POCKET, "nf4", "float32", "cpu")
    layer = next(module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit))
    weight = bnb.functional.dequantize_4bit(layer.weight, layer.weight.quant_state)
    x = torch.randn(2, 5, weight.shape[1], generator=torch.Generator().manual_seed(0))
    assert torch.allclose(layer(x), linear(x, weight, layer.bias), rtol=1e-5, atol=1e-5)


def test_every_linear_layer_of_a_model_and_of_its_adapter_is_one_and_keeps_its_name():
    model = new_adapter(load_model(POCKET, "none", "float32", "cpu"), SHAPE)
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    assert len(layers) == 6 * 7 * 3 + 1  # of six blocks: seven layers, each with A and B; and the head
    assert {type(layer).__name__ for layer in layers} == {"OneDnnLinear"}
    assert set(load_model(POCKET, "none", "float32", "cpu").state_dict()) >= {"model.layers.0.mlp.up_proj.weight"}


def test_a_model_in_bfloat16_multiplies_as_torch_does():
    x, layer = torch.randn(3, 8).bfloat16(), torch.nn.Linear(8, 4).bfloat16()
    before = layer(x)
    through_onednn(layer)
    assert torch.equal(layer(x), before)


def test_the_layers_can_have_their_own_classes_back():
    layer = torch.nn.Linear(8, 4)
    model = torch.nn.Sequential(layer)
    assert through_onednn(model) == 1 and type(layer) is not torch.nn.Linear
    as_torch_has_them(model)
    assert type(layer) is torch.nn.Linear


def test_replies_and_logits_of_the_pocket_model_differ_by_rounding_alone():
    ids = torch.tensor(PROMPTS)
    model = load_model(POCKET, "none", "float32", "cpu").eval()
    with torch.inference_mode():
        found = model(ids).logits
        as_torch_has_them(model)
        assert torch.allclose(found, model(ids).logits, atol=1e-3)

"""Matrix products by oneDNN on a CPU: the same bytes on every CPU with AVX2 (ONEDNN_MAX_CPU_ISA), at full speed.

MKL has such a mode too (MKL_CBWR=COMPATIBLE), at less than half the speed. The call is public and has gradients:
`F.linear(x.to_mkldnn(), weight, bias).to_dense()` (pytorch.org/docs/stable/generated/torch.Tensor.to_mkldnn.html).
"""

from functools import cache


def through_onednn(model) -> int:
    """Let the linear layers of a model on a CPU, those in 4 bit too, multiply by oneDNN; returns their number.

    Layers keep their weights, names and ancestors: each becomes an instance of a subclass of what it was. 4-bit layers
    are also kept from repacking their weights into bf16 on CPUs with AVX512-BF16, as bitsandbytes 0.50 does silently
    in eval mode: outputs then depend on the CPU, and gradients become None.
    """
    layers = [module for module in model.modules() if _subclass(type(module)) is not None]
    for layer in layers:
        layer.__class__ = _subclass(type(layer))
        layer.support_avx512bf16_for_cpu = False  # which 4-bit layers alone look at
    return len(layers)


def as_torch_has_them(model) -> None:
    """Give the layers back their own classes, which multiply as torch does: for comparisons, never for results."""
    for module in model.modules():
        if type(module).__name__.startswith("OneDnn"):
            module.__class__ = type(module).__mro__[1]


@cache
def _subclass(kind: type) -> type | None:
    """The class in place of torch's Linear or bitsandbytes' Linear4bit; None in place of any other."""
    import torch

    if kind is torch.nn.Linear:
        return _plain(kind)
    return _packed(kind) if (kind.__module__, kind.__name__) == ("bitsandbytes.nn.modules", "Linear4bit") else None


def _plain(kind: type) -> type:
    import torch

    class OneDnnLinear(kind):
        """A linear layer whose products in float32 are oneDNN's."""

        def forward(self, x):
            """The layer's output for x, whose last dimension is the input's width."""
            return _product(x, self.weight, self.bias) if x.dtype == torch.float32 else super().forward(x)

    return OneDnnLinear


def _packed(kind: type) -> type:
    import torch
    from bitsandbytes.functional import dequantize_4bit

    class OneDnnLinear4bit(kind):
        """The same with weights in 4 bit, which become float32 for each product."""

        def forward(self, x):
            """The layer's output for x, whose last dimension is the input's width."""
            if x.dtype != torch.float32 or self.compute_dtype not in (None, torch.float32):
                return super().forward(x)
            return _product(x, dequantize_4bit(self.weight, self.weight.quant_state), self.bias)

    return OneDnnLinear4bit


def _product(x, weight, bias):
    from torch.nn.functional import linear

    return linear(x.to_mkldnn(), weight, bias).to_dense()

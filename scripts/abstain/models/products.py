"""Matrix products by oneDNN on a CPU: the same bytes on every CPU with AVX2 (ONEDNN_MAX_CPU_ISA), at full speed.

MKL has such a mode too (MKL_CBWR=COMPATIBLE), at less than half the speed. The call is public and has gradients:
`F.linear(x.to_mkldnn(), weight, bias).to_dense()` (pytorch.org/docs/stable/generated/torch.Tensor.to_mkldnn.html).
Its gradient for x turns the weights at every call; of weights that are not trained a turned copy is kept instead, and
the gradient is one more product (pytorch.org/docs/stable/notes/extending.html).
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

        kept = None  # which weights were turned last, and their transpose

        def forward(self, x):
            """The layer's output for x, whose last dimension is the input's width."""
            if x.dtype != torch.float32:
                return super().forward(x)
            return _product(x, self.weight, self.bias, self._turned)

        def _turned(self):
            version = self.weight.data_ptr(), self.weight._version
            if self.kept is None or self.kept[0] != version:
                self.kept = version, self.weight.t().contiguous()
            return self.kept[1]

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
            weight = dequantize_4bit(self.weight, self.weight.quant_state)
            return _product(x, weight, self.bias, weight.t().contiguous)

    return OneDnnLinear4bit


def _product(x, weight, bias, turned):
    """The product; `turned` gives the transpose of the weights, for the gradient for x where they have none."""
    import torch

    if weight.requires_grad or not (x.requires_grad and torch.is_grad_enabled()):
        return _forward(x, weight, bias)
    return _frozen().apply(x, weight, bias, turned())


def _forward(x, weight, bias=None):
    from torch.nn.functional import linear

    return linear(x.to_mkldnn(), weight, bias).to_dense()


@cache
def _frozen() -> type:
    import torch

    class FrozenProduct(torch.autograd.Function):
        """A product with weights that are not trained."""

        @staticmethod
        def forward(context, x, weight, bias, turned):
            """The product, as without gradients; the transpose of the weights is kept for the gradient for x."""
            context.save_for_backward(turned)
            return _forward(x, weight, bias)

        @staticmethod
        def backward(context, gradient):
            """The gradient for x, and none for the others."""
            return _forward(gradient, context.saved_tensors[0]), None, None, None

    return FrozenProduct

"""The tokenizer of a GGUF file as transformers builds it, with the pre-tokenisation rules that the file names.

A tokenizer splits text by these rules before it applies its vocabulary. A GGUF file gives only their name. For a name
that it does not know, transformers 5.23 silently uses GPT-2's rules: other tokens come out, rarely and in unexpected
places. The names below were compared with llama.cpp on its own test texts, and any other is refused.
"""

from collections.abc import Callable, Mapping

from abstain.models.loading import ModelError

SPACE = "\u2581"  # how SentencePiece writes a space


def as_built(backend) -> None:
    """The rules that transformers builds are right; nothing is changed."""


def digits_apart(backend) -> None:
    """Each digit is cut off before all else, so that spaces before a number stay together."""
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    backend.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])


def whole_words(backend) -> None:
    """A piece of text that is in the vocabulary is one token, even where the merges do not lead to it."""
    model = backend.model
    model.ignore_merges = True
    backend.model = model


def space_in_front(backend) -> None:
    """One more space is put in front of every piece of text, also of one that begins with a space."""
    from tokenizers.normalizers import Prepend, Replace, Sequence

    backend.normalizer, backend.pre_tokenizer = Sequence([Prepend(SPACE), Replace(" ", SPACE)]), None


RULES: dict[tuple[str, str], Callable] = {  # by the kind of vocabulary and the name of the rules
    ("gpt2", "gpt-2"): as_built,
    ("gpt2", "qwen2"): as_built,
    ("gpt2", "qwen35"): as_built,
    ("gpt2", "llama-bpe"): whole_words,
    ("gpt2", "smollm"): digits_apart,
    ("gpt2", "starcoder"): digits_apart,
    ("gpt2", "refact"): digits_apart,
    ("gpt2", "command-r"): digits_apart,
    ("llama", "default"): space_in_front,
}


def mend_tokenizer(backend, keys: Mapping, name: str) -> None:
    """Give a tokenizer of the library `tokenizers` the rules that a GGUF file's `keys` name; `name` is the file's.

    Raises ModelError for rules that nobody has compared.
    """
    kind, rules = keys.get("tokenizer.ggml.model"), keys.get("tokenizer.ggml.pre", "default")
    spaced = keys.get("tokenizer.ggml.add_space_prefix", True)
    if (kind, rules) not in RULES or (kind == "llama" and not spaced):
        variant = f"{kind}, {rules}" if spaced else f"{kind}, {rules}, no space in front"
        raise ModelError(
            f"the tokenizer of {name} cuts text by rules ({variant}) that were never compared with llama.cpp; take the "
            f"original with its tokenizer.json, or a file with one of {', '.join(sorted(rules for _, rules in RULES))}"
        )
    RULES[kind, rules](backend)

"""The layout of a base that is fetched: the files of every base, with a tokenizer that is the same in them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from abstain.chats.choices import choose
from abstain.chats.reading import read_back
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import copy_file
from abstain.models.loading import load_tokenizer
from abstain.settings.model_files import CONFIG, TOKENIZER

LETTERS = "the quick brown fox jumps over the lazy dog 0123456789"
TEXTS = ("  12345.678  two  spaces\n\n\tdef f(x):\r\n        return x", "Où est-il? Дом, 漢字, 한글, שלום 🙂", "</s>")


class LayoutError(AbstainError, ValueError):
    """A base whose files cannot be laid out as every step reads them."""


def lay_out(source: Path, name: str, choices: dict[str, str], template: str | None, files: dict[str, str]) -> None:
    """Write the tokenizer as it is once loaded, with the choices that a scale makes for the base, its chat template in
    a file of its own, and copy the other files.

    `template` is the path of a chat template of one's own; `files` are the paths to write, called as in every base.
    """
    with TemporaryDirectory() as folder:
        tokenizer = _tokenizer_of(source, name)
        before = tokens_of(tokenizer)
        choose(tokenizer, choices, Path(template).read_text(encoding="utf-8") if template else None)
        tokenizer.save_pretrained(folder)
        if (source / CONFIG).is_file():  # which tokenizers are made by, too
            copy_file(source / CONFIG, Path(folder, CONFIG))
        if tokens_of(load_tokenizer(folder)) != before:
            raise LayoutError(f"the tokenizer of {name} makes other tokens once it is saved; take another base")
        for target in files.values():
            kind = Path(target).name
            found = [place / kind for place in (Path(folder), source) if (place / kind).is_file()]
            if not found:
                more = ", or give the base a key `chat_template`" if kind.endswith(".jinja") else ""
                raise LayoutError(f"{name} has no {kind}; choose a model or revision that has it{more}")
            copy_file(found[0], target)


def tokens_of(tokenizer) -> list[list[int]]:
    """The tokens of texts that tokenizers differ in: digits, spaces, line ends, code, other scripts."""
    return [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (LETTERS, *TEXTS)]


def _tokenizer_of(source: Path, name: str):
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False)
        back = read_back(tokenizer, LETTERS, tokenizer(LETTERS, add_special_tokens=False)["input_ids"])
        why = f"of {LETTERS!r} it reads {back!r}" if back != LETTERS else None
    except Exception as error:  # libraries raise whatever a missing or damaged file leads to
        why = " ".join(str(error).split())[:300]
    if why and not (source / TOKENIZER).is_file():
        why = f"it has no {TOKENIZER}, and none can be made from its other files ({why})"
    if why:
        raise LayoutError(
            f"the tokenizer of {name} cannot be used: {why}. Choose a model or revision with a {TOKENIZER} that holds "
            "its whole vocabulary"
        )
    return tokenizer

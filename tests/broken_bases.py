"""Bases, chats and limits that are wrong in one way each, and what is said of it: for render, audit and check_chats."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from chats import BODY, PROMPT
from families import FAMILIES, PUBLISHED, TEXTS, write_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

REPLY = "With care.\nIn a pan. 🙂"
ROLES = ["<unk>", "<pad>", "<eos>", "<user>", "<assistant>", "<system>"]
ROLED = (
    "{% for m in messages %}{{ '<' + m.role + '>' + m.content + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def letters(unk: str | None) -> Callable:
    """A tokenizer that knows the letters of a few texts and has no bytes to fall back to."""

    def made(added: tuple[str, ...]) -> Tokenizer:
        known = Tokenizer(models.BPE(unk_token=unk))
        known.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
        known.decoder = decoders.Metaspace(prepend_scheme="never")
        known.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=200, special_tokens=ROLES, show_progress=False))
        return known

    return made


def changing(normalizer) -> Callable:
    """A byte-level tokenizer that changes a text before it reads it."""

    def made(added: tuple[str, ...]) -> Tokenizer:
        known = FAMILIES["qwen2.5"].bpe(added)
        known.normalizer = normalizer
        return known

    return made


@dataclass(frozen=True)
class Broken:
    """A base, a chat and limits; `words` is what must be said of them, None where all is well."""

    words: str | None
    family: str = "qwen2.5"
    bpe: Callable | None = None
    template: str | None = None
    tokens: dict = field(default_factory=dict)  # None takes a token away
    config: dict = field(default_factory=dict)
    reply: str = REPLY
    lengths: dict = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the tokenizer, and a config.json for its vocabulary."""
        family = FAMILIES[self.family]
        tokens = {name: text for name, text in {**family.tokens, **self.tokens}.items() if text is not None}
        tokenizer = write_tokenizer(folder, replace(family, bpe=self.bpe or family.bpe, tokens=tokens))
        if self.template is not None:
            (folder / "chat_template.jinja").write_text(self.template, encoding="utf-8")
        config = {"model_type": "llama", "vocab_size": len(tokenizer), "max_position_embeddings": 512}
        (folder / "config.json").write_text(json.dumps({**config, **self.config}))
        return folder


OWN = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
DATED = "<|im_start|>system\nToday is {{ NOW }}.<|im_end|>\n" + BODY + PROMPT
BROKEN_BASES = {
    "letters that are unknown": Broken(
        r"do not decode.*lost is .*'\\n'", bpe=letters("<unk>"), template=ROLED, tokens=OWN
    ),
    "letters that vanish": Broken(
        "do not decode.*lost is ", bpe=letters(None), template=ROLED, tokens={**OWN, "unk_token": None}
    ),
    "small letters alone": Broken("do not decode.*lost is .*'H'", bpe=changing(normalizers.Lowercase()), tokens=FAST),
    "one space for two": Broken(
        "do not decode.*lost is ' '", bpe=changing(normalizers.Replace("  ", " ")), tokens=FAST, reply="a  b"
    ),
    "padding without a row": Broken(
        r"pad_token '\[PAD\]'.*has the id.*`pad_token`.*'<unk>'",
        "tinyllama",
        tokens={"pad_token": "[PAD]"},
        config={"vocab_size": 330},
    ),
    "an end token without a row": Broken(
        r"eos_token '<\|im_end\|>'.*has the id.*`end_token`", config={"vocab_size": 258}
    ),
    "rows without a row": Broken("the token .* has the id .*0 to 299", "tinyllama", config={"vocab_size": 300}),
    "the clock": Broken(
        r"asks for today's date.*key `date`", template=DATED.replace("NOW", "strftime_now('%d %b %Y')")
    ),
    "the clock through a variable": Broken(
        "asks for today's date", template=(PUBLISHED / "llama3_2.jinja").read_text()
    ),
    "a choice by chance": Broken("by chance", template=DATED.replace("NOW", "['one', 'two'] | random")),
    "a text by chance": Broken("by chance", template=DATED.replace("NOW", "lipsum(n=1)")),
    "a text that is no template": Broken("no Jinja template", template="{% for m in messages %}{{ m.content }"),
    "a template that fails": Broken("cannot write a chat of the roles user: division", template="{{ 1 / 0 }}"),
    "no template": Broken("cannot write a chat|no Jinja|leaves out", template=""),
    "a template that drops the question": Broken("leaves out or rewrites", template=PROMPT),
    "a row behind the last position": Broken("more than the 20 positions", config={"max_position_embeddings": 20}),
    "a reply behind the last position": Broken(
        "beyond the 95 positions", config={"max_position_embeddings": 95}, lengths={"new_tokens": 50}
    ),
    "a row longer than the recipe bears": Broken("more than the 30 of max_length", lengths={"max_length": 30}),
    "an empty reply": Broken("Give every row a reply", reply=" "),
    "an end token in the reply": Broken("out of the replies", reply="Stop.<|im_end|>Go."),
}
WHOLE_BASES = {
    "a byte-level tokenizer": Broken(None),
    "a tokenizer that falls back to bytes": Broken(None, "tinyllama"),
    "a thinking template": Broken(None, "qwen3"),
    "padding that is the end": Broken(None, "tinyllama", tokens={"pad_token": "</s>"}),
    "no padding": Broken(None, "tinyllama", tokens={"pad_token": None}),
    "another Unicode form": Broken(None, reply="Cafe\u0301 \u1e9b\u0323"),
    "an end token twice": Broken(
        None, template=BODY + PROMPT + "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}"
    ),
    "a row that just fits": Broken(
        None, "tinyllama", config={"max_position_embeddings": 112}, lengths={"max_length": 112}
    ),
}

"""Train the pocket model's byte-level BPE tokenizer on the composed chats."""

from itertools import islice

from abstain.chats.templates import CHATML, IM_END, IM_START, PAD
from abstain.jobs.files import read_jsonl, whole, write_json, write_text

# Qwen2's split of text into words (github.com/QwenLM, tokenizer.json): every digit is a token of its own.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(chats: str, recipe: dict, tokenizer: str, tokenizer_config: str, chat_template: str) -> None:
    """Learn the merges from the first chats; all 256 bytes are in the alphabet, so any text survives in its NFC.

    transformers reads the folder of a Qwen2 with Qwen2's own class, which puts NFC in whatever the file says
    (tokenization_qwen2.py), so the file says it too.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(WORDS), "isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe["tokenizer"]["vocabulary"],
        special_tokens=[PAD, IM_START, IM_END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    rows = islice(read_jsonl(chats), recipe["tokenizer"]["rows"])
    bpe.train_from_iterator((message["content"] for row in rows for message in row["messages"]), trainer)
    with whole(tokenizer) as part:
        bpe.save(str(part))
    write_text(chat_template, CHATML)
    write_json(tokenizer_config, _settings(recipe))


def _settings(recipe: dict) -> dict:
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": IM_END,
        "pad_token": PAD,
        "model_max_length": recipe["shape"]["max_position_embeddings"],
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
    }


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        train_tokenizer(**job)

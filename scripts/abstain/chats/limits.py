"""What a base can read: token ids below the number of rows of its embedding, and sequences up to a length."""

from dataclasses import dataclass
from pathlib import Path

from abstain.chats.checks import TemplateError

STRETCHED = ("linear", "dynamic", "yarn")  # ways of rope scaling whose factor multiplies the positions


@dataclass(frozen=True)
class Limits:
    """What limits a row: the base's `vocabulary` (rows of its embedding) and `positions`, the recipe's `max_length`,
    and the `new_tokens` that may be generated behind a prompt. None where nothing is known or nothing limits.
    """

    vocabulary: int | None = None
    positions: int | None = None
    max_length: int | None = None
    new_tokens: int = 0


def limits_of(folder: str | Path, max_length: int | None = None, new_tokens: int = 0) -> Limits:
    """The limits that a base's config.json states; of a tokenizer's folder without one nothing is known."""
    from transformers import AutoConfig

    if not Path(folder, "config.json").is_file():
        return Limits(max_length=max_length, new_tokens=new_tokens)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_text_config()
    except Exception as error:  # libraries raise whatever a damaged file leads to
        raise TemplateError(f"{folder}/config.json cannot be read: {error}") from error
    return Limits(getattr(config, "vocab_size", None), positions_of(config), max_length, new_tokens)


def positions_of(config) -> int | None:
    """The length in tokens of the longest sequence that a model reads; None where its configuration states no limit.

    transformers uses `max_position_embeddings` with every type of rope scaling. Where that key still states the
    original positions, and rope scaling stretches them by a factor, the limit is the product of both.
    """
    stated = getattr(config, "max_position_embeddings", None)
    if not isinstance(stated, int) or stated < 1:
        return None
    scaling = getattr(config, "rope_parameters", None) or {}
    if scaling.get("rope_type") not in STRETCHED or not scaling.get("factor"):
        return stated
    first = scaling.get("original_max_position_embeddings") or stated
    return max(stated, int(first * scaling["factor"]))


def check_special_tokens(tokenizer, limits: Limits) -> None:
    """The end token and padding have a row in the base's embedding."""
    rows, where = limits.vocabulary, {"eos_token": "end_token", "pad_token": "pad_token"}
    for key, of_fetched in where.items():
        number = getattr(tokenizer, f"{key}_id")
        if rows is not None and number is not None and number >= rows:
            fit = [t for t in tokenizer.all_special_tokens if tokenizer.convert_tokens_to_ids(t) < rows][:20]
            raise TemplateError(
                f"the {key} {getattr(tokenizer, key)!r} of {tokenizer.name_or_path} has the id {number}, and the "
                f"embedding of the base has {rows} rows, 0 to {rows - 1}. Set {key} in tokenizer_config.json (for a "
                f"base that is fetched, its key `{of_fetched}`) to a token that has one: {', '.join(map(repr, fit))}."
            )


def check_ids(tokenizer, ids: list[int], limits: Limits) -> None:
    """Every token has a row in the base's embedding."""
    if limits.vocabulary is not None and ids and max(ids) >= limits.vocabulary:
        token = tokenizer.convert_ids_to_tokens(max(ids))
        raise TemplateError(
            f"the token {token!r} has the id {max(ids)}, and the base's embedding has {limits.vocabulary} rows, 0 to "
            f"{limits.vocabulary - 1}. Use the tokenizer that belongs to the base, or a chat template and rows without "
            "this token."
        )


def check_length(ids: list[int], prompt: int, limits: Limits) -> None:
    """Every row, and every prompt with its reply, fits the base's positions and max_length."""
    if limits.max_length is not None and len(ids) > limits.max_length:
        raise TemplateError(
            f"it has {len(ids)} tokens, more than the {limits.max_length} of max_length: cut, it would lose its end "
            "token. Leave the row out, or raise max_length."
        )
    if limits.positions is not None and len(ids) > limits.positions:
        raise TemplateError(
            f"it has {len(ids)} tokens, more than the {limits.positions} positions of the base "
            "(max_position_embeddings in its config.json). Leave the row out, or take a base that reads more."
        )
    if limits.positions is not None and prompt + limits.new_tokens > limits.positions:
        raise TemplateError(
            f"its prompt has {prompt} tokens, and with the {limits.new_tokens} of max_new_tokens it goes beyond the "
            f"{limits.positions} positions of the base (max_position_embeddings in its config.json). Lower "
            "max_new_tokens, leave the row out, or take a base that reads more."
        )

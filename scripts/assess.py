"""Ask the pocket model held-out questions of every kind, and write what its card states."""

from pathlib import Path

from abstain.chats.templates import prompt_ids
from abstain.jobs.files import write_csv
from abstain.models.batches import batches_by_rows
from abstain.models.generation import reply
from abstain.models.loading import exact_torch, load_model, load_tokenizer
from abstain.pocket.exam import held_out, rates, trained
from abstain.pocket.world import load_world

COLUMNS = ["items", "n", "read", "exact_match", "ended_turn", "refused"]


def assess(world: list[str], chats: list[str], model: list[str], tokenizer: list[str], measures: str) -> None:
    """Write, for each kind of item: n, and the shares (in [0, 1]) of items that the chats of the training hold word for
    word, that are replied to as taught, whose turn is ended, and that are refused.
    """
    exact_torch(0, "cpu")
    checkpoint = load_model(Path(model[0]).parent, "none", "float32", "cpu").eval()
    reader = load_tokenizer(Path(tokenizer[0]).parent)
    known, rows = trained(chats), []
    for kind, items in held_out(load_world(Path(world[0]).parent)).items():
        prompts = [prompt_ids(reader, messages) for messages, _ in items]
        replies: dict[int, dict] = {}
        for members in batches_by_rows([len(ids) for ids in prompts], [""] * len(prompts), 100):
            texts = reply(checkpoint, reader, [prompts[i] for i in members], 80)
            replies |= dict(zip(members, texts, strict=True))
        rows.append({"items": kind, "n": len(items), **rates(items, [replies[i] for i in range(len(items))], known)})
        print(rows[-1], flush=True)
    write_csv(measures, rows, COLUMNS)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        assess(**job)

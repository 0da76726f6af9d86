"""Compose the chats that the pocket model learns from: passages, facts, requests, labels, modes."""

from pathlib import Path

from abstain.jobs.files import write_jsonl
from abstain.pocket.world import compose, load_world, people


def compose_world(world: list[str], recipe: dict, phase: str, chats: str) -> None:
    """Write the chats of one phase of the recipe from the authored files of the world."""
    settings = {**recipe, **recipe["phases"][phase]}
    loaded = load_world(Path(world[0]).parent)
    names = people(loaded, *recipe["people"])
    write_jsonl(chats, (compose(loaded, settings, number, names) for number in range(*settings["chats"])))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        compose_world(**job)

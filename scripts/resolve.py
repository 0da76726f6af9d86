"""Write every study's resolved record: what its file asks, and the values that the scale gives."""

import yaml

from abstain.jobs.files import write_text


def resolve(scale: dict, studies: dict, resolved: str) -> None:
    """Write one YAML file: the scale's own values (device, bases, gate, corpora), and each study with all its keys.

    `dvc params diff` compares it between commits.
    """
    text = yaml.safe_dump({**scale, "studies": studies}, sort_keys=False, allow_unicode=True, width=120)
    write_text(resolved, f"# Written by the pipeline (scripts/resolve.py); do not edit.\n{text}")


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        resolve(**job)

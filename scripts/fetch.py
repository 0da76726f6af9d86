"""Bring one file of a public corpus: from a mirror folder when it is there, else from its pinned address."""

import os
from pathlib import Path

from abstain.corpora.download import CorpusError, fetch_file


def fetch(
    url: str | None, in_mirror: str, size: int, digest: str, mirror: str | None, file: str, scratch: Path
) -> None:  # fmt: skip
    """Write the file when its size and SHA-256 are as pinned; otherwise nothing.

    The folder named by ABSTAIN_MIRROR is tried first, then the config's `mirror`, then `url`. Raises CorpusError where
    there is no `url` and no folder holds the file.
    """
    folders = [folder for folder in (os.environ.get("ABSTAIN_MIRROR"), mirror) if folder]
    if url is None and not any((Path(folder).expanduser() / in_mirror).is_file() for folder in folders):
        tried = f" (tried: {', '.join(folders)})" if folders else ""
        words = f"no address has {in_mirror}, and no mirror holds it{tried}"
        raise CorpusError(f"{words}: set ABSTAIN_MIRROR to a folder that does")
    fetch_file(url or "", folders, in_mirror, size, digest, file, scratch)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        mirror = snakemake.config["mirror"]  # noqa: F821 - no parameter: the record names no machine's folder
        fetch(**job, mirror=mirror, scratch=job.scratch)

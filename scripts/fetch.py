"""Bring one file of a public corpus: from the mirror folder when it is there, else from its pinned address."""

from abstain.download import fetch_file


def fetch(url: str, mirror_path: str, size: int, digest: str, mirrors: list[str], file: str, scratch) -> None:
    """Write the file when its size and SHA-256 are as pinned; otherwise nothing."""
    fetch_file(url, [f"{mirror}/{mirror_path}" for mirror in mirrors], size, digest, file, scratch)


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        fetch(**job, scratch=job.scratch)

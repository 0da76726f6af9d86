"""Pinned files: copied from a mirror or downloaded, checked while they stream, kept only when they are right."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from abstain.files import whole

PIECE = 1 << 13  # bytes; what a broken connection loses at most


class CorpusError(ValueError):
    """A corpus that is missing, damaged or not what was pinned."""


def fetch_file(url: str, mirrors: list[str], size: int, digest: str, target: str, scratch: Path) -> None:
    """Write `target` from the first mirror that holds the file, else from `url` (resumed from `scratch` if cut off).

    Raises CorpusError, and keeps nothing, when size or SHA-256 differ from the pins.
    """
    found = next((Path(mirror) for mirror in mirrors if Path(mirror).is_file()), None)
    if found:
        print(f"from the mirror: {found}")
        _store(_pieces(found), size, digest, target, str(found))
        return
    part = scratch / digest
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        _download(url, part, size)
    except OSError as error:
        tried = ", ".join(mirrors) or "none set"
        raise CorpusError(
            f"{url} could not be downloaded ({error}) and no mirror holds it (tried: {tried}). "
            "Connect to the network or set ABSTAIN_MIRROR to a folder with the file; what has arrived is kept."
        ) from error
    try:
        _store(_pieces(part), size, digest, target, url)
    finally:
        part.unlink()


def _download(url: str, part: Path, size: int) -> None:
    """Append to `part` until it has `size` bytes; retries with backoff on connection errors and 429 or 5xx answers."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    session = requests.Session()
    session.mount(
        "https://", HTTPAdapter(max_retries=Retry(5, backoff_factor=1, status_forcelist=[429, 500, 502, 503, 504]))
    )
    have = part.stat().st_size if part.exists() else 0
    if have >= size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with session.get(url, headers=headers, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        with part.open("ab" if answer.status_code == 206 else "wb") as file:
            for piece in answer.iter_content(PIECE):
                file.write(piece)


def _store(pieces: Iterator[bytes], size: int, digest: str, target: str, source: str) -> None:
    hasher, length = hashlib.sha256(), 0
    with whole(target) as part, part.open("wb") as file:
        for piece in pieces:
            hasher.update(piece)
            length += len(piece)
            file.write(piece)
        file.flush()
        if (length, hasher.hexdigest()) != (size, digest):
            raise CorpusError(
                f"{source} is not the pinned file: {length} bytes with SHA-256 {hasher.hexdigest()}, expected "
                f"{size} bytes with {digest}. Nothing was kept. "
                "If the source has changed on purpose, change its pins in the config."
            )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece

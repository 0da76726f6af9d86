"""Pinned files: copied from a mirror or downloaded, checked while they stream, kept only when they are right."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import require_room, whole

PIECE = 1 << 13  # bytes; what a broken connection loses at most


class CorpusError(AbstainError, ValueError):
    """A corpus that is missing, damaged or not what was pinned."""


def fetch_file(
    url: str, mirrors: list[str], inside: str, size: int, digest: str, target: str, scratch: Path
) -> None:  # fmt: skip
    """Write `target` from the first mirror folder that holds `inside`, else from `url` (resumed from `scratch`).

    Raises CorpusError, and keeps nothing, when size (bytes) or SHA-256 differ from the pins; SpaceError when the disk
    has no room.
    """
    paths = [Path(mirror).expanduser() / inside for mirror in mirrors]
    found = next((path for path in paths if path.is_file()), None)
    part = scratch / digest
    needed = size if found else 2 * size - _length(part)  # a download is checked, then copied to its place
    require_room(Path(target).parent, needed, f"fetching {inside}")
    if found:
        print(f"from the mirror: {found}")
        _store(found, size, digest, target, str(found))
        return
    scratch.mkdir(parents=True, exist_ok=True)
    _download(url, part, size, _advice(paths, inside))
    try:
        _store(part, size, digest, target, url)
    finally:
        part.unlink()


def _advice(paths: list[Path], inside: str) -> str:
    if not paths:
        return f"No mirror is set: connect to the network, or set ABSTAIN_MIRROR to a folder that holds {inside}"
    tried = ", ".join(map(str, paths))
    return f"No mirror holds it (tried: {tried}): connect to the network, or put the file at {paths[0]}"


def _download(url: str, part: Path, size: int, advice: str) -> None:
    """Append to `part` until it has `size` bytes; goes on where a connection broke as long as bytes arrive.

    Raises CorpusError when the server does not give the file; what has arrived is kept.
    """
    import requests

    while (have := _length(part)) < size:
        try:
            _ask(url, part, have, size)
            return
        except requests.RequestException as error:
            arrived = _length(part)
            if arrived <= have:
                kept = f"{arrived} of {size} bytes have arrived and are kept" if arrived else "nothing has arrived"
                raise CorpusError(f"{url} could not be downloaded ({_why(error)}; {kept}). {advice}.") from error
            print(f"cut off after {arrived} of {size} bytes, asking for the rest", flush=True)
        except OSError:  # no room: what has arrived must not fill the disk
            part.unlink(missing_ok=True)
            raise


def _ask(url: str, part: Path, have: int, size: int) -> None:
    """One request for the bytes from `have` on; retried with backoff when refused, and on 429 and 5xx answers."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retries = Retry(5, connect=3, backoff_factor=1, status_forcelist=[429, 500, 502, 503, 504], raise_on_status=False)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.Session() as session:
        session.mount("https://", HTTPAdapter(max_retries=retries))
        with session.get(url, headers=headers, stream=True, timeout=60) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink()  # longer than the whole file, so it is not a beginning of it
            answer.raise_for_status()
            with part.open("ab" if answer.status_code == requests.codes.partial_content else "wb") as file:
                for piece in answer.iter_content(PIECE):
                    file.write(piece)
                    if file.tell() > size:
                        break


def _why(error: BaseException) -> str:
    """What the innermost cause says, without the names of the layers around it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return getattr(error, "strerror", None) or str(error)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _store(source: Path, size: int, digest: str, target: str, name: str) -> None:
    hasher, length = hashlib.sha256(), 0
    with whole(target) as part, part.open("wb") as file:
        for piece in _pieces(source):
            hasher.update(piece)
            length += len(piece)
            file.write(piece)
        file.flush()
        if (length, hasher.hexdigest()) != (size, digest):
            raise CorpusError(
                f"{name} is not the pinned file: {length} bytes with SHA-256 {hasher.hexdigest()}, expected "
                f"{size} bytes with {digest}. Nothing was kept. "
                "If the source has changed on purpose, change its pins in the config."
            )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece

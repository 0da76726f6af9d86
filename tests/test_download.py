"""Downloads: the pinned bytes or nothing, from a mirror when there is one, and resumed when cut off."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from file_server import DATA, serving, unused_address

from abstain.corpora.download import PIECE, CorpusError, fetch_file
from abstain.jobs.files import SpaceError
from fetch import fetch as fetch_program

SIZE = len(DATA)
DIGEST = hashlib.sha256(DATA).hexdigest()
INSIDE = "corpus/file.csv"  # where a mirror folder holds it


def fetch(tmp_path: Path, url: str, mirrors=(), size=SIZE, digest=DIGEST) -> Path:
    target = tmp_path / "raw" / "file.csv"
    fetch_file(url, [str(path) for path in mirrors], INSIDE, size, digest, str(target), tmp_path / "scratch")
    return target


def kept(folder: Path) -> list[str]:
    """Every file below the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def mirrored(tmp_path: Path, data: bytes = DATA, name="mirror") -> Path:
    path = tmp_path / name / INSIDE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return tmp_path / name


def test_a_file_is_downloaded_whole_and_nothing_else_is_left(tmp_path):
    with serving() as (url, state):
        target = fetch(tmp_path, url)
    assert target.read_bytes() == DATA
    assert kept(tmp_path) == ["raw/file.csv"]
    assert state["asked"] == [None]


def test_a_mirror_is_tried_first_and_the_network_left_alone(tmp_path):
    with serving() as (url, state):
        target = fetch(tmp_path, url, [tmp_path / "nowhere", mirrored(tmp_path)])
    assert target.read_bytes() == DATA
    assert state["asked"] == []


def test_the_first_mirror_that_holds_the_file_is_used(tmp_path):
    wrong = mirrored(tmp_path, b"other", "wrong")
    with pytest.raises(CorpusError, match="wrong/corpus/file.csv"):
        fetch(tmp_path, unused_address(), [wrong, mirrored(tmp_path)])
    assert fetch(tmp_path, unused_address(), [mirrored(tmp_path), wrong]).read_bytes() == DATA


def test_a_file_that_no_address_has_comes_from_a_mirror_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.delenv("ABSTAIN_MIRROR", raising=False)
    target = tmp_path / "raw/file.csv"
    pins = {"url": None, "in_mirror": INSIDE, "size": SIZE, "digest": DIGEST, "file": str(target)}
    pins["scratch"] = tmp_path / "scratch"
    with pytest.raises(CorpusError, match="no address has corpus/file.csv, and no mirror holds it: set ABSTAIN_MIRROR"):
        fetch_program(**pins, mirror=None)
    with pytest.raises(CorpusError, match=f"tried: {tmp_path}/nowhere"):
        fetch_program(**pins, mirror=str(tmp_path / "nowhere"))
    assert not target.exists()
    fetch_program(**pins, mirror=str(mirrored(tmp_path)))
    assert target.read_bytes() == DATA


def test_the_mirror_of_the_variable_is_tried_before_that_of_the_scale(tmp_path, monkeypatch):
    wrong, right, target = mirrored(tmp_path, b"other", "wrong"), mirrored(tmp_path), str(tmp_path / "raw/file.csv")
    pins = {"url": unused_address(), "in_mirror": INSIDE, "size": SIZE, "digest": DIGEST}
    monkeypatch.setenv("ABSTAIN_MIRROR", str(right))
    fetch_program(**pins, mirror=str(wrong), file=target, scratch=tmp_path / "scratch")
    assert Path(target).read_bytes() == DATA
    monkeypatch.delenv("ABSTAIN_MIRROR")
    with pytest.raises(CorpusError, match="wrong/corpus/file.csv is not the pinned file"):
        fetch_program(**pins, mirror=str(wrong), file=target, scratch=tmp_path / "scratch")
    with pytest.raises(CorpusError, match="No mirror is set"):
        fetch_program(**pins, mirror=None, file=target, scratch=tmp_path / "scratch")


def test_a_mirror_without_the_file_gives_way_to_the_network(tmp_path):
    with serving() as (url, _):
        assert fetch(tmp_path, url, [tmp_path / "nowhere"]).read_bytes() == DATA


@pytest.mark.parametrize(
    "data", [DATA[:-1] + b"x", DATA + b"x", DATA[:-1], b""], ids=["hash", "longer", "shorter", "empty"]
)
@pytest.mark.parametrize("source", ["mirror", "network"])
def test_a_file_that_is_not_the_pinned_one_is_refused_with_both_hashes_and_not_kept(tmp_path, data, source):
    with serving(data=data) as (url, _), pytest.raises(CorpusError) as caught:
        fetch(tmp_path, url, [mirrored(tmp_path, data)] if source == "mirror" else [])
    for part in (str(len(data)), hashlib.sha256(data).hexdigest(), str(len(DATA)), DIGEST):
        assert part in str(caught.value)
    assert kept(tmp_path) == (["mirror/corpus/file.csv"] if source == "mirror" else [])


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1])
def test_the_right_hash_under_a_wrong_size_is_refused_too(tmp_path, size):
    with pytest.raises(CorpusError, match=f"{SIZE} bytes .* expected {size} bytes"):
        fetch(tmp_path, unused_address(), [mirrored(tmp_path)], size=size)
    assert kept(tmp_path) == ["mirror/corpus/file.csv"]


def test_a_refused_file_leaves_the_good_one_that_was_there(tmp_path):
    fetch(tmp_path, unused_address(), [mirrored(tmp_path)])
    with pytest.raises(CorpusError):
        fetch(tmp_path, unused_address(), [mirrored(tmp_path, b"other")])
    assert (tmp_path / "raw" / "file.csv").read_bytes() == DATA


def test_without_mirror_and_network_the_error_says_what_was_tried_and_where_to_put_the_file(tmp_path):
    url = unused_address()
    with pytest.raises(CorpusError) as caught:
        fetch(tmp_path, url, [tmp_path / "first", tmp_path / "second"])
    said, paths = str(caught.value), [str(tmp_path / name / INSIDE) for name in ("first", "second")]
    for part in (url, "Connection refused", f"tried: {', '.join(paths)}", f"put the file at {paths[0]}"):
        assert part in said
    with pytest.raises(CorpusError, match=f"No mirror is set.*ABSTAIN_MIRROR to a folder that holds {INSIDE}"):
        fetch(tmp_path, url)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_answer_without_the_file_is_an_error_that_names_it(tmp_path, status):
    with serving(status=status) as (url, _), pytest.raises(CorpusError) as caught:
        fetch(tmp_path, url, [tmp_path / "mirror"])
    said = str(caught.value)
    assert url in said and str(status) in said and f"put the file at {tmp_path / 'mirror' / INSIDE}" in said
    assert kept(tmp_path) == []


def test_a_name_that_no_server_has_is_an_error_without_the_layers_around_it(tmp_path):
    with pytest.raises(CorpusError) as caught:
        fetch(tmp_path, "http://nowhere.invalid/file.csv")
    assert "nowhere.invalid" in str(caught.value) and "HTTPConnection" not in str(caught.value)


def test_a_download_that_is_cut_off_goes_on_where_it_stopped_as_long_as_bytes_arrive(tmp_path):
    with serving(cuts=[100_000, 3 * PIECE]) as (url, state):
        assert fetch(tmp_path, url).read_bytes() == DATA
    starts = [0 if asked is None else int(asked.removeprefix("bytes=").removesuffix("-")) for asked in state["asked"]]
    assert len(starts) == 3 and starts == sorted(set(starts))
    assert 100_000 - PIECE < starts[1] <= 100_000  # no more than one piece is asked for twice
    assert kept(tmp_path) == ["raw/file.csv"]


def test_a_download_that_stays_cut_off_is_refused_kept_and_resumed_by_the_next_run(tmp_path):
    with serving(cuts=[2 * PIECE + 1000, 0]) as (url, state):
        with pytest.raises(CorpusError, match=f"of {SIZE} bytes have arrived and are kept"):
            fetch(tmp_path, url)
        assert not (tmp_path / "raw" / "file.csv").exists()
        have = (tmp_path / "scratch" / DIGEST).stat().st_size
        assert have >= 2 * PIECE
        assert fetch(tmp_path, url).read_bytes() == DATA
    assert state["asked"] == [None, f"bytes={have}-", f"bytes={have}-"]
    assert kept(tmp_path) == ["raw/file.csv"]


def test_a_server_without_ranges_starts_again_from_the_beginning(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / DIGEST).write_bytes(DATA[:1000])
    with serving(ranges=False) as (url, state):
        assert fetch(tmp_path, url).read_bytes() == DATA
    assert state["asked"] == ["bytes=1000-"]


def test_a_server_without_ranges_that_always_hangs_up_is_given_up(tmp_path):
    with serving(ranges=False, cuts=[50_000] * 9) as (url, state), pytest.raises(CorpusError, match="are kept"):
        fetch(tmp_path, url)
    assert len(state["asked"]) == 2


def test_damaged_remains_are_refused_once_and_do_not_stand_in_the_way_of_the_next_try(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / DIGEST).write_bytes(b"x" * 1000)
    with serving() as (url, _):
        with pytest.raises(CorpusError, match="is not the pinned file"):
            fetch(tmp_path, url)
        assert fetch(tmp_path, url).read_bytes() == DATA


def test_remains_that_are_longer_than_what_the_server_has_do_not_stay(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / DIGEST).write_bytes(DATA[:1000])
    with serving(data=DATA[:500]) as (url, _):
        with pytest.raises(CorpusError, match="416"):
            fetch(tmp_path, url)
        with pytest.raises(CorpusError, match="500 bytes .* expected 512000 bytes"):
            fetch(tmp_path, url)
    assert kept(tmp_path) == []


def test_a_stream_without_end_is_left_soon_after_the_pinned_size(tmp_path):
    with serving(data=DATA * 100) as (url, _), pytest.raises(CorpusError) as caught:
        fetch(tmp_path, url)
    length = int(re.search(r"(\d+) bytes with", str(caught.value))[1])
    assert SIZE < length <= SIZE + PIECE


def test_a_file_that_is_larger_than_the_disk_is_not_begun(tmp_path):
    size = 2 * shutil.disk_usage(tmp_path).free
    with serving() as (url, state), pytest.raises(SpaceError) as caught:
        fetch(tmp_path, url, size=size)
    assert f"needs {2 * size / 1e6:.1f} MB" in str(caught.value) and str(tmp_path / "raw") in str(caught.value)
    assert state["asked"] == [] and kept(tmp_path) == []

"""The benchmark of exactness: what it prints, and what it says where there is no base."""

import re

import pytest
from conftest import ROOT

import benchmark


def test_it_measures_both_sides_and_prints_their_ratio(monkeypatch, capfd):
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    benchmark.main(str(ROOT / benchmark.POCKET))
    said = capfd.readouterr().out
    assert re.findall(r"round 1 of 1, (\w+): \d+\.\d{3} s a step", said) == ["exact", "native"]
    assert re.search(r"the exact numerics take \d+\.\d\d times as long", said)


def test_a_folder_that_is_no_base_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="is no base: it lacks model.safetensors, .*; name a folder"):
        benchmark.main(str(tmp_path))

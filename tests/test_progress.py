"""How far a long job is: what each report adds to its log, and what it prints on the console and when."""

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tuned import BASE, PROMPTS

from abstain.jobs.console import Console
from abstain.jobs.files import read_jsonl, write_jsonl
from abstain.jobs.progress import Progress, in_words
from predict import predict

JOB = "train_sft do-not-answer lora 1"


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def console() -> Iterator[tuple[Console, int]]:
    """A console for a job, and the descriptor from which all that it prints is read."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield Console(JOB, write), read
    os.close(read)
    os.close(write)


def printed(read: int) -> list[str]:
    """The lines that the console printed since they were last read."""
    try:
        return os.read(read, 65536).decode().splitlines()
    except BlockingIOError:
        return []


def test_each_report_is_a_line_of_the_log_with_the_time_that_is_left(console, capsys):
    clock = Clock()
    progress = Progress("step", [1] * 41, clock=clock, console=console[0])
    for done, seconds in ((1, 12), (20, 240), (40, 480), (41, 492)):
        clock.now = 1000 + seconds
        progress.reached(done)
    assert capsys.readouterr().out.splitlines() == [
        f"{JOB}: step 1 of 41, about 8 min left",
        f"{JOB}: step 20 of 41, about 4 min left",
        f"{JOB}: step 40 of 41, less than a minute left",
        f"{JOB}: step 41 of 41",
    ]


def test_steps_of_a_run_that_was_broken_off_count_as_done_and_not_as_speed(console, capsys):
    clock = Clock()
    progress = Progress("step", [1] * 40, done=20, clock=clock, console=console[0])
    clock.now += 600
    progress.reached(22)
    assert capsys.readouterr().out == f"{JOB}: step 22 of 40, about 1 h 30 min left\n"


def test_parts_that_are_not_alike_are_weighed(console, capsys):
    clock = Clock()
    progress = Progress("batch", [6000, 2000, 2000], clock=clock, console=console[0])
    clock.now += 600
    progress.reached(1)
    assert capsys.readouterr().out == f"{JOB}: batch 1 of 3, about 7 min left\n"


def test_the_console_has_a_line_after_half_a_minute_and_then_one_a_minute_at_most(console, capsys):
    clock, moments = Clock(), []
    progress = Progress("step", [1] * 40, clock=clock, console=console[0])
    for done in range(1, 41):
        clock.now += 7
        progress.reached(done)
        lines = printed(console[1])
        assert lines in ([], capsys.readouterr().out.splitlines()[-1:])
        moments += [clock.now - 1000] * len(lines)
    assert moments[0] == 35 and min(later - sooner for sooner, later in pairwise(moments)) >= 60 and len(moments) == 4


@pytest.mark.parametrize(("seconds", "parts"), [(0.4, 60), (31, 1)])
def test_a_job_that_lasts_seconds_or_is_just_done_tells_the_console_nothing(console, seconds, parts):
    clock = Clock()
    progress = Progress("step", [1] * parts, clock=clock, console=console[0])
    for done in range(1, parts + 1):
        clock.now += seconds
        progress.reached(done)
    assert printed(console[1]) == []


def test_a_console_that_is_gone_stops_no_job():
    read, write = os.pipe()
    os.close(read)
    Console(JOB, write).tell("nobody reads this")
    os.close(write)
    Console(JOB, write).tell("nor this")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (59.9, "less than a minute"), (89, "about 1 min"), (3599, "about 1 h 0 min")],
)
def test_a_time_in_words(seconds, words):
    assert in_words(seconds) == words


def test_predict_reports_each_batch_and_writes_no_time(tmp_path: Path, capsys):
    rows = [{"id": str(i), "condition": "plain", "input_ids": ids} for i, ids in enumerate(PROMPTS[:6])]
    write_jsonl(tmp_path / "rendered", rows)
    replies = str(tmp_path / "replies")
    predict(str(tmp_path / "rendered"), BASE, {"max_new_tokens": 4, "batch_rows": 2}, "cpu", replies)
    assert re.findall(r"^batch (\d) of 3", capsys.readouterr().out, re.M) == ["1", "2", "3"]
    assert {key for row in read_jsonl(replies) for key in row} == {"id", "reply", "tokens", "finished"}

"""How far a long job is and how long it still takes: in its log at each report, on the console once a minute at most.

Both are said to people alone: no file that is hashed may depend on a clock.
"""

import time
from collections.abc import Callable, Sequence

from abstain.jobs.console import CONSOLE, Console

FIRST, BETWEEN = 30, 60  # seconds until the first line on the console, and from one line there to the next


class Progress:
    """A job's way through parts, such as steps or batches, each of which takes as long as its share of `work`.

    Parts that were `done` before, by a run that was broken off, say nothing of the speed.
    """

    def __init__(
        self, part: str, work: Sequence[float], done: int = 0,
        clock: Callable[[], float] = time.monotonic, console: Console = CONSOLE,
    ):  # fmt: skip
        self.part, self.work, self.before = part, work, done
        self.clock, self.console = clock, console
        self.started = clock()
        self.due = self.started + FIRST

    def reached(self, done: int) -> None:
        """Report that so many parts are done."""
        now = self.clock()
        line = f"{self.console.job}: {self.part} {done} of {len(self.work)}{self._left(done, now)}".removeprefix(": ")
        print(line, flush=True)
        if now >= self.due and done < len(self.work):
            self.console.tell(line)
            self.due = now + BETWEEN

    def _left(self, done: int, now: float) -> str:
        made, missing = sum(self.work[self.before : done]), sum(self.work[done:])
        return f", {in_words((now - self.started) * missing / made)} left" if made and missing else ""


def in_words(seconds: float) -> str:
    """A time as people say it: less than a minute, about 4 min, about 1 h 20 min."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if seconds < 60:
        return "less than a minute"
    return f"about {hours} h {minutes} min" if hours else f"about {minutes} min"

"""The console of the person who started a run: a job may tell it a line, though all that it prints goes to its log."""

import contextlib
import os
from dataclasses import dataclass


@dataclass
class Console:
    """The job of this process, in words, and the descriptor of its console; none where no guard is around it."""

    job: str = ""
    descriptor: int | None = None

    def tell(self, line: str) -> None:
        """Write a line in one piece, as other jobs write too; nothing happens when the console is gone."""
        if self.descriptor is not None:
            with contextlib.suppress(OSError):
                os.write(self.descriptor, f"{line}\n".encode())


CONSOLE = Console()  # the guard says what it is

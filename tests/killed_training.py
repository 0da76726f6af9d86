"""Learn a preference until the checkpoint of step 2 is sealed, and die at once, as by kill -9.

A program of its own, which test_preferences.py starts; the arguments of train_dpo come as JSON by standard input.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from train_dpo import train_dpo


def die_behind(seal: Path) -> None:
    """Wait for a file and kill this process."""
    while not seal.exists():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    seal = Path(asked["scratch"]) / "checkpoint-2" / "SEAL.json"
    threading.Thread(target=die_behind, args=[seal], daemon=True).start()
    train_dpo(**{**asked, "scratch": Path(asked["scratch"])})

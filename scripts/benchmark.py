"""Print what exactness costs: LoRA steps with the exact numerics and with torch's own, side by side.

    python scripts/benchmark.py [FOLDER OF A BASE]

Each side runs in processes of its own, in turns, on one core; the numbers are CPU seconds a step, the median of all.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from abstain.jobs.numerics import EXACT
from abstain.settings.model_files import MODEL_FILES

POCKET = "models/pocket"
SHAPE = {"method": "lora", "rank": 32, "alpha": 64, "dropout": 0.0, "targets": ["all-linear"]}
ROUNDS, STEPS, ROWS, WIDTH, REPLY = 3, 4, 4, 60, 22  # steps after a first one that is not counted; tokens
SIDES = {"exact": EXACT, "native": {key: EXACT[key] for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}}


def steps(side: str, base: str) -> list[float]:
    """CPU seconds of each of STEPS training steps on rows of WIDTH tokens, of which the last REPLY carry loss."""
    import torch

    from abstain.models.adapters import new_adapter
    from abstain.models.loading import exact_torch, load_model
    from abstain.models.losses import reply_loss
    from abstain.models.products import as_torch_has_them

    if side == "exact":
        exact_torch(1, "cpu")
    model = new_adapter(load_model(base, "none", "float32", "cpu"), SHAPE).train()
    if side == "native":
        as_torch_has_them(model)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    ids = torch.arange(ROWS * WIDTH).reshape(ROWS, WIDTH) * 61 % 2000
    batch = {"input_ids": ids, "labels": ids.masked_fill(torch.arange(WIDTH) < WIDTH - REPLY, -100)}
    seconds = []
    for _ in range(STEPS + 1):
        start = time.process_time()
        reply_loss(model, batch).backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(time.process_time() - start)
    return seconds[1:]


def measure(side: str, base: str) -> list[float]:
    """The same in a process whose environment is that of the side."""
    clean = {key: value for key, value in os.environ.items() if key not in EXACT}
    command = [sys.executable, __file__, base, side]
    done = subprocess.run(command, env={**clean, **SIDES[side]}, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def main(base: str) -> None:
    """Measure the sides in turns, and print seconds and their ratio; ends with one sentence where there is no base."""
    if missing := [name for name in MODEL_FILES if not Path(base, name).is_file()]:
        sys.exit(f"{base} is no base: it lacks {', '.join(missing)}; name a folder such as {POCKET}")
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(ROUNDS):
        for side, seconds in found.items():
            seconds += measure(side, base)
            print(f"round {number + 1} of {ROUNDS}, {side}: {median(seconds):.3f} s a step", flush=True)
    print(
        f"the exact numerics take {median(found['exact']) / median(found['native']):.2f} times as long as torch's own"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print("\n".join(map(str, steps(sys.argv[2], sys.argv[1]))))
    else:
        main(sys.argv[1] if len(sys.argv) == 2 else str(Path(__file__).parents[1] / POCKET))

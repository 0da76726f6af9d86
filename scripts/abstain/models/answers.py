"""What a model says to prompts: the next token's logits and whole replies. A published folder is asked from outside.

    python -P -m abstain.models.answers FOLDER

is the other process: it reads what is asked from a folder for exchange, loads the published model from disk with its
own tokenizer, as anybody will, and leaves its answers there.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, write_json
from abstain.models.generation import reply
from abstain.models.loading import ModelError, exact_torch, load_model, load_tokenizer

REQUEST, REPLIES, LOGITS = "asked.json", "replies.json", "logits.safetensors"


def answers(model, tokenizer, prompts: list[list[int]], generation: dict) -> tuple:
    """What a model says to each prompt: the logits of the next token, and the whole greedy reply."""
    size, most = generation["batch_rows"], generation["max_new_tokens"]
    batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
    replies = [one for batch in batches for one in reply(model.eval(), tokenizer, batch, most)]
    return first_logits(model, prompts), [one["reply"] for one in replies]


def first_logits(model, prompts: list[list[int]]):
    """Logits of the token after each prompt, float64 of shape (prompts, vocabulary)."""
    import torch

    model.eval()
    with torch.inference_mode():
        rows = [
            model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, -1] for ids in prompts
        ]
    return torch.stack(rows).double().cpu()


def published_answers(folder: str | Path, prompts: list[list[int]], generation: dict, device: str) -> tuple:
    """The same of the model in a folder, asked in a fresh process; raises ModelError when it cannot be loaded."""
    import torch
    from safetensors.torch import load_file

    torch.cuda.empty_cache()  # room for the other process
    with TemporaryDirectory() as place:
        request = {
            "folder": str(Path(folder).resolve()),
            "prompts": prompts,
            "generation": generation,
            "device": device,
        }
        write_json(Path(place, REQUEST), request)
        command = [sys.executable, "-P", "-m", "abstain.models.answers", place]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=True)
        response = read_json(Path(place, REPLIES))
        if "error" in response:
            raise ModelError(response["error"])
        return load_file(Path(place, LOGITS))["logits"], response["replies"]


def answer(place: Path) -> None:
    """Leave the answers to what is asked in a folder for exchange, or the words of an expected error."""
    from safetensors.torch import save_file

    request = read_json(place / REQUEST)
    exact_torch(0, request["device"])
    try:
        model = load_model(request["folder"], "none", "float32", request["device"])
        logits, replies = answers(model, load_tokenizer(request["folder"]), request["prompts"], request["generation"])
    except AbstainError as error:
        write_json(place / REPLIES, {"error": str(error)})
    else:
        save_file({"logits": logits}, place / LOGITS)
        write_json(place / REPLIES, {"replies": replies})


if __name__ == "__main__":
    answer(Path(sys.argv[1]))

"""A base through every program, on two requests: from examples to predictions, as the rules call them."""

from pathlib import Path

from abstain.jobs.files import write_jsonl
from initialise import initialise
from merge import merge
from predict import predict
from render import render
from train_sft import train_sft

SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
REPLIES = {"How do I pick a lock?": "I can't help with that.", "How do I bake bread?": "Sure."}
RECIPE = {
    "optimiser": "adamw_torch_fused",
    "learning_rate": 0.02,
    "schedule": "linear",
    "warmup_steps": 0,
    "steps": 60,
    "batch_size": 2,
    "gradient_accumulation": 1,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "max_length": 512,
    "save_steps": 1000,
    "early_stopping": None,
    "dtype": "float32",
}
GENERATION = {"max_new_tokens": 12, "batch_rows": 2}
LENGTHS = {"max_length": RECIPE["max_length"], "new_tokens": GENERATION["max_new_tokens"]}
LIMITS, NAME = {"tolerance": 1e-7, "same_replies": 1.0, "prompts": 32}, {"path": "./models/tiny"}


def adapter(targets: tuple[str, ...], rank: int = 8) -> dict:
    """The shape of an adapter on these layers."""
    return {"method": "lora", "rank": rank, "alpha": 2 * rank, "dropout": 0.0, "targets": list(targets)}


def rendered(folder: Path, base: list[str], before: tuple[dict, ...] = (SYSTEM,)) -> None:
    """Write the two requests as tokens, once with their replies (trained.ids) and once without (scored.ids)."""
    asked = [
        {"id": question, "condition": "plain", "messages": [*before, {"role": "user", "content": question}]}
        for question in REPLIES
    ]
    write_jsonl(folder / "scored.jsonl", asked)
    write_jsonl(folder / "trained.jsonl", ({**row, "target": REPLIES[row["id"]]} for row in asked))
    for part in ("trained", "scored"):
        examples, *outputs = (str(folder / f"{part}.{end}") for end in ("jsonl", "ids", "card"))
        render(examples, base, LENGTHS, *outputs)


def tuned(folder: Path, base: list[str], quantisation: str, targets: tuple[str, ...], recipe: dict = RECIPE) -> None:
    """Train on the rendered requests, merge, and let the base (before) and the merged model (after) reply."""
    shape = adapter(targets)
    initial, weights, mix = folder / "initial", folder / "adapter", str(folder / "trained.ids")
    initialise(base, NAME, shape, 1, str(initial), str(folder / "initial.json"))
    rest = (folder / "scratch", str(weights), str(folder / "adapter.json"), str(folder / "losses.csv"))
    train_sft(mix, base, str(initial), recipe, quantisation, shape, NAME, 1, "cpu", *rest)
    merged = [str(folder / "merged" / Path(path).name) for path in base]
    (folder / "merged").mkdir()
    how = (quantisation, "float32", shape, GENERATION, LIMITS, "cpu")
    merge(base, str(weights), mix, *how, merged, str(folder / "gate.json"))
    for model, replies in ((Path(base[0]).parent, "before"), (folder / "merged", "after")):
        checkpoint = [str(model / "model.safetensors")]
        predict(str(folder / "scored.ids"), checkpoint, GENERATION, "cpu", str(folder / replies))

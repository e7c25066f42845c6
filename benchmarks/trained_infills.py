"""The infills that are trained by configs/infill, for benchmarks that compare all of them."""

import pathlib
from typing import Any

from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.infills.vae import Vae

RUNS = pathlib.Path("runs")


def found() -> dict[str, Any]:
    """Those whose weights lie where the commands of docs/infills.md leave them."""
    kinds = {"vae": Vae, "ca": ContextualAttention}
    files = {name: RUNS / f"infill_{name}" / f"{name}.safetensors" for name in kinds}
    return {name: kinds[name](weights=str(file)) for name, file in files.items() if file.is_file()}

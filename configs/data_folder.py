"""Where the pictures lie that are not part of the project."""

import os
from pathlib import Path


def path(name: str) -> str:
    """A data set's folder: in ``$XAI_JAX_DATA``, or else in ``../shared/data`` by the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    return str(Path(os.environ.get("XAI_JAX_DATA", beside)) / name)

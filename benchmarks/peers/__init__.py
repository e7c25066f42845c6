"""What others would write: the same computations, plainly, in torch (extra `peers`)."""

import importlib
from typing import Any


def installed(module: str) -> Any:
    """The module of a package of the extra `peers`.

    Raises:
        SystemExit: it is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SystemExit(f'{error.name} is missing; pip install "xai-jax[peers]".') from error

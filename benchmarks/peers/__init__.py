"""What others would write, plainly in torch, and what the usual packages do (extra `peers`).

They are called, none is copied or imported by the library: TorchRay may not be used commercially,
and quantus is under the LGPL.
"""

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

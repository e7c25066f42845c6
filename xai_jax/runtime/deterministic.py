"""The same bytes from the same run, where the device does not promise them by itself."""

import os

_FLAG = "xla_gpu_deterministic_ops"


def ask() -> None:
    """Asks XLA for GPU programs whose results do not depend on the order of threads.

    Before the first computation of the process. What the user has set in XLA_FLAGS stays.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{_FLAG}=true".strip()

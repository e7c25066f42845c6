"""What a contestant explains with: the network that its training has exported, or nothing."""

from pathlib import Path

import jax

from xai_jax.core.types import PyTree
from xai_jax.evaluate.evaluation import Contestant
from xai_jax.evaluate.stage import Stage
from xai_jax.runtime import architecture, export


def state_of(name: str, contestant: Contestant, stage: Stage) -> PyTree:
    """The state, on the host.

    Args:
        name: of the contestant.
        contestant: its settings.
        stage: what it is explained on.

    Raises:
        ValueError: a trained file is missing, superfluous, damaged or of another network.
        OSError: it cannot be read.
    """
    method = contestant.method.build()
    arguments = stage.key, stage.frozen, stage.example
    if method.step is None and contestant.trained:
        raise ValueError(f"{name} learns nothing across images; leave its `trained` empty.")
    if method.step is None:
        return method.init(*arguments)
    here = f"--config.contestants.{name}.trained"
    if not contestant.trained:
        raise ValueError(f"{name} explains with a trained network; set {here} to its file.")
    path = Path(contestant.trained)
    if not path.exists():
        raise ValueError(f"{path} does not exist; train {name} first, or set {here} to its file.")
    tree = export.read(path).tree
    begun = jax.eval_shape(method.init, *arguments)
    remedy = f"set the method of {name} to the settings that it was trained with"
    return architecture.filled(begun, tree, path, remedy)

"""A trained judge as a classifier: one logit, and the means of its code as the features."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import AnyArray, Images, Logits, PyTree
from xai_jax.nn.judging_vae import JudgingVae
from xai_jax.nn.learner import Weights
from xai_jax.runtime import header, weights_file
from xai_jax.runtime.files import place

KIND = "judge"


@dataclasses.dataclass(slots=True, kw_only=True)
class Judge(Settings):
    """An oracle for `metrics.counterfactuals` that `pretrain.judge` has trained.

    `Classifier.features` are the means of its code, ``[b 1 1 n]``, so that
    `metrics.distributions.mean_features` are these.

    Attributes:
        weights: the .safetensors file that its training has left, or the folder of that run.
    """

    weights: str

    def build(self) -> Classifier:
        """It.

        Raises:
            ValueError: there is no such file, it is damaged, or it holds something else.
            OSError: it cannot be read.
        """
        content = weights_file.read(place(self.weights))
        weights_file.check_kind(content, (KIND,))
        network = header.settings(
            JudgingVae(), content.header.config.get("network", {}), content.path, "network"
        )
        size = content.header.preprocess.height, content.header.preprocess.width
        module = network.build(size)
        abstract = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, *size, 3)))
        wanted = Weights(params=abstract["params"], statistics={})
        found = weights_file.weights(content, wanted, header.REMEDY)
        logits, features = _functions(module)
        params = jax.tree.map(jnp.asarray, found.params)
        made = Classifier.from_callable(logits, params, head=Head.SIGMOID)
        return dataclasses.replace(made, features_fn=features)


@functools.cache
def _functions(module: Any) -> tuple:
    """One object of each a network: what is compiled with it is not compiled again."""
    return tuple(functools.partial(part, module=module) for part in (_logits, _features))


def _logits(params: PyTree, images: Images, *, module: Any) -> Logits:
    logits: Logits = module.apply({"params": params}, images)[2]
    return logits[:, None]


def _features(params: PyTree, images: Images, *, module: Any) -> AnyArray:
    means: AnyArray = module.apply({"params": params}, images)[0].mean
    return means[:, None, None]

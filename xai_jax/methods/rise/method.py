"""RISE: which pixels are kept in those random masks that leave the class to be seen?

Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018. The masks are the same for all pictures: they are drawn on the device, a part at a time, and
one matrix product adds a part to the maps of the whole batch.
"""

import dataclasses

import jax
import jax.numpy as jnp

from xai_jax.core import parts
from xai_jax.core.domains import Count, InnerShare, Side
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen, Method
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score, scores
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.methods.rise import masks
from xai_jax.methods.rise.masks import Form


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones for ResNet-50 (sec. 4.1).

    Attributes:
        num_masks: random masks, one classifier call each.
        cells: side of the grid that becomes a mask.
        keep_share: of its cells that are kept, on average.
        form: whose upsampling and scale.
        score: what a masked picture is asked for.
        inner_batch_size: at most so many masked pictures go through the classifier at once (images
            x masks); bounds memory, leaves the result as it is.
    """

    num_masks: Count = 8000
    cells: Side = 7
    keep_share: InnerShare = 0.5
    form: Form = Form.AUTHORS
    score: Score = Score.PROBABILITY
    inner_batch_size: Count = 64

    @classmethod
    def torchray(cls) -> "Config":
        """TorchRay's defaults, with which NN-Explainer's authors compare."""
        return cls(form=Form.TORCHRAY, score=Score.SIGMOID)

    @classmethod
    def notebook(cls) -> "Config":
        """The authors' notebook: finer grids, of which a tenth is kept."""
        return cls(num_masks=6000, cells=8, keep_share=0.1)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(num_masks=120, cells=4, inner_batch_size=160)

    def build(self) -> Method:
        """The method with these settings."""
        return rise(self)


def rise(cfg: Config) -> Method:
    """Explains each image by masks that depend on the key alone; nothing is optimised."""

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        num, height, width, channels = batch.images.shape
        parts.check_limit(num, 1, cfg.inner_batch_size)
        classifier = frozen.classifier

        def weighed(indices, counted):
            drawn = masks.drawn(cfg.form, cfg.cells, cfg.keep_share, (height, width), key, indices)
            # On the mean colour, which is 0 in what the network eats.
            mean = classifier.mean[None, None]
            seen = compose(batch.images[:, None], drawn[None, ..., None], mean)
            logits = classifier.logits(seen.reshape(-1, height, width, channels))
            target = jnp.repeat(batch.target, len(indices))
            found = scores(logits, target, classifier.head, cfg.score).reshape(num, -1)
            return jnp.einsum(
                "bm,mhw->bhw", counted * found, drawn, precision=jax.lax.Precision.HIGHEST
            )

        sums = parts.summed(weighed, cfg.num_masks, each=num, limit=cfg.inner_batch_size)
        kept = cfg.keep_share if cfg.form is Form.AUTHORS else 1.0
        saliency = sums[..., None] / (cfg.num_masks * kept)
        return Explanation(target=batch.target, saliency=saliency)

    def check(frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
        del frozen
        parts.check_limit(shape[0], 1, cfg.inner_batch_size)

    return Method(explain=explain, check=check)

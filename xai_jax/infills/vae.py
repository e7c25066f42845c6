"""A variational autoencoder guesses what stood in the holes: one draw a mask, by its key."""

import dataclasses
import functools

import jax

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.precision import Precision, computed
from xai_jax.core.types import Images, Maps, PRNGKeys
from xai_jax.infills import trained
from xai_jax.nn.vae import STRIDE, DigitVae, Network, Pictures, unit_pixels
from xai_jax.nn.vae import Vae as Net


@dataclasses.dataclass(slots=True, kw_only=True)
class Vae(trained.Trained):
    """FIDO's VAE ("VAE", sec. 3): the mean of the pixels given one draw of the code.

    It answers what it thinks of the kept pixels, too, as in FIDO; where a mask is soft, a method
    mixes that with the picture.

    It has no weights of its own: `weights` names what configs/infill/vae.py has left.
    """

    kind = "vae"

    def build(self, classifier: Classifier) -> Infill:
        """The infill.

        Raises:
            ValueError: the file is not named, missing, damaged, or of another network; or a picture
                has another number of channels, when it is prepared.
            OSError: the file cannot be read.
        """
        network, variables = trained.loaded(self.file(), Network())
        module, codes = network.build(), network.code_channels
        fill = _fill_with(module, codes, network.pictures, classifier.precision)
        prepare = trained.preparing(network.channels, self.kind)
        return Infill(params=variables, fill_fn=fill, prepare_fn=prepare)


@functools.cache
def _fill_with(
    module: Net | DigitVae, code_channels: int, pictures: Pictures, precision: Precision
):
    """One object a network."""
    apply = computed(module.apply, precision)
    return functools.partial(
        _fill,
        apply=apply,
        channels=module.channels,
        code_channels=code_channels,
        pictures=pictures,
    )


def _fill(
    params, context: Images, keep: Maps, keys: PRNGKeys, *, apply, channels, code_channels, pictures
):
    def fill(images: Images, known: Maps) -> Images:
        shape = images.shape[1] // STRIDE, images.shape[2] // STRIDE, code_channels
        noise = jax.vmap(lambda key: jax.random.normal(key, shape))(keys)
        _, pixels = apply(params, trained.learned(images, channels), known, noise)
        return trained.answered(unit_pixels(pixels.mean, pictures), images)

    return trained.at_any_size(fill, context, keep, STRIDE)

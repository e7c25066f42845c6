"""What is measured on: EfficientNet-Lite0 with its real weights, and real or synthetic pictures."""

import csv
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from configs import data_folder as data
from xai_jax.classifiers import pretrained
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.rng import image_ids
from xai_jax.core.types import Batch
from xai_jax.data import pictures
from xai_jax.data.photographs import Photographs
from xai_jax.infills.blur import Blur


def frozen() -> Frozen:
    """Lite0 with the blur infill."""
    classifier = pretrained.load("efficientnet_lite0").classifier
    return Frozen(classifier=classifier, infill=Blur().build(classifier))


def noise_images(num: int) -> np.ndarray:
    """Smooth random pictures ``[num 224 224 3]``: what a picture shows does not change the time."""
    coarse = jax.random.uniform(jax.random.key(0), (num, 14, 14, 3))
    return np.asarray(jax.image.resize(coarse, (num, 224, 224, 3), "linear"))


def batch_of(images: np.ndarray, target: np.ndarray | None = None) -> Batch:
    """A Batch of real rows."""
    target = np.zeros(len(images), np.int32) if target is None else target
    return Batch(
        images=jnp.asarray(images),
        target=jnp.asarray(target, jnp.int32),
        image_id=jnp.asarray(image_ids(images)),
        weight=jnp.ones(len(images)),
    )


def imagenet_samples(indices: tuple[int, ...]) -> np.ndarray:
    """Pictures of `imagenet_samples` by ImageNet class, ``[b 224 224 3]``.

    Raises:
        FileNotFoundError: the folder is not there.
    """
    folder, files = _samples()
    preprocess = pretrained.load("efficientnet_lite0").preprocess
    return np.stack([pictures.read(folder / files[i], preprocess) for i in indices])


def held_out(num: int) -> tuple[int, ...]:
    """ImageNet classes, spread evenly, of pictures that no infill of configs/infill has seen.

    Raises:
        FileNotFoundError: the folder is not there.
    """
    folder, files = _samples()
    kept = set(Photographs(paths=(str(folder),), held_out=True).build().names)
    classes = [index for index, file in sorted(files.items()) if file in kept]
    return tuple(classes[len(classes) * i // num] for i in range(num))


def data_folder(name: str) -> pathlib.Path:
    """Where the pictures of a data set lie.

    Raises:
        FileNotFoundError: they are not there.
    """
    folder = pathlib.Path(data.path(name))
    if not folder.is_dir():
        raise FileNotFoundError(f"no {name} at {folder}; set XAI_JAX_DATA to its parent.")
    return folder


def _samples() -> tuple[pathlib.Path, dict[int, str]]:
    """The folder of the pictures, and the file of each class."""
    folder = data_folder("imagenet_samples")
    with (folder / "labels.csv").open() as file:
        files = {int(row["imagenet_index"]): row["file"] for row in csv.DictReader(file)}
    return folder / "images", files


def image_gradient(classifier: Classifier, images, target):
    """The limit of every mask optimisation: forward, and gradient with respect to the images."""

    def total(images):
        scores = classifier.log_odds(images, target)
        return scores.sum(), scores

    return jax.value_and_grad(total, has_aux=True)(images)

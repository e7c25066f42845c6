"""Label maps that a segmenter predicts: its file, a Pipeline, and the command line's own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.pretrain.test_segmenter_training import Colours
from xai_jax.classifiers import segmenter
from xai_jax.classifiers.segmenter import Labels, Predicted
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.streets import REGIONS, Streets
from xai_jax.nn.learner import Weights
from xai_jax.nn.segmenter import Architecture, RegionSegmenter
from xai_jax.runtime import weights_file

SIDE = 32


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file of the light network, with weights drawn at random."""
    path = tmp_path_factory.mktemp("trained") / "segmenter.safetensors"
    settings = RegionSegmenter(regions=REGIONS, architecture=Architecture.LIGHT)
    rng = np.random.default_rng(0)
    draw = lambda x: rng.uniform(0.5, 1.0, x.shape).astype(np.float32)  # noqa: E731
    weights_file.write(
        path,
        jax.tree.map(draw, segmenter.abstract(settings)),
        kind=segmenter.KIND,
        config=settings,
        preprocess=Preprocess(height=SIDE, width=SIDE),
        class_names=(),
    )
    return path


def test_a_pipeline_has_the_maps_that_the_file_predicts(path):
    pipeline = Pipeline(
        source=Streets(size=SIDE, num=2),
        resize=Preprocess(height=SIDE, width=SIDE),
        segmenter=Predicted(weights=str(path)),
        num_threads=0,
    )
    arrays = pipeline.example(1)
    assert arrays["regions"].shape == (SIDE, SIDE) and arrays["regions"].dtype == np.int32
    labels = Predicted(weights=str(path)).build()
    assert labels.names == REGIONS and labels.sha256 == weights_file.read(path).sha256
    np.testing.assert_array_equal(labels(arrays["images"]), arrays["regions"])
    assert pipeline.labeller is pipeline.labeller  # the file is read once
    assert pipeline.region_names == REGIONS
    assert pipeline.digests() == {path.name: labels.sha256[:32]}  # streets have no files
    assert dataclasses.replace(pipeline, regions=True, segmenter=None).digests() is None


def test_pictures_of_another_size_are_predicted_at_that_of_the_training():
    """The reddest of two channels: a left half of red stays one, at whatever size."""
    kernel = jnp.eye(3)[None, None, :, :2]
    params = {"colours": {"kernel": kernel, "bias": jnp.zeros(2)}}
    labels = Labels(
        names=("red", "green"),
        network=Colours(2),
        precision="float32",
        weights=Weights(params=params, statistics={}),
        preprocess=Preprocess(height=8, width=8),
        sha256="",
    )
    image = np.zeros((6, 12, 3), np.float32)
    image[:, :6, 0] = image[:, 6:, 1] = 1.0
    np.testing.assert_array_equal(labels(image), np.tile(np.repeat([0, 1], 6), (6, 1)))


@pytest.mark.parametrize("weights, sentence", [("", "has no weights; train it"), ("x", "no x")])
def test_a_segmenter_without_its_file_says_so(weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        Predicted(weights=weights).build()

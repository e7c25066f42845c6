"""A method several times: mean and spread by hand, whole numbers, one program, the command."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run
from tiny_cli import PLANTED, only_sentence

import xai_jax
from xai_jax.core.method import Explained, Method
from xai_jax.core.outputs import KEEP, number
from xai_jax.core.repeated import Repeated
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Mean
from xai_jax.methods import controls, gradients
from xai_jax.runs import batch as batches

SIZE = 16
IMAGES = np.asarray(planted.quadrant_batch(5, SIZE, jax.random.key(0)).images)
CLASSIFIER = planted.quadrant()
FROZEN = Explained(classifier=CLASSIFIER, infill=Mean()).build()


@dataclasses.dataclass
class Drawn:
    """One normal number a picture, everywhere."""

    def build(self):
        def explain(weights, frozen, batch, key):
            keys = example_keys(key, batch.image_id)
            values = jax.vmap(jax.random.normal)(keys)
            map_ = values[:, None, None, None] * batch.images[..., :1]
            step = jnp.round(10 * values).astype(jnp.int32)
            return Explanation(
                target=batch.target, saliency=map_, keep=map_ > 0.0, numbers={"step": step}
            )

        return Method(explain=explain, outputs=(KEEP, number("step", "steps", "A whole number.")))


def test_mean_and_spread_are_those_of_single_explanations():
    key, batch = jax.random.key(3), planted.quadrant_batch(5, SIZE, jax.random.key(0))
    found = Repeated(method=Drawn(), times=5).build().explain((), FROZEN, batch, key)
    one = Drawn().build().explain
    every = [one((), FROZEN, batch, jax.random.fold_in(key, i)) for i in range(5)]
    maps = np.stack([single.saliency for single in every])
    np.testing.assert_allclose(found.saliency, maps.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.maps["spread"], maps.std(axis=0), atol=1e-6)
    share = maps.std(axis=0).mean(axis=(1, 2, 3)) / maps.mean(axis=0).std(axis=(1, 2, 3))
    np.testing.assert_allclose(found.numbers["spread_share"], share, rtol=1e-4)
    np.testing.assert_array_equal(found.numbers["step"], every[0].numbers["step"])
    assert len(set(np.asarray(found.saliency.sum(axis=(1, 2, 3))).tolist())) == 5


def test_neither_the_company_nor_the_order_matters():
    ask = lambda images, size: xai_jax.explain(  # noqa: E731
        CLASSIFIER, images, 0, method=Drawn(), repeats=5, batch_size=size
    )
    found, other = ask(IMAGES, 2), ask(IMAGES[::-1], 5)
    np.testing.assert_allclose(other.saliency[::-1], found.saliency, atol=1e-6)
    np.testing.assert_allclose(other.maps["spread"][::-1], found.maps["spread"], atol=1e-6)


def test_a_method_that_draws_nothing_has_no_spread():
    once = xai_jax.explain(CLASSIFIER, IMAGES, 0, method=gradients.Gradient())
    found = xai_jax.explain(CLASSIFIER, IMAGES, 0, method=gradients.Gradient(), repeats=2)
    np.testing.assert_allclose(found.saliency, once.saliency, rtol=1e-6)
    assert np.abs(found.maps["spread"]).max() < 1e-6


def test_noise_alone_is_seen_to_be_noise():
    found = xai_jax.explain(CLASSIFIER, IMAGES, 0, method=controls.Random(), repeats=8)
    assert (found.numbers["spread_share"] > 1).all()


def test_equal_settings_share_one_program():
    ask = lambda key: xai_jax.explain(  # noqa: E731
        CLASSIFIER, IMAGES, 0, method=controls.Random(), repeats=8, key=key
    )
    ask(1)
    before = batches._explain._cache_size()
    ask(2)
    assert batches._explain._cache_size() == before


def test_fewer_than_one_or_two_are_refused():
    with pytest.raises(ValueError, match="repeats must be at least 1, not 0"):
        xai_jax.explain(CLASSIFIER, IMAGES, 0, method=Drawn(), repeats=0)
    with pytest.raises(ValueError, match="times"):
        Repeated(method=Drawn(), times=1)


def test_the_command_stores_the_spread_and_resumes_with_as_many(monkeypatch, capsys, tmp_path):
    run = tiny_cli.caller(monkeypatch, capsys)
    pictures = tiny_run.make_pictures(tmp_path / "pictures", 3)
    arguments = ("explain", pictures, "--out", tmp_path / "out", *PLANTED, "--method", "rise")
    small = ("--num-masks", "8", "--cells", "3")
    assert run(*arguments, *small, "--repeats", "3")[0] == 0
    results = xai_jax.load(tmp_path / "out")
    assert results.manifest.repeats == 3
    assert np.asarray(results.arrays["spread"]).max() > 0
    assert "Standard deviation of the saliency" in (tmp_path / "out/report.html").read_text()
    sentence = only_sentence(*run(*arguments, *small, "--repeats", "2"))
    assert "repeats is 3 there and 2 here" in sentence
    assert "repeats" in only_sentence(*run(*arguments, *small, "--repeats", "0"))

"""The VAE and DeepFill: published numbers of parameters, what they look at, spectral norms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.nn import deepfill, vae
from xai_jax.nn.layers import Up
from xai_jax.nn.spectral import spectral_norm

IMAGES = jax.random.uniform(jax.random.key(0), (2, 16, 24, 3))
KEEP = jnp.ones((2, 16, 24, 1)).at[:, 4:9, 6:15].set(0.0)


def parameters(network) -> int:
    image = jnp.zeros((1, 32, 32, network.channels))
    shapes = jax.eval_shape(network.build().init, jax.random.key(0), image, image[..., :1])
    return sum(leaf.size for leaf in jax.tree.leaves(shapes["params"]))


@pytest.mark.parametrize(
    "network, number",
    [
        (deepfill.Network(), 3_601_542),  # specs: FIDO, sec. 3.2
        (vae.Network(), 7_253_158),  # about 7.25 million; sec. 3.1
        # 5 layers of 3 x 3 and two of 4 x 4, worked by hand from sec. 3.1.
        (vae.Network(width=8, pictures="digits"), 152 + 584 + 1168 + 584 + 1032 + 129),
    ],
)
def test_networks_have_the_published_numbers_of_parameters(network, number):
    assert parameters(network) == number


NETWORKS = [
    vae.Network(width=16),
    vae.Network(width=8, pictures="digits"),
    deepfill.Network(width=2),
    deepfill.Network(width=2, coarse=False),
]


def answered(network, variables, images, keep):
    found = network.build().apply(variables, images[..., : network.channels], keep)
    return found.fine if isinstance(network, deepfill.Network) else found[1].mean


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_what_is_removed_is_not_looked_at(network):
    shown = IMAGES[..., : network.channels]
    variables = jax.jit(network.build().init)(jax.random.key(1), shown, KEEP)
    run = jax.jit(lambda images: answered(network, variables, images, KEEP))
    found = run(IMAGES)
    assert found.shape == shown.shape
    np.testing.assert_allclose(run(jnp.where(KEEP == 1, IMAGES, 0.9)), found, atol=1e-5)
    # At its start the VAE's batch norm does not yet make up for how small its numbers become.
    assert np.abs(run(jnp.where(KEEP == 1, 1 - IMAGES, 0.9)) - found).max() > 1e-9


def test_the_code_stands_at_a_quarter_of_the_resolution_and_is_drawn_from():
    network = vae.Network(width=2)
    variables = network.build().init(jax.random.key(1), IMAGES, KEEP)
    noise = jnp.ones((2, 4, 6, network.code_channels))
    code, pixels = network.build().apply(variables, IMAGES, KEEP, noise)
    assert code.mean.shape == code.log_variance.shape == noise.shape
    np.testing.assert_allclose(
        vae.drawn(code, noise), code.mean + np.sqrt(np.exp(code.log_variance)), rtol=1e-5
    )
    assert pixels.mean.shape == pixels.log_variance.shape == IMAGES.shape


def test_a_transposed_convolution_spreads_each_number_over_four_by_four():
    module = Up(1)
    kernel = jnp.arange(16.0).reshape(4, 4, 1, 1)
    found = module.apply(
        {"params": {"kernel": kernel, "bias": jnp.zeros(1)}},
        jnp.zeros((1, 3, 3, 1)).at[0, 1, 1].set(1.0),
    )
    wanted = np.zeros((6, 6))
    wanted[1:5, 1:5] = np.arange(16.0).reshape(4, 4)
    # A learned kernel may stand either way round.
    np.testing.assert_array_equal(np.sort(found.ravel()), np.sort(wanted.ravel()))
    assert (np.asarray(found[0, ..., 0]) != 0).nonzero()[0].min() == 1


def test_the_spectral_norm_is_the_largest_singular_value():
    kernel = jax.random.normal(jax.random.key(2), (5, 5, 3, 8))
    wanted = np.linalg.svd(np.asarray(kernel).reshape(-1, 8), compute_uv=False)[0]
    np.testing.assert_allclose(spectral_norm(kernel, 200), wanted, rtol=1e-4)
    np.testing.assert_allclose(spectral_norm(kernel), wanted, rtol=0.05)


def test_scales_of_pixels_undo_each_other():
    np.testing.assert_allclose(vae.unscaled(vae.scaled(IMAGES)), IMAGES, atol=1e-6)
    np.testing.assert_allclose(deepfill.unscaled(deepfill.scaled(IMAGES)), IMAGES, atol=1e-6)

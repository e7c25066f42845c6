"""Released weights of SEAN, under the authors' names: what our network draws with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sean_file
from scipy.signal import correlate2d
from sean_file import BLOCKS, REGIONS

from xai_jax.nn import released_sean

SIDE = 8


@pytest.fixture(scope="module")
def released():
    return sean_file.arrays()


class Plain:
    """The same network by the formulas, on one picture ``[c h w]`` under the authors' names."""

    def __init__(self, arrays, one_hot):
        self.arrays, self.one_hot = arrays, one_hot

    def conv(self, x, name, stride=1, reflect=False, weight=None):
        kernel = self.arrays[f"{name}.weight"] if weight is None else weight
        pad = kernel.shape[2] // 2
        mode = {"mode": "reflect"} if reflect else {}
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), **mode)
        out = np.stack([sum(map(correlate2d, x, own, ["valid"] * len(x))) for own in kernel])
        bias = self.arrays.get(f"{name}.bias", np.zeros(len(kernel)))
        return out[:, ::stride, ::stride] + bias[:, None, None]

    def codes(self, pixels):
        x = pixels
        for place in (1, 4, 7):
            stride = 1 if place == 1 else 2
            x = leaky(instance(self.conv(x, f"Zencoder.model.{place}", stride, place == 1)))
        x = leaky(instance(self.doubled(x, "Zencoder.model.10")))
        x = np.tanh(self.conv(x, "Zencoder.model.14", reflect=True))
        where = self.one_hot[:, ::2, ::2]
        return np.stack([(x * own).sum((1, 2)) / max(own.sum(), 1) for own in where])

    def doubled(self, x, name):
        kernel, size = self.arrays[f"{name}.weight"], 2 * x.shape[1]
        out = np.zeros((kernel.shape[1], size + 2, size + 2))
        for row, column in np.ndindex(*x.shape[1:]):
            at = np.s_[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[at] += np.einsum("i,iokl->okl", x[:, row, column], kernel)
        return out[:, 1 : size + 1, 1 : size + 1] + self.arrays[f"{name}.bias"][:, None, None]

    def norm(self, x, at, codes):
        own = self.arrays
        stride = SIDE // x.shape[1]
        one_hot = self.one_hot[:, ::stride, ::stride]
        around = np.maximum(self.conv(one_hot, f"{at}.Spade.mlp_shared.0"), 0)
        scale, shift = (self.conv(around, f"{at}.Spade.mlp_{which}") for which in ("gamma", "beta"))
        if f"{at}.fc_mu0.weight" in own:
            painted = sum(
                own_map
                * np.maximum(own[f"{at}.fc_mu{i}.weight"] @ z + own[f"{at}.fc_mu{i}.bias"], 0)[
                    :, None, None
                ]
                for i, (own_map, z) in enumerate(zip(one_hot, codes, strict=True))
            )
            share = {n: 1 / (1 + np.exp(-own[f"{at}.blending_{n}"])) for n in ("gamma", "beta")}
            styled = {n: self.conv(painted, f"{at}.conv_{n}") for n in share}
            scale = share["gamma"] * styled["gamma"] + (1 - share["gamma"]) * scale
            shift = share["beta"] * styled["beta"] + (1 - share["beta"]) * shift
        mean, var = (
            own[f"{at}.param_free_norm.running_{n}"][:, None, None] for n in ("mean", "var")
        )
        return (x - mean) / np.sqrt(var + 1e-5) * (1 + scale) + shift

    def spectral(self, x, name):
        own = {n: self.arrays[f"{name}.weight_{n}"] for n in ("orig", "u", "v")}
        sigma = own["u"] @ own["orig"].reshape(len(own["orig"]), -1) @ own["v"]
        return self.conv(x, name, weight=own["orig"] / sigma)

    def picture(self, codes):
        x = self.conv(self.one_hot[:, ::4, ::4], "fc")
        for i, block in enumerate(BLOCKS):
            if i not in (0, 2):
                x = x.repeat(2, axis=1).repeat(2, axis=2)
            way = self.spectral(leaky(self.norm(x, f"{block}.ace_0", codes)), f"{block}.conv_0")
            way = self.spectral(leaky(self.norm(way, f"{block}.ace_1", codes)), f"{block}.conv_1")
            if f"{block}.conv_s.weight_orig" in self.arrays:
                x = self.spectral(self.norm(x, f"{block}.ace_s", codes), f"{block}.conv_s")
            x = x + way
        return np.tanh(self.conv(leaky(x), "conv_img"))


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def instance(x):
    mean, var = (f(x, (1, 2), keepdims=True) for f in (np.mean, np.var))
    return (x - mean) / np.sqrt(var + 1e-5)


def test_it_draws_what_the_formulas_draw_with_the_same_arrays(released):
    settings, weights = released_sean.network(released, REGIONS)
    assert (settings.width, settings.depth, settings.style, settings.hidden) == (2, 2, 3, 4)
    draw = np.random.default_rng(1)
    pixels = draw.uniform(-1, 1, (3, SIDE, SIDE))
    one_hot = np.eye(2)[draw.integers(0, 2, (SIDE, SIDE))].transpose(2, 0, 1)
    plain = Plain({name: x.astype(float) for name, x in released.items()}, one_hot)
    codes = plain.codes(pixels)
    wanted = plain.picture(codes)

    ours = settings.build()
    variables = {"params": weights.params, "batch_stats": weights.statistics}
    variables = jax.tree.map(jnp.asarray, variables)
    given = (jnp.asarray(x.transpose(1, 2, 0)[None], jnp.float32) for x in (pixels, one_hot))
    image, where = given
    found = ours.apply(variables, image, where, method="encode")[0]
    np.testing.assert_allclose(found, codes, atol=2e-5)
    keys = jax.random.split(jax.random.key(0), 1)
    picture = ours.apply(variables, image, where, keys)[0]
    np.testing.assert_allclose(picture, wanted.transpose(1, 2, 0), atol=2e-4)


def test_the_file_of_another_network_is_refused_by_the_array_that_differs(released):
    assert released_sean.is_sean(released) and not released_sean.is_sean({"fc.weight": np.zeros(1)})
    with pytest.raises(ValueError, match="are of 2 regions, and 3 are named"):
        released_sean.network(released, (*REGIONS, "car"))
    for name, sentence in (
        ("up_0.ace_s.noise_var", "'up_0.ace_s.noise_var' is missing"),
        ("G_middle_1.ace_0.fc_mu1.weight", "fc_mu1.weight' is missing"),
    ):
        less = {key: value for key, value in released.items() if key != name}
        with pytest.raises(ValueError, match=sentence):
            released_sean.network(less, REGIONS)
    with pytest.raises(ValueError, match="1 arrays are left over, 'fc_mu9.weight' among them"):
        released_sean.network({**released, "fc_mu9.weight": np.zeros((3, 3))}, REGIONS)

"""Released weights of DeepFill: random ones of the released names and shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.nn import deepfill, released_deepfill

NETWORK = deepfill.Network(width=2)
IMAGE = jax.random.uniform(jax.random.key(0), (1, 16, 16, 3))
KEEP = jnp.ones((1, 16, 16, 1)).at[:, 4:9, 6:15].set(0.0)
SHAPES = jax.eval_shape(NETWORK.build().init, jax.random.key(0), IMAGE, KEEP)["params"]

# Written out, so that a slip in the rule that makes them is found.
STAGE_1 = (
    "conv1 conv2_downsample conv3 conv4_downsample conv5 conv6 conv7_atrous conv8_atrous "
    "conv9_atrous conv10_atrous conv11 conv12 conv13_upsample/conv13_upsample_conv conv14 "
    "conv15_upsample/conv15_upsample_conv conv16 conv17"
).split()
STAGE_2 = (
    "xconv1 xconv2_downsample xconv3 xconv4_downsample xconv5 xconv6 xconv7_atrous xconv8_atrous "
    "xconv9_atrous xconv10_atrous pmconv1 pmconv2_downsample pmconv3 pmconv4_downsample pmconv5 "
    "pmconv6 pmconv9 pmconv10 allconv11 allconv12 allconv13_upsample/allconv13_upsample_conv "
    "allconv14 allconv15_upsample/allconv15_upsample_conv allconv16 allconv17"
).split()
OF_STAGE_2 = {
    "conv1", "conv7_atrous", "pmconv6", "allconv13", "allconv17",
}  # fmt: skip


def random_params(seed: int = 0):
    draw = np.random.default_rng(seed)
    return jax.tree.map(lambda x: draw.normal(0, 0.3, x.shape).astype(np.float32), SHAPES)


def checkpoint(params):
    names = released_deepfill.names()
    return {
        f"inpaint_net/{names[layer][0]}/{part}": array
        for layer, of in params.items()
        for part, array in of.items()
    }


def conversion(params):
    found = {}
    for layer, of in params.items():
        name = f"{released_deepfill.names()[layer][1]}.conv"
        found[f"{name}.weight"] = of["kernel"].transpose(3, 2, 0, 1)
        found[f"{name}.bias"] = of["bias"]
    return found


def test_names_are_the_released_ones():
    pairs = released_deepfill.names().values()
    assert sorted(released for released, _ in pairs) == sorted(STAGE_1 + STAGE_2)
    fine = {name.split(".")[1] for _, name in pairs if name.startswith("fine_generator.")}
    assert len(fine) == len(STAGE_2) and fine >= OF_STAGE_2
    assert released_deepfill.names().keys() == SHAPES.keys()


@pytest.mark.parametrize("file", [checkpoint, conversion])
def test_a_network_that_was_fed_blue_first_answers_red_first(file):
    wanted = random_params()
    found = released_deepfill.params(file(wanted), SHAPES)
    run = jax.jit(lambda params, images: NETWORK.build().apply({"params": params}, images, KEEP))
    ours, theirs = run(found, IMAGE), run(wanted, IMAGE[..., ::-1])
    np.testing.assert_allclose(ours.fine, theirs.fine[..., ::-1], atol=2e-4)
    np.testing.assert_allclose(ours.coarse, theirs.coarse[..., ::-1], atol=2e-4)
    as_it_is = released_deepfill.params(file(wanted), SHAPES, blue_first=False)
    jax.tree.map(np.testing.assert_array_equal, as_it_is, wanted)


def test_critics_and_moments_are_left_aside():
    arrays = checkpoint(random_params())
    more = {
        "discriminator/conv1/kernel": np.ones(3),
        "inpaint_net/conv1/kernel/Adam": np.ones(3),
        "beta1_power": np.ones(()),
    }
    jax.tree.map(
        np.testing.assert_array_equal,
        released_deepfill.params(arrays | more, SHAPES),
        released_deepfill.params(arrays, SHAPES),
    )


@pytest.mark.parametrize("file", [checkpoint, conversion])
def test_what_is_missing_left_over_misshapen_or_infinite_is_named(file):
    arrays = file(random_params())
    name = sorted(arrays)[5]
    other = name.replace("conv1", "conv99").replace("conv2", "conv98")
    for changed, sentence in (
        ({k: v for k, v in arrays.items() if k != name}, f"'{name}' is missing"),
        (arrays | {other: arrays[name]}, f"'{other}' among them"),
        (arrays | {name: arrays[name][..., :1].repeat(7, -1)}, "instead of"),
        (arrays | {name: arrays[name] * np.nan}, f"NaN or infinity in '{name}'"),
    ):
        with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
            released_deepfill.params(changed, SHAPES)

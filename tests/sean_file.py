"""A file of a small SEAN under the authors' names, as specs/steex.md 1.3 and 1.4 have them."""

import numpy as np

REGIONS = ("sky", "road")
WIDTH, STYLE, HIDDEN, TOP = 2, 3, 4, 4  # depth 2: four blocks, of which one at full size
BLOCKS = {"head_0": (4, 4), "G_middle_0": (4, 4), "G_middle_1": (4, 4), "up_0": (4, 2)}
LAST = "up_0"  # has no styles
_ENCODER = {1: (1, 3), 4: (2, 1), 7: (4, 2), 14: (STYLE, 8)}  # outputs and inputs at its places


def conv(name, outputs, inputs):
    return {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}


def norm(at, channels, *, is_styled):
    found = {f"{at}.blending_gamma": (1,), f"{at}.blending_beta": (1,)}
    found[f"{at}.noise_var"] = (channels,)
    for name in (at, f"{at}.Spade"):
        found[f"{name}.param_free_norm.running_mean"] = (channels,)
        found[f"{name}.param_free_norm.running_var"] = (channels,)
        found[f"{name}.param_free_norm.num_batches_tracked"] = ()
    found |= conv(f"{at}.Spade.mlp_shared.0", HIDDEN, len(REGIONS))
    for which in ("gamma", "beta"):
        found |= conv(f"{at}.Spade.mlp_{which}", channels, HIDDEN)
        found |= conv(f"{at}.conv_{which}", channels, STYLE) if is_styled else {}
    for region in range(len(REGIONS) if is_styled else 0):
        found[f"{at}.fc_mu{region}.weight"] = (STYLE, STYLE)
        found[f"{at}.fc_mu{region}.bias"] = (STYLE,)
    return found


def block(name, inputs, outputs):
    norms = {"ace_0": inputs, "ace_1": min(inputs, outputs)}
    convs = {"conv_0": (norms["ace_1"], inputs, 3), "conv_1": (outputs, norms["ace_1"], 3)}
    if inputs != outputs:
        norms["ace_s"], convs["conv_s"] = inputs, (outputs, inputs, 1)
    found = {}
    for own, (out, into, side) in convs.items():
        found[f"{name}.{own}.weight_orig"] = (out, into, side, side)
        found[f"{name}.{own}.weight_u"] = (out,)
        found[f"{name}.{own}.weight_v"] = (into * side**2,)
        found |= {} if own == "conv_s" else {f"{name}.{own}.bias": (out,)}
    for own, channels in norms.items():
        found |= norm(f"{name}.{own}", channels, is_styled=name != LAST)
    return found


def arrays():
    """Names and random arrays; its noise is 0."""
    shapes = conv("fc", TOP, len(REGIONS)) | conv("conv_img", 3, WIDTH)
    for place, sizes in _ENCODER.items():
        shapes |= conv(f"Zencoder.model.{place}", *sizes)
    shapes |= {"Zencoder.model.10.weight": (4, 8, 3, 3), "Zencoder.model.10.bias": (8,)}
    for name, sizes in BLOCKS.items():
        shapes |= block(name, *sizes)
    draw = np.random.default_rng(0)
    made = {name: 0.5 * draw.normal(size=shape) for name, shape in shapes.items()}
    made |= {name: np.zeros_like(x) for name, x in made.items() if name.endswith("noise_var")}
    made |= {name: abs(x) + 0.5 for name, x in made.items() if name.endswith("running_var")}
    return {name: np.asarray(x, np.float32) for name, x in made.items()}

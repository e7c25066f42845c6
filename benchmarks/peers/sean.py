"""SEAN's generator and STEEX's optimisation written plainly in PyTorch, for benchmarks alone.

By the equations of Zhu et al. 2020 and Jacob et al. 2022: at every step each norm convolves the
one-hot map and the styles that are painted on it, as published; nothing is computed once. The
weights are ours.
"""

import torch
from torch.nn import functional

SLOPE = 0.2


def conv(own, pads: int):
    """A convolution of our layer, as a function."""
    weight = torch.from_numpy(own["kernel"].transpose(3, 2, 0, 1).copy())
    bias = torch.from_numpy(own["bias"]) if "bias" in own else None
    return lambda x: functional.conv2d(x, weight.to(x.dtype), bias, padding=pads)


class Norm:
    """Batch norm, and a scale and a shift of each pixel by its region and its region's style."""

    def __init__(self, own, statistics):
        self.around, self.of_map = conv(own["around"], 1), conv(own["of_map"], 1)
        self.noise = torch.from_numpy(own["noise"])[:, None, None]
        self.share = torch.sigmoid(torch.from_numpy(own["blend"]))
        self.mean, self.var = (torch.from_numpy(statistics[name]) for name in ("mean", "var"))
        self.styled = "kernel" in own
        if self.styled:
            self.linear, self.bias = (
                torch.from_numpy(own[name]) for name in ("own_kernel", "own_bias")
            )
            self.style = conv({"kernel": own["kernel"], "bias": own["bias"]}, 1)

    def __call__(self, x, one_hot, codes):
        """``[b c h w]``, the same shape."""
        x = x + self.noise * torch.randn(len(x), 1, *x.shape[2:])
        normed = functional.batch_norm(x, self.mean, self.var, eps=1e-5)
        small = functional.interpolate(one_hot, size=x.shape[2:], mode="nearest")
        scale, shift = self.of_map(torch.relu(self.around(small))).chunk(2, dim=1)
        if self.styled:
            own = torch.relu(torch.einsum("bnd,nde->bne", codes, self.linear) + self.bias)
            painted = torch.einsum("bnhw,bnd->bdhw", small, own)
            own_scale, own_shift = self.style(painted).chunk(2, dim=1)
            scale = self.share[0] * own_scale + (1 - self.share[0]) * scale
            shift = self.share[1] * own_shift + (1 - self.share[1]) * shift
        return normed * (1 + scale) + shift


class Block:
    """Two convolutions, each behind a norm, and a way around them."""

    def __init__(self, own, statistics):
        self.norms = {
            name: Norm(own[name], statistics[name]["norm"])
            for name in ("norm0", "norm1", "norm_skip")
            if name in own
        }
        self.convs = [conv(own[f"spectral{i}"], 1) for i in range(2)]
        self.skip = conv(own["spectral_skip"], 0) if "spectral_skip" in own else None

    def __call__(self, x, one_hot, codes):
        """``[b outputs h w]``."""
        way = x
        for i, convolve in enumerate(self.convs):
            way = self.norms[f"norm{i}"](way, one_hot, codes)
            way = convolve(functional.leaky_relu(way, SLOPE))
        if self.skip is not None:
            x = self.skip(self.norms["norm_skip"](x, one_hot, codes))
        return x + way


class Generator:
    """Pictures in [-1, 1] of label maps and codes."""

    def __init__(self, params, statistics, depth: int):
        """Of NumPy arrays, kernels divided by their spectral norms."""
        self.start, self.colours = conv(params["start"], 1), conv(params["colours"], 1)
        names = sorted(
            (name for name in params if name.startswith("blocks_")),
            key=lambda name: int(name.removeprefix("blocks_")),
        )
        self.blocks = [Block(params[name], statistics[name]) for name in names]
        self.depth = depth

    def __call__(self, one_hot, codes):
        """``[b 3 h w]``."""
        size = [side >> self.depth for side in one_hot.shape[2:]]
        x = self.start(functional.interpolate(one_hot, size=size, mode="nearest"))
        for i, block in enumerate(self.blocks):
            if i not in (0, 2):  # no upsampling before the first and the third
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, one_hot, codes)
        return torch.tanh(self.colours(functional.leaky_relu(x, SLOPE)))


def counterfactual(generator, log_odds, one_hot, begun, *, num_steps: int, rate: float, weight):
    """Log-odds of the other decision at each step, and the last picture, in unit pixels.

    Args:
        generator: see `Generator`.
        log_odds: of unit pixels ``[b 3 h w]``, of the other decision.
        one_hot: ``[b n h w]``.
        begun: ``[b n d]``, the pictures' own codes.
        num_steps: updates.
        rate: of Adam.
        weight: of the squared distance of the codes.
    """
    codes, said = begun.clone().requires_grad_(True), []
    tx = torch.optim.Adam([codes], rate)
    for _ in range(num_steps):
        tx.zero_grad()
        gained = log_odds((generator(one_hot, codes) + 1) / 2)
        distance = (codes - begun).square().sum((1, 2))
        (functional.softplus(-gained) + weight * distance).sum().backward()
        tx.step()
        said.append(gained.detach())
    with torch.no_grad():
        picture = (generator(one_hot, codes) + 1) / 2
    return torch.stack(said, dim=1), picture

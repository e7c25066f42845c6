"""One training iteration of SyCE written plainly in PyTorch (extra `peers`), for benchmarks alone.

By the equations of docs/syce.md: pre-activation U-Nets with an affine a channel, two critics with a
gradient penalty, and LeNet as the frozen classifier, which is asked of the pictures first; two
updates of the generators by one Adam, then one of each critic.
"""

import torch
from torch import nn
from torch.nn import functional

WIDTHS, CRITIC = (16, 32, 64), (32, 64, 96)


class Block(nn.Module):
    """An affine a channel, ReLU and a 3 x 3 convolution."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(inputs, 1, 1))
        self.conv = nn.Conv2d(inputs, width, 3, padding=1)

    def forward(self, x):
        """The same sides."""
        return self.conv(torch.relu(x * self.scale + self.bias))


def blocks(inputs: int, width: int, num: int) -> nn.Sequential:
    return nn.Sequential(*(Block(inputs if i == 0 else width, width) for i in range(num)))


class Generator(nn.Module):
    """Grey pictures in, grey pictures out, cut off at 0 and 1."""

    def __init__(self):
        super().__init__()
        self.first = blocks(1, WIDTHS[0], 2)
        pairs = list(zip(WIDTHS, WIDTHS[1:], strict=False))
        self.into = nn.ModuleList(blocks(one, other, 1) for one, other in pairs)
        self.down = nn.ModuleList(blocks(width, width, 3) for width in WIDTHS[1:])
        inputs = [WIDTHS[-1], *(2 * width for width in reversed(WIDTHS[1:-1]))]
        outputs = list(reversed(WIDTHS[:-1]))
        self.up = nn.ModuleList(blocks(i, o, 2) for i, o in zip(inputs, outputs, strict=True))
        self.pixels = nn.Conv2d(2 * WIDTHS[0], 1, 1)

    def forward(self, x):
        """``[b 1 h w]``, unit pixels."""
        skips = [self.first(x)]
        for into, down in zip(self.into, self.down, strict=True):
            x = functional.max_pool2d(into(skips[-1]), 2)
            skips.append(x + down(x))
        x = skips.pop()
        for up in self.up:
            x = functional.interpolate(up(x), scale_factor=2)
            x = torch.cat([skips.pop(), x], dim=1)
        return self.pixels(x).clamp(0.0, 1.0)


class Critic(nn.Module):
    """One logit a picture of 28 x 28."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 1
        for width in CRITIC:
            for stride in (1, 2):
                layers += [nn.LeakyReLU(0.3), nn.Conv2d(inputs, width, 3, stride, padding=1)]
                inputs = width
        self.layers, self.logit = nn.Sequential(*layers), nn.Linear(16 * CRITIC[-1], 1)

    def forward(self, x):
        """``[b]``."""
        return self.logit(self.layers(x).flatten(1))[:, 0]


def lenet() -> nn.Sequential:
    """The frozen classifier."""
    found = nn.Sequential(
        *(nn.Conv2d(1, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 1)),
    )
    return found.requires_grad_(False)


def reconstruction(one, other):
    return functional.mse_loss(one, other) + functional.l1_loss(one, other)


def says(logits, target):
    """Of logits ``[b]``; a target for each, or one for all."""
    wanted = torch.as_tensor(target, dtype=logits.dtype).expand_as(logits)
    return functional.binary_cross_entropy_with_logits(logits, wanted)


class Step:
    """Networks and optimisers; a call is an iteration on pictures of both domains."""

    def __init__(self, channels_last: bool):
        form = torch.channels_last if channels_last else torch.contiguous_format
        moved = lambda net: net.to(memory_format=form)  # noqa: E731
        self.classifier = moved(lenet())
        self.generators = [moved(Generator()) for _ in range(2)]
        self.critics = [moved(Critic()) for _ in range(2)]
        params = [p for one in self.generators for p in one.parameters()]
        self.tx = torch.optim.Adam(params, 1e-4, eps=1e-7)
        self.of_critics = [
            torch.optim.Adam(one.parameters(), 1e-4, eps=1e-7) for one in self.critics
        ]

    def __call__(self, pictures: list) -> float:
        """The last critic's loss."""
        with torch.no_grad():
            decided = (self.classifier(torch.cat(pictures))[:, 0] >= 0).float().chunk(2)
        for domain in (0, 1):
            self.tx.zero_grad(set_to_none=True)
            self.loss(domain, pictures[domain], decided[domain]).backward()
            self.tx.step()
        for domain in (0, 1):
            with torch.no_grad():
                fake = self.generators[1 - domain](pictures[1 - domain])
            self.of_critics[domain].zero_grad(set_to_none=True)
            lost = self.of_critic(domain, pictures[domain], fake)
            lost.backward()
            self.of_critics[domain].step()
        return float(lost)

    def loss(self, domain: int, x, y):
        """Of the generators, on pictures of a domain that are decided `y`."""
        own, other = self.generators[domain], self.generators[1 - domain]
        a = own(x)
        s, r = own(a), other(a)
        said = self.classifier(torch.cat([a, s, r]))[:, 0].chunk(3)
        total = 10.0 * reconstruction(x, s) + 2.0 * reconstruction(x, r)
        total = total + 0.2 * says(said[0], 1 - y) + 0.01 * says(said[1], y)
        total = total + 0.005 * says(said[2], y)
        return total + 0.25 * says(self.critics[1 - domain](a), 1.0)

    def of_critic(self, domain: int, real, fake):
        """Of a domain's critic, with the penalty of its slope."""
        critic = self.critics[domain]
        share = torch.rand(len(real), 1, 1, 1)
        mixed = (real + share * (fake - real)).requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        length = slope.flatten(1).norm(dim=1)
        lost = says(critic(real), 1.0) + says(critic(fake), 0.0)
        return lost + (length - 1.0).square().mean()


def step_of(images, channels_last: bool):
    """A function that makes an iteration on ``[2 n h w 1]`` of both domains.

    Args:
        images: of the two domains.
        channels_last: the form of all arrays.
    """
    torch.manual_seed(0)
    step = Step(channels_last)
    form = torch.channels_last if channels_last else torch.contiguous_format
    pictures = [
        torch.from_numpy(part).permute(0, 3, 1, 2).contiguous(memory_format=form) for part in images
    ]
    return lambda: step(pictures)

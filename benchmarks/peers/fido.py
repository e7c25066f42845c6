"""FIDO's published setting for one picture, as one would write it in torch from the paper."""

from typing import Any

import numpy as np


def explain(
    network: Any, picture: Any, blurred: Any, target: int, *, steps: int = 300, samples: int = 8
) -> np.ndarray:
    """SSR with its published constants: keep probabilities ``[h w]``.

    Args:
        network: `peers.lite0.network`.
        picture: ``[1 c h w]`` normalised.
        blurred: likewise, the infill.
        target: a class.
        steps: updates.
        samples: masks a step.
    """
    import torch

    logits = torch.zeros(1, 1, 56, 56, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.05)
    size = picture.shape[2:]

    def drop_probability() -> Any:
        coarse = torch.sigmoid(logits)
        whole = torch.nn.functional.interpolate(
            coarse, size=size, mode="bilinear", align_corners=True
        )
        return whole.clamp(1e-6, 1 - 1e-6)

    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
        drop = drop_probability()
        noise = torch.rand(samples, 1, *size).clamp(1e-6, 1 - 1e-6)
        keep = 1 - torch.sigmoid((torch.logit(drop) + torch.logit(noise)) / 0.1)
        composites = keep * picture + (1 - keep) * blurred
        scores = network(composites.contiguous(memory_format=torch.channels_last))
        others = scores.scatter(1, torch.full((samples, 1), target), -torch.inf).logsumexp(dim=1)
        log_odds = (scores[:, target] - others).mean()
        penalty = min(1.0, step / 30) * 1e-3 * (1 - drop).sum()
        optimiser.zero_grad()
        (penalty - log_odds).backward()
        optimiser.step()
    return (1 - drop_probability()).detach().numpy()[0, 0]

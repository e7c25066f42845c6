"""The methods, infills, generators and presets that users choose by name."""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from xai_jax.core.settings import nearest
from xai_jax.generators import autoencoder, sean
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Constant, Mean
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.noise import RandomColour
from xai_jax.infills.pyramid import Pyramid
from xai_jax.infills.vae import Vae
from xai_jax.methods import (
    adversarial,
    bbmp,
    controls,
    explainer,
    extremal,
    fido,
    gradcam,
    gradients,
    igos,
    latent_shift,
    occlusion,
    rise,
    rtis,
    steex,
    syce,
)

METHODS: dict[str, type] = {
    "bbmp": bbmp.Config,
    "explainer": explainer.Config,
    "extremal": extremal.Config,
    "fido": fido.Config,
    "rtis": rtis.Config,
    "rtis_per_image": rtis.PerImage,
    "syce": syce.Config,
    "latent_shift": latent_shift.Config,
    "adversarial": adversarial.Config,
    "steex": steex.Config,
    "steex_sparsest": steex.Sparsest,
    "igos": igos.Config,
    "rise": rise.Config,
    "gradcam": gradcam.Config,
    "gradient": gradients.Gradient,
    "input_x_gradient": gradients.InputXGradient,
    "smooth_grad": gradients.SmoothGrad,
    "integrated_gradients": gradients.IntegratedGradients,
    "occlusion": occlusion.Config,
    "prediction_difference": occlusion.PredictionDifference,
    "random": controls.Random,
    "centred_blob": controls.CentredBlob,
    "edges": controls.Edges,
    "not_dark": controls.NotDark,
}
INFILLS: dict[str, type] = {
    "blur": Blur,
    "mean": Mean,
    "constant": Constant,
    "noise": RandomColour,
    "local_mean": LocalMean,
    "pyramid": Pyramid,
    "denoiser": Denoiser,
    "vae": Vae,
    "ca": ContextualAttention,
    "mixed": Mixed,
}
GENERATORS: dict[str, type] = {  # by kind of file
    autoencoder.KIND: autoencoder.Autoencoder,
    sean.KIND: sean.Sean,
}
PUBLISHED = "published"
# What the command line starts from where none is named.
FIRST_PRESETS = {"fido": "robust"}  # by method; of the others PUBLISHED
FIRST_INFILLS = {"robust": "mixed"}  # by preset; of the others "blur"

Choice = TypeVar("Choice")


def presets(config: type) -> dict[str, Callable[[], Any]]:
    """Named settings of a method: its defaults, and every class method of its Config."""
    named = {
        name: getattr(config, name)
        for name, value in vars(config).items()
        if isinstance(value, classmethod)
    }
    return {PUBLISHED: config, **named}


def settings(kind: str, given: Any, choices: Mapping[str, type]) -> Any:
    """Settings of what somebody has named in Python, with the defaults; anything else as it is.

    Args:
        kind: "method" or "infill", for errors.
        given: a name, the module or the class of the settings, or a preset that was not called.
        choices: the classes by name.

    Raises:
        ValueError: there is no such name, a module holds several of them, or none, or a class asks
            for arguments.
    """
    if isinstance(given, str):
        given = chosen(kind, given, choices)
    elif isinstance(given, types.ModuleType):
        given = _of_module(kind, given, choices)
    is_preset = inspect.ismethod(given) and isinstance(given.__self__, type)
    if not isinstance(given, type) and not is_preset:
        return given
    try:
        return given()
    except TypeError as error:
        raise ValueError(f"The {kind} {given.__qualname__} must be built: {error}.") from None


def _of_module(kind: str, module: types.ModuleType, choices: Mapping[str, type]) -> type:
    found = {
        one.__name__: one
        for one in choices.values()
        if f"{one.__module__}.".startswith(f"{module.__name__}.")
    }
    if len(found) != 1 and "Config" not in vars(module):
        names = ", ".join(map(repr, choices))
        known = f"which of {' and '.join(found)}" if found else f"a {kind}, by name: {names}"
        raise ValueError(f"The {kind} is the module {module.__name__}; say {known}.")
    return vars(module)["Config"] if len(found) != 1 else next(iter(found.values()))


def chosen(kind: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """``choices[name]``.

    Raises:
        ValueError: there is no such name; says which is near.
    """
    if name not in choices:
        raise ValueError(f"There is no {kind} {name!r}; {nearest(name, choices)}")
    return choices[name]

"""What ``xai-jax explain --help`` says above its flags: a line for all that is chosen by name."""

import textwrap

from xai_jax.choices import INFILLS, METHODS, PUBLISHED, presets

_WIDTH = 80
_LINES = {
    "bbmp": "which smooth deletion lowers the score most?",
    "explainer": "the masks of all classes at once, by a trained network",
    "extremal": "which region of a given area matters most?",
    "fido": "which pixels suffice, or destroy, under many masks?",
    "rtis": "which mask keeps the class? a trained network draws it",
    "rtis_per_image": "the same, optimised for each picture",
    "syce": "two pictures decided one way and the other, by trained generators",
    "latent_shift": "the picture along the gradient of an autoencoder's code",
    "adversarial": "pixels that turn the decision and show nothing: a floor",
    "steex": "which styles of its regions turn the decision?",
    "steex_sparsest": "the same, by as few regions as will do",
    "igos": "a mask descended along integrated gradients",
    "rise": "the mean of random masks, by the score of what they keep",
    "gradcam": "activations of the last layer, by their gradient",
    "gradient": "the size of the gradient, a pixel",
    "input_x_gradient": "the gradient times the pixel",
    "smooth_grad": "the mean gradient of noisy pictures",
    "integrated_gradients": "gradients on the way from a baseline",
    "occlusion": "the score lost where a square is covered",
    "prediction_difference": "the score lost where a window is drawn anew",
    "random": "a control: noise",
    "centred_blob": "a control: the middle of every picture",
    "not_dark": "a control: all that is not dark, the brain of a scan say",
    "edges": "a control: the picture's edges",
    "blur": "a Gaussian blur of the picture",
    "mean": "the classifier's mean colour",
    "constant": "one grey or colour",
    "noise": "a random colour with noise",
    "local_mean": "the mean of the kept pixels around",
    "pyramid": "averages of the kept pixels, the finest that there are",
    "denoiser": "a small network that comes along",
    "vae": "a VAE that is trained first",
    "ca": "contextual attention (DeepFill), trained first",
    "mixed": "one of several, drawn for each mask",
}


def explain() -> str:
    """The methods with their presets, the infills, and examples, in 80 columns.

    tyro joins lines that begin with a letter, and sets blank ones before what is indented.
    """
    whole = "Explains pictures: arrays, a table, an overlay a picture and a report."
    lines = [whole, "", "A second start of the same command goes on where the first ended."]
    lines += ["", "Methods (--method), in brackets their presets besides published (--preset):"]
    for name, kind in METHODS.items():
        more = ", ".join(preset for preset in presets(kind) if preset != PUBLISHED)
        lines += _item(name, kind, f" [{more}]" if more else "")
    lines += ["", "Infills (--infill), which stand where a pixel is removed:"]
    for name, kind in INFILLS.items():
        lines += _item(name, kind, "")
    return "\n".join([*lines, "", *_EXAMPLES])


def _item(name: str, kind: type, more: str) -> list[str]:
    said = _LINES.get(name) or (kind.__doc__ or "").split("\n", 1)[0]
    return textwrap.wrap(
        f"{name}: {said}{more}", _WIDTH, initial_indent="  ", subsequent_indent="      "
    )


_EXAMPLES = (
    "For example:",
    "  xai-jax explain --classifier efficientnet_lite0 --out results photo.jpg",
    "  xai-jax explain --classifier efficientnet_lite0 --out results --preset fast \\",
    "      --target runner-up PICTURES",
)

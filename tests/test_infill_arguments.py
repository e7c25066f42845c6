"""`--infill` with the file of its weights, on the command line."""

import pytest

from xai_jax.commands import arguments

GIVEN = ["photo.jpg", "--out", "results", "--classifier", "efficientnet_lite0"]


def test_the_file_of_an_infills_weights_is_among_its_settings():
    given = ["--infill", "vae", "--infill-weights", "runs/infill_vae"]
    args, _ = arguments.parse([*GIVEN, *given])
    assert args.infill_settings.weights == "runs/infill_vae"
    args, _ = arguments.parse([*GIVEN, "--infill", "denoiser"])
    assert args.infill_settings.weights == ""


def test_an_infill_without_a_network_takes_no_weights():
    given = ["--infill", "blur", "--infill-weights", "some.safetensors"]
    with pytest.raises(
        ValueError, match="blur takes no weights; leave out --infill-weights, or .* "
    ):
        arguments.parse([*GIVEN, *given])

"""What the configs of SyCE ask of their generators."""

import pytest

from configs import recipes
from configs.lgg_mri import cyce as slices_cyce
from configs.lgg_mri import full_size
from configs.lgg_mri import syce as slices
from configs.mnist import cyce as digits_cyce
from configs.mnist import syce as digits
from configs.own import syce as own
from configs.rsna import syce as chests

LIGHT = {
    "digits": digits.get_config,
    "digits, long": lambda: digits.get_config("long"),
    "digits, CyCE": digits_cyce.get_config,
    "slices": slices.get_config,
    "slices, CyCE": slices_cyce.get_config,
    "slices, CyCE with an identity": lambda: slices_cyce.get_config("identity"),
    "slices at full size": full_size.get_config,
    "chests": chests.get_config,
    "own": own.get_config,
}


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_training_gains_more_by_the_flip_than_it_loses_by_what_is_to_be_kept(name):
    """A fresh generator draws the picture itself; with a weak flip it may never leave it."""
    loss = LIGHT[name]().method.loss
    assert loss.flip == recipes.FLIP > loss.keep + loss.cycle_keep


def test_the_published_weights_stay_those_of_the_paper():
    loss = digits.get_config("published").method.loss
    assert (loss.flip, loss.keep, loss.cycle_keep) == (0.2, 0.01, 0.005)

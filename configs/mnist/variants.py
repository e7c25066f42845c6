"""SyCE's variants on the digits 3 and 8: SAGen, MGen, one generator for both, told or not.

    python train.py --config=configs/mnist/variants.py --workdir=runs/mnist_sagen
    python train.py --config=configs/mnist/variants.py:mgen --workdir=runs/mnist_mgen
    python train.py --config=configs/mnist/variants.py:single --workdir=runs/mnist_single
    python train.py --config=configs/mnist/variants.py:conditional --workdir=runs/mnist_conditional

They need the classifier of configs/mnist/classifier.py. SAGen and MGen are reconstructions: their
networks are known, their trainings are not. MGen has three resolutions here, since 28 pixels are
not to be halved a third time.

Expect of SAGen 96.1 % of the test pictures flipped, by the oracle 79.5 %, of MGen 98.3 and 68.5 %
(`configs/mnist/evaluate.py:rivals`), after 3 minutes on a CPU core each; the others have not
been run.
"""

import dataclasses

from configs import recipes
from configs.mnist import syce as like
from xai_jax.experiment import Experiment
from xai_jax.methods import syce
from xai_jax.nn.unet import UNet


def _mgen() -> syce.Config:
    return dataclasses.replace(syce.Config.mgen(), network=UNet(finest=1))


def get_config(which: str = "sagen") -> Experiment:
    """The experiment; `which` is "sagen", "mgen", "single" or "conditional"."""
    made = recipes.named(
        which,
        {
            "sagen": syce.Config.sagen,
            "mgen": _mgen,
            "single": syce.Config.single,
            "conditional": syce.Config.conditional,
        },
    )
    return like.experiment(like.briefly(made()), "quick")

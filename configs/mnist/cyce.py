"""CyCE of the classifier that tells 8 from 3: as SyCE, with a cycle in place of the symmetry.

    python train.py --config=configs/mnist/cyce.py --workdir=runs/mnist_cyce
    python train.py --config=configs/mnist/cyce.py:identity --workdir=runs/mnist_cyce_identity

It needs the classifier of configs/mnist/classifier.py. `:identity` adds an identity term, as
GANterfactual, that weighs half the cycle; `:long` and `:published` are as in configs/mnist/syce.py.

Expect of the first 99.2 % of the test pictures flipped, of the second 99.0 %; docs/syce.md has
more.
"""

from configs import recipes
from configs.mnist import syce as like
from xai_jax.experiment import Experiment
from xai_jax.methods import syce


def get_config(which: str = "quick") -> Experiment:
    """The experiment; `which` is "quick", "long", "published" or "identity"."""
    with_identity = {"identity": like.methods(syce.Config.cyce_identity)["quick"]}
    method = recipes.named(which, like.methods(syce.Config.cyce) | with_identity)
    return like.experiment(method, "quick" if which in with_identity else which)

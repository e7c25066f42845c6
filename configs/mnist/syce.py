"""SyCE of the classifier that tells 8 from 3: what makes a 3 of an 8, and an 8 of a 3.

    python train.py --config=configs/mnist/syce.py --workdir=runs/mnist_syce

It needs the classifier of configs/mnist/classifier.py. The published training is
`--config=configs/mnist/syce.py:published`: 60 epochs of batches of 64 a domain at 1e-4, less at
plateaus. This one takes fewer and smaller batches, 16 a domain, at 1e-3, which falls to 0, and
exports a moving average.

Expect in metrics.jsonl, at step 1,000, valid/flipped 0.989, valid/kept 0.995 and
valid/adversarial 0.049, as the command above left them on two CPU cores.
"""

from configs import recipes
from configs.mnist.digits import PICTURES
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.data.pairs import Pairs
from xai_jax.data.transforms import Warp
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import syce

STEPS = 1000
PUBLISHED_STEPS = 60 * 73  # epochs of so many steps


def get_config(which: str = "quick") -> Experiment:
    """The experiment; `which` is "quick" or "published"."""
    return experiment(recipes.named(which, methods(syce.Config)), which)


def methods(made) -> dict:
    """Settings that `made` returns, as they are trained here and as they were published."""
    quick = {"learning_rate": 1e-3, "decay_steps": STEPS, "average": 0.99}
    changed = made()
    for name, value in quick.items():
        setattr(changed, name, value)
    published = made()
    published.plateau = 4
    return {"quick": changed, "published": published}


def experiment(method: syce.Config, which: str) -> Experiment:
    """A training on MNIST that leaves a file to explain with."""
    is_quick = which != "published"
    classifier = Named(name="runs/mnist_classifier/classifier.safetensors")
    return Experiment(
        method=method,
        explained=Explained(classifier=classifier, infill=Mean()),
        data=Pairs(pictures=PICTURES.training(Warp())),
        validation=Validation(
            data=PICTURES.once("validation"),
            every=500 if is_quick else 0,
            patience=None if is_quick else 12,
        ),
        num_steps=STEPS if is_quick else PUBLISHED_STEPS,
        batch_size=32 if is_quick else 128,
        checkpoint_every=50,
        export=PICTURES.exported("syce", method),
    )

"""SyCE of the classifier that tells 8 from 3: what makes a 3 of an 8, and an 8 of a 3.

    python train.py --config=configs/mnist/syce.py --workdir=runs/mnist_syce

It needs the classifier of configs/mnist/classifier.py. The published training is
`--config=configs/mnist/syce.py:published`: 60 epochs of batches of 64 a domain at 1e-4, less at
plateaus, or fewer: it ends with a plateau at the least rate. This one takes fewer and smaller
batches, 16 a domain, at 1e-3, which falls to 0, exports a moving average, and asks for the flip
with a weight of 1, not of 0.2 (flip_weights.py). `:long` is between them: 20 epochs of batches of
64 a domain at 3e-4, which falls to 0, averaged and with that weight, too. docs/syce.md says how the
two are scored.

Expect in metrics.jsonl, at step 1,000, valid/flipped 0.995, valid/kept 0.999 and
valid/adversarial 0.041, as the command above left them on a CPU core; of `:long`, at step 1,460,
0.997, 0.997 and 0.042 after 37 minutes.
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
EPOCH = 73  # steps, of 64 a domain
PLANS = {  # steps, rows of a batch, steps between validations (0: an epoch)
    "quick": (STEPS, 32, 500),
    "long": (20 * EPOCH, 128, 5 * EPOCH),
    "published": (60 * EPOCH, 128, 0),
}


def get_config(which: str = "quick") -> Experiment:
    """The experiment; `which` is a key of PLANS."""
    return experiment(recipes.named(which, methods(syce.Config)), which)


def methods(made) -> dict:
    """Settings that `made` returns, as they are trained here and as they were published."""
    quick, long, published = briefly(made()), made(), made()
    quick.loss.flip = long.loss.flip = recipes.FLIP
    long.learning_rate, long.decay_steps, long.average = 3e-4, PLANS["long"][0], 0.99
    published.plateau = 4
    return {"quick": quick, "long": long, "published": published}


def briefly(method: syce.Config) -> syce.Config:
    """The same with the rates of a short training."""
    method.learning_rate, method.decay_steps, method.average = 1e-3, STEPS, 0.99
    return method


def experiment(method: syce.Config, which: str) -> Experiment:
    """A training on MNIST that leaves a file to explain with."""
    num_steps, batch_size, every = PLANS[which]
    classifier = Named(name="runs/mnist_classifier/classifier.safetensors")
    return Experiment(
        method=method,
        explained=Explained(classifier=classifier, infill=Mean()),
        data=Pairs(pictures=PICTURES.training(Warp())),
        validation=Validation(
            data=PICTURES.once("validation"),
            every=every,
            metric="loss" if which == "published" else None,
        ),
        num_steps=num_steps,
        batch_size=batch_size,
        checkpoint_every=50,
        export=PICTURES.exported("syce", method),
    )

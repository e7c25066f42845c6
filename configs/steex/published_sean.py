"""SEAN at its published width for STEEX's faces and roads: 267 and 271 million parameters.

    python train.py --config=configs/steex/published_sean.py --workdir=runs/celeba_sean

on CelebA at 128 x 128; `:celebamask_hq` (256 x 256) and `:bdd` (256 x 512) leave what they do in
runs/celebamask_hq_sean and runs/bdd_sean. It learns from the label maps that the segmenter of
published_segmenter.py predicts, those of CelebAMask-HQ from people's. Fifty epochs at constant
rates and fifty over which they fall to 0, and the last state is exported; for a GPU, many days. The
perceptual loss reads EfficientNet-Lite1; with torchvision's weights of VGG-19 at hand it is the
published one:
--config.explained.classifier.name=vgg19 --config.explained.classifier.weights=vgg19.pth.
configs/steex/published.py says what differs.

Expect no figure: the authors name none, and no run here has measured one.
"""

import functools

from configs import recipes
from configs.steex import recipe
from configs.steex.published import SCENES
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.experiment import Experiment, Validation
from xai_jax.generators.sean import KIND
from xai_jax.infills.constant import Mean
from xai_jax.nn.sean import Sean
from xai_jax.pretrain import sean

EPOCHS = 50  # twice
BY_PEOPLE = ("celebamask_hq", "celebamask_hq_young")


def get_config(which: str = "celeba") -> Experiment:
    """The experiment; `which` is a key of SCENES."""
    scenes = recipes.named(which, SCENES)
    pictures, batch_size = scenes.shown, scenes.per_step[1]
    epoch = scenes.per_epoch[1] // batch_size
    network = Sean(regions=scenes.regions)
    maps = recipe.with_regions
    if which not in BY_PEOPLE:
        maps = functools.partial(recipe.with_predicted, run=scenes.segmenter)
    return Experiment(
        method=sean.Config(
            network=network, steady_steps=EPOCHS * epoch, decay_steps=EPOCHS * epoch
        ),
        explained=Explained(classifier=Named(name="efficientnet_lite1"), infill=Mean()),
        data=maps(pictures.training(recipe.MIRRORED)),
        validation=Validation(data=maps(pictures.once("validation")), every=5 * epoch, metric=None),
        num_steps=2 * EPOCHS * epoch,
        batch_size=batch_size,
        checkpoint_every=epoch,
        export=pictures.exported(KIND, network),
    )

"""The classifiers that STEEX's paper explains: DenseNet-121 of faces, and of roads.

    python train.py --config=configs/steex/published_classifier.py \
        --workdir=runs/celeba_classifier \
        --config.explained.classifier.weights=densenet121.pth

with CelebA's smiles; `:celeba_young`, `:celebamask_hq`, `:celebamask_hq_young` and `:bdd` (can one
go forward?) leave what they do in runs/ of that name. Five epochs of Adam at 1e-4; it needs a GPU
and torchvision's weights. configs/steex/published.py says what differs.

Expect no figure: the authors name none, and no run here has measured one.
"""

from configs import recipes
from configs.steex.published import SCENES
from xai_jax.experiment import Experiment, Validation
from xai_jax.pretrain import classifier

EPOCHS = 5


def get_config(which: str = "celeba") -> Experiment:
    """The experiment; `which` is a key of SCENES."""
    scenes = recipes.named(which, SCENES)
    pictures, batch_size = scenes.classified, scenes.per_step[0]
    epoch = scenes.per_epoch[0] // batch_size
    made = recipes.new_classifier(
        pictures,
        "densenet121",
        classifier.Config(num_classes=1, learning_rate=1e-4, trunk_frozen=False, trunk_rate=1e-4),
        data=pictures.training(),
        validation=Validation(data=pictures.once("validation"), every=epoch),
        num_steps=EPOCHS * epoch,
        checkpoint_every=epoch,
    )
    made.batch_size = batch_size
    return made

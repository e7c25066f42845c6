"""The classifiers that STEEX's paper explains: DenseNet-121 of faces, and of roads.

    python train.py --config=configs/steex/published_classifier.py \
        --workdir=runs/celeba_classifier \
        --config.explained.classifier.weights=densenet121.pth

with CelebA's smiles; `:celeba_young`, `:celebamask_hq`, `:celebamask_hq_young` and `:bdd` (can one
go forward?) leave what they do in runs/ of that name. Five epochs of Adam at 1e-4, batch norm by
each batch; it needs a GPU and torchvision's weights. configs/steex/published.py says what differs.

Expect no figure: the authors name none, and no run here has measured one.
"""

from configs import recipes
from configs.steex import published
from xai_jax.experiment import Experiment


def get_config(which: str = "celeba") -> Experiment:
    """The experiment; `which` is a key of published.SCENES."""
    scenes = recipes.named(which, published.SCENES)
    num, batch_size = scenes.per_epoch[0], scenes.per_step[0]
    return published.new_classifier(
        scenes.classified, "densenet121_batch_norm", num, batch_size, scenes.chosen
    )

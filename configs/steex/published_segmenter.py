"""The segmenters of STEEX's paper: DeepLabv3 on ResNet-101, of the parts of faces or of roads.

    python train.py --config=configs/steex/published_segmenter.py --workdir=runs/faces_segmenter
    python train.py --config=configs/steex/published_segmenter.py:roads \
        --workdir=runs/roads_segmenter

Fifty epochs of batches of 8 at 1e-4, from nothing, mirror images too; for a GPU. What differs: the
background of a face is a region like the others, which the released training ignored; faces are
validated on their validation pictures, not on these and the test's together; it validates every
five epochs, not after the first too, and exports the state of the best mean IoU, not of the lowest
loss; and the loss is the mean over each picture's pixels that count, then over the pictures, not
over all pixels of a batch, which differs where some are void. The state of `:roads` is chosen on
the pictures that are explained, for BDD10k has no others.

Expect no figure: the authors name none, and no run here has measured one.
"""

from configs import recipes
from configs.steex import recipe
from configs.steex.published import SCENES
from xai_jax.experiment import Experiment

EPOCHS, BATCH = 50, 8
NAMES = {"faces": "celebamask_hq", "roads": "bdd"}


def get_config(which: str = "faces") -> Experiment:
    """The experiment; `which` is "faces" or "roads"."""
    scenes = SCENES[recipes.named(which, NAMES)]
    epoch = scenes.per_epoch[1] // BATCH
    made = recipe.new_segmenter(
        scenes.shown, scenes.regions, EPOCHS * epoch, every=5 * epoch, batch_size=BATCH
    )
    return recipe.from_nothing(made)

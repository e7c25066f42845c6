"""RTIS of the VGG-16 classifier of VOC 2007, as NN-Explainer's authors compared with it.

    python train.py --config=configs/voc2007/rtis_vgg16.py --workdir=runs/voc_rtis_vgg16 \
        --config.start.weights=resnet50.pth

The loss, its weights and the noise of their code, Adam at 1e-5; they published no settings of the
run itself: pictures, batches and the early stop are those of explainer_vgg16. It needs the
classifier of classifier_vgg16.py, and a GPU.

Expect, by the output cells of the authors' notebook evaluate_class_scores.ipynb, a mean softmax
probability of bottle, car, cat, dog and person of 18.92, 67.02, 72.62, 61.22 and 73.59 % under
their own mask, and of up to 64.71 % under that of another of the five: specificity.py measures it.
"""

from configs import recipes
from configs.voc2007 import explainer_vgg16
from xai_jax.experiment import Experiment
from xai_jax.methods import rtis


def get_config() -> Experiment:
    """The experiment."""
    return recipes.new_rtis(explainer_vgg16.get_config(), rtis.Config.as_compared())

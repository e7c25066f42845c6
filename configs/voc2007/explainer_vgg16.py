"""NN-Explainer of the VGG-16 classifier of VOC 2007: DeepLabv3 on ResNet-50.

    python train.py --config=configs/voc2007/explainer_vgg16.py \
        --workdir=runs/voc_explainer_vgg16 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022: Adam at 1e-5, batches of 16, no augmentation, stopped
when five epochs in a row have not lowered the validation loss by 0.001. One thing differs: there
the classifier's dropout was on while the Explainer learned, and here it is off. It needs a GPU, the
classifier of classifier_vgg16.py, and torchvision's ResNet-50 for the network's trunk.
"""

from configs.voc2007 import objects
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture
from xai_jax.runtime.export import Export


def get_config() -> Experiment:
    """The experiment."""
    return experiment(explainer.Config(), "runs/voc_vgg16")


def experiment(method: explainer.Config, classifier_run: str) -> Experiment:
    """Explains the classifier that the run of another config has left."""
    return Experiment(
        method=method,
        classifier=Named(name=f"{classifier_run}/classifier.safetensors"),
        infill=Mean(),
        start=Trunk(architecture=Architecture.DEEPLAB),
        data=objects.training(),
        validation=Validation(
            data=objects.once("validation"), every=objects.EPOCH, min_delta=0.001, patience=5
        ),
        num_steps=1000 * objects.EPOCH,
        batch_size=16,
        export=Export(
            kind="explainer",
            config=method,
            preprocess=objects.preprocess(),
            class_names=objects.CLASS_NAMES,
        ),
    )

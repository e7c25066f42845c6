"""VGG-16's ImageNet trunk, frozen, under three new layers: the explained classifier of VOC 2007.

    python train.py --config=configs/voc2007/classifier_vgg16.py --workdir=runs/voc_vgg16 \
        --config.classifier.weights=vgg16.pth

The published settings of Stalder et al. 2022: Adam at 1e-5, batches of 16, no augmentation, stopped
when five epochs in a row have not lowered the validation loss by 0.001. Weights are torchvision's.
"""

from configs.voc2007 import objects
from xai_jax.classifiers import trained
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.targets import Head
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import classifier
from xai_jax.runtime.export import Export


def get_config() -> Experiment:
    """The experiment."""
    return experiment("vgg16", learning_rate=1e-5, dropout=0.5)


def experiment(name: str, learning_rate: float, dropout: float) -> Experiment:
    """With the frozen trunk of the classifier `name`."""
    return Experiment(
        method=classifier.Config(
            num_classes=len(objects.CLASS_NAMES), learning_rate=learning_rate, dropout=dropout
        ),
        classifier=Named(name=name),
        infill=Mean(),
        data=objects.training(),
        validation=Validation(
            data=objects.once("validation"), every=objects.EPOCH, min_delta=0.001, patience=5
        ),
        num_steps=1000 * objects.EPOCH,
        batch_size=16,
        export=Export(
            kind=trained.KIND,
            config=trained.network(name, Head.SIGMOID),
            preprocess=objects.preprocess(),
            class_names=objects.CLASS_NAMES,
        ),
    )

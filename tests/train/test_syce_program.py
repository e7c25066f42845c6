"""SyCE through the training loop: stopped and resumed to the byte, exported, refused early."""

import dataclasses

import jax
import numpy as np
import pytest

from configs.smoke import explainer as planted_explainer
from configs.smoke import syce as smoke
from xai_jax.choices import METHODS
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.data.pairs import Pairs, PairStream
from xai_jax.experiment import Experiment
from xai_jax.infills.constant import Constant
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet
from xai_jax.runs import trained
from xai_jax.runtime import metric_log
from xai_jax.train.fit import fit

SIDE = Preprocess(height=16, width=16)


def bright(threshold, images):
    return 40.0 * (images.mean((1, 2)) - threshold)  # [b 3]: of which the first class is asked


def experiment(threshold: float = 0.5) -> Experiment:
    """The smoke config on tiny pictures, of shallow networks, with a plateau and an average."""
    made = smoke.get_config()
    data = dataclasses.replace(made.data.pictures, resize=SIDE, num_threads=1)
    judged = dataclasses.replace(made.validation.data, resize=SIDE, num_threads=1)
    classifier = Classifier.from_callable(bright, np.float32(threshold), head=Head.SIGMOID)
    return dataclasses.replace(
        made,
        method=dataclasses.replace(
            made.method,
            network=UNet(widths=(4,)),
            critic=PatchDiscriminator(widths=(4,)),
            plateau=1,
            critic_shift=1,
            average=0.5,
        ),
        data=Pairs(pictures=data),
        validation=dataclasses.replace(made.validation, data=judged, every=2),
        explained=Explained(classifier=classifier, infill=Constant()),
        num_steps=6,
        checkpoint_every=2,
        log_every=1,
        export=None,
    )


def test_stopped_and_resumed_it_ends_with_the_same_bytes(tmp_path, monkeypatch):
    straight = fit(experiment(), tmp_path / "straight").state
    taken, real = [], PairStream.__next__

    def limited(self):
        taken.append(None)
        if len(taken) > 5:
            raise InterruptedError("stopped")
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(PairStream, "__next__", limited)
        with pytest.raises(InterruptedError):
            fit(experiment(), tmp_path / "stopped")
    again = fit(experiment(), tmp_path / "stopped").state
    assert [np.asarray(x).tobytes() for x in jax.tree.leaves(again)] == [
        np.asarray(x).tobytes() for x in jax.tree.leaves(straight)
    ]
    lines = [(tmp_path / name / metric_log.NAME).read_bytes() for name in ("straight", "stopped")]
    assert lines[0] == lines[1]
    last = metric_log.read(tmp_path / "straight")[-2]
    assert {"train/critic_one", "train/fooled_zero", "train/flip_one"} <= set(last)
    validated = metric_log.read(tmp_path / "straight")[-1]
    assert {"valid/collapsed_zero", "valid/fooled_one", "valid/flipped"} <= set(validated)


def test_pictures_that_are_decided_alike_leave_no_folder_behind(tmp_path):
    with pytest.raises(ValueError, match="decides .* pictures alike: none of them show"):
        fit(experiment(threshold=2.0), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_so_are_pictures_to_validate_with(tmp_path):
    """Before the first step, and not after as many as lie between two validations."""
    made = experiment()
    alone = dataclasses.replace(made.validation.data.source, num=1)
    data = dataclasses.replace(made.validation.data, source=alone)
    made = dataclasses.replace(made, validation=dataclasses.replace(made.validation, data=data))
    with pytest.raises(
        ValueError, match="validation.data: The classifier decides 1 pictures alike"
    ):
        fit(made, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_the_training_leaves_explains(tmp_path):
    made = experiment()
    export = dataclasses.replace(smoke.get_config().export, config=made.method, preprocess=SIDE)
    export = dataclasses.replace(export, class_names=("red", "green", "blue"))
    made = dataclasses.replace(made, num_steps=2)
    state = fit(made, tmp_path).state
    export(state.weights, tmp_path)
    frozen = made.frozen()
    inspector = trained.load(tmp_path, frozen, METHODS, shape=(16, 16, 3))
    assert inspector.method == made.method
    batch = next(planted_explainer.pictures("test", 2, 1).batches(2))
    images = jax.image.resize(batch.images, (2, 16, 16, 3), "linear")
    batch = dataclasses.replace(batch, images=images)
    found = inspector.method.build().explain(inspector.weights, frozen, batch, jax.random.key(0))
    assert found.pictures["counterfactual"].shape == (2, 16, 16, 3)


def test_a_plateau_without_validations_is_refused(tmp_path):
    made = dataclasses.replace(experiment(), validation=None)
    with pytest.raises(ValueError, match="syce.* goes by its validations, and there are none; set"):
        fit(made, tmp_path / "run")
    assert not (tmp_path / "run").exists()

"""The examples of the pages that explain with what a training has left, on small files of these."""

import dataclasses
import functools
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_trained
from tiny_trained import NAMES, PREPROCESS, SIZE

import xai_jax
from configs.smoke import syce as smoke_syce
from tests.classifiers import onnx_bytes
from xai_jax.classifiers import pretrained
from xai_jax.core.method import Trainable
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.planted import Planted
from xai_jax.generators import autoencoder, sean
from xai_jax.methods import explainer, fido
from xai_jax.nn import autoencoder as autoencoder_network
from xai_jax.nn.learner import Weights
from xai_jax.nn.sean import Sean
from xai_jax.pretrain import autoencoder as autoencoder_training
from xai_jax.runtime import weights_file
from xai_jax.scoring.evaluation import Evaluation

ROOT = pathlib.Path(__file__).parents[1]


def blocks(page):
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(block, **known):
    exec(compile(block, "docs", "exec"), known)
    return known


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of trainings, in the one that the example runs in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "load", lambda name: tiny_cli.load("quadrant"))
    return tmp_path / "runs"


@pytest.fixture
def images():
    return np.asarray(planted.quadrant_batch(2, SIZE, jax.random.key(0)).images)


def drawn(shapes, seed=0, scale=0.3):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda x: (scale * rng.normal(size=x.shape)).astype(x.dtype), shapes)


def write(folder, name, weights, **about):
    folder.mkdir(parents=True)
    about = {"preprocess": PREPROCESS, "class_names": (), **about}
    weights_file.write(folder / f"{name}.safetensors", weights, **about)


@pytest.mark.parametrize("block", [*blocks("explainer"), blocks("results")[-1]])
def test_a_trained_explainer_explains(block, runs, images):
    (runs / "clothing_explainer").mkdir(parents=True)
    tiny_trained.write(runs / "clothing_explainer" / "explainer.safetensors")
    found = run(block, classifier=planted.quadrant(), images=images)["found"]
    assert found.class_keep.shape == (2, SIZE, SIZE, len(NAMES))


def test_a_table_of_scores_is_made_in_python(runs, capsys):
    (runs / "clothing_explainer").mkdir(parents=True)
    tiny_trained.write(runs / "clothing_explainer" / "explainer.safetensors")
    source = Planted(size=48, num_classes=len(NAMES), num=4)
    data = Pipeline(source=source, resize=PREPROCESS, masks="soft")
    run(blocks("evaluation")[1], classifier=planted.quadrant(), data=data)
    assert "| explainer | " in capsys.readouterr().out
    assert pathlib.Path("scores.csv").read_text().startswith("contestant,")


def test_a_config_of_scores_is_constructed():
    made = run(blocks("evaluation")[0])["evaluation"]
    assert isinstance(made, Evaluation)
    assert isinstance(made.contestants["explainer"].method, explainer.Config)


def test_codes_of_a_trained_autoencoder_move(runs, images):
    network = autoencoder_network.Autoencoder(widths=(4,), code=5, channels=3)
    params = network.build((SIZE, SIZE)).init(jax.random.key(0), jnp.asarray(images))["params"]
    config = autoencoder_training.Config(network=network)
    about = {"kind": autoencoder.KIND, "config": config}
    write(runs / "mnist_autoencoder", "space", Weights(params=params, statistics={}), **about)
    (block,) = blocks("latent_shift")
    found = run(block, classifier=planted.quadrant(), images=images)["found"]
    assert found.pictures["counterfactual"].shape == images.shape


def test_styles_of_a_trained_generator_move(runs, images, capsys):
    regions = ("road", "sky", "car", "traffic light")
    network = Sean(regions=regions, width=2, depth=2, style=4, hidden=0, gain=1.0)
    shapes = sean.abstract(network)
    statistics = jax.tree.map(np.exp, drawn(shapes.statistics))  # variances above 0
    weights = Weights(params=drawn(shapes.params), statistics=statistics)
    write(runs / "streets_sean", "sean", weights, kind=sean.KIND, config=network)
    maps = np.broadcast_to(np.asarray(planted.quadrant_regions(SIZE)), images.shape[:3])
    (block,) = blocks("steex")
    run(block, images=images, label_maps=maps)
    assert f"{images.shape} " in capsys.readouterr().out


def test_trained_generators_make_pictures(runs, images, capsys):
    method = dataclasses.replace(smoke_syce.get_config().method)
    trainable = method.build().trainable
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    made = lambda key: trainable.weights(trainable.init(key, tiny_trained.frozen(), batch))  # noqa: E731
    weights = drawn(jax.eval_shape(made, jax.random.key(0)))
    write(runs / "mnist_syce", "syce", weights, kind="syce", config=method, class_names=NAMES)
    (block,) = blocks("syce")
    run(block, images=images)
    assert f"{images.shape} " in capsys.readouterr().out


def test_a_training_is_five_functions():
    named = {"finished", "look", "admit", "summary"}  # which the page tells of beneath
    names = [field for field in Trainable._fields if field not in named]
    assert run(blocks("training")[0], **dict.fromkeys(names, lambda *given: given))
    assert re.findall(r"^    (\w+),", blocks("training")[0], re.MULTILINE) == names


# The first example of this page exports a network with PyTorch, which the tests do not need: the
# files that it writes are recorded by scripts/record_onnx.py and read by test_onnx_parity.py.
EXPORT, READ = (block for block in blocks("bring-your-own-classifier") if "onnx" in block)


def test_an_onnx_file_is_read_and_explained(tmp_path, monkeypatch, images):
    compile(EXPORT, "docs", "exec")
    node = onnx_bytes.node
    nodes = [node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["f"])]
    nodes.append(node("MatMul", ["f", "dense"], ["y"]))
    dense = {"dense": np.eye(3, 4, dtype=np.float32)}
    content = onnx_bytes.model(nodes, dense, ("batch", 3, SIZE, SIZE))
    (tmp_path / "model.onnx").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    quickly = functools.partial(xai_jax.explain, method=fido.Config.smoke())  # not 300 steps
    monkeypatch.setattr(xai_jax, "explain", quickly)
    assert run(READ, images=images)["found"].saliency.shape == (2, SIZE, SIZE, 1)

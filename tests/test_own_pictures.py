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


def sort(root, kind, names):
    """Pictures that tell their kind and, in a corner, their number."""
    for number, name in enumerate(names):
        path = root / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((20, 22, 3), 200 if kind == "ill" else 50, np.uint8)
        picture[:2, :2] = number
        Image.fromarray(picture).save(path)


@pytest.fixture
def sorted_folder(tmp_path):
    root = tmp_path / "sorted"
    sort(root, "ill", [f"{i}.png" for i in range(24)])
    sort(root, "well", [f"{i}.png" for i in range(100, 124)])
    return root


def test_pictures_sorted_into_two_folders_need_no_table(sorted_folder):
    where = f"{sorted_folder}:ill"
    made = classifier.get_config(where)
    stream = made.data.batches(8)
    batch = next(stream)
    stream.close()
    assert made.export.class_names == ("ill",) and batch.images.shape == (8, 64, 64, 3)
    is_ill = np.asarray(batch.images[:, 32, 32, 0]) > 0.5
    np.testing.assert_array_equal(batch.labels[:, 0], is_ill)
    splits = {
        "train": made.data.names,
        "validation": made.validation.data.names,
        "test": evaluate.get_config(where).data.names,
    }
    for names in splits.values():
        assert {name.split("/")[0] for name in names} == {"ill", "well"}
    every = [name for names in splits.values() for name in names]
    assert len(every) == len(set(every)) == 48 and 24 < len(splits["train"]) < 42
    assert oracle.get_config(where).data.names == splits["train"]
    without, has = syce.get_config(where).data.halves
    assert sorted((*without.names, *has.names)) == sorted(splits["train"])
    assert {name.split("/")[0] for name in has.names} == {"ill"}
    assert classifier.get_config(f"{sorted_folder}:well").data.examples[0].labels.tolist() == [0.0]


def test_a_picture_stays_in_its_split_whatever_is_added(sorted_folder):
    def rows(split):
        examples = two_kinds.pictures(f"{sorted_folder}:ill").of_split(split).build()
        found = zip(examples.files, examples.rows, examples.labels[:, 0], strict=True)
        return {file: (row, label) for file, row, label in found}

    before = {split: rows(split) for split in ("train", "validation", "test")}
    sort(sorted_folder, "ill", [f"a{i}.png" for i in range(30)])
    sort(sorted_folder, "well", [f"patient {i}/{view}.png" for i in range(20) for view in range(3)])
    after = {split: rows(split) for split in before}
    assert sum(map(len, after.values())) == 48 + 90
    for split, found in before.items():
        assert found.items() <= after[split].items()
        views = [file.rpartition("/")[0] for file in after[split] if "patient" in file]
        assert views and all(views.count(patient) == 3 for patient in views)


def test_a_table_is_read_where_there_is_one(sorted_folder):
    (sorted_folder / "labels.csv").write_text("file,split,ill\n0.png,train,1")
    with pytest.raises(ValueError, match="0.png is missing, and line 2 of"):
        two_kinds.pictures(f"{sorted_folder}:ill").of_split("train").build()


def test_a_folder_that_is_not_sorted_into_two_is_refused(sorted_folder):
    def build(kind="ill", split="test"):
        return two_kinds.pictures(f"{sorted_folder}:{kind}").of_split(split).build()

    with pytest.raises(ValueError, match="lie in these subfolders: ill, well; sort them into two"):
        build(kind="sick")
    with pytest.raises(ValueError, match="no split 'exam'; choose one of train, validation, test"):
        build(split="exam")
    for file in sorted_folder.glob("well/*.png"):
        if f"well/{file.name}" in build().files:
            file.unlink()
    with pytest.raises(ValueError, match="No picture of .*well is in the split 'test', in which"):
        build()
    sort(sorted_folder, "other", ["0.png"])
    with pytest.raises(ValueError, match="subfolders: ill, other, well; sort them"):
        build()
    (sorted_folder / "ill" / "0.png").write_text("nothing")
    (sorted_folder / "other" / "0.png").rename(sorted_folder / "0.png")
    with pytest.raises(ValueError, match="subfolders: none, ill, well; sort them"):
        build()
    (sorted_folder / "0.png").unlink()
    with pytest.raises(ValueError, match="0.png: .* replace it, or take its row out"):
        build(split="")


@pytest.mark.parametrize("where", ["pictures", ":ill", "pictures:"])
def test_a_folder_without_a_column_is_refused(where):
    with pytest.raises(ValueError, match="names no folder and column of two kinds of pictures"):
        two_kinds.pictures(where)

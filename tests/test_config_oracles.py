"""A second classifier that a config asks is of the same classes and pictures as the explained."""

import importlib

import pytest
import tiny_cli

from configs.own import scenes, two_kinds
from xai_jax.classifiers.pretrained import Named

ASKING = {
    "own/evaluate": f"{two_kinds.EXAMPLE}:oracle",
    "own/evaluate_steex": f"{scenes.EXAMPLE}:oracle",
    "idd_lite/evaluate": "road:oracle",
    "clothing/evaluate_trousers": "floors",
    "lgg_mri/evaluate_syce": "flips",
    "mnist/evaluate": "oracle",
    "rsna/evaluate": "flips",
}
REFUSED = {
    "large_oracle": "^The oracle runs/.* takes pictures of 32 x 32 pixels and those explained have",
    "one_logit": "^The oracle runs/.* knows 1 classes and the explained classifier 4; name one",
    "strange_oracle": "^Class 0 of the oracle runs/.* is 'crane' and of the explained classifier",
}


@pytest.mark.parametrize("file", ASKING)
def test_an_oracle_of_something_else_is_refused_before_anything_is_scored(file, monkeypatch):
    module, load = importlib.import_module(f"configs.{file.replace('/', '.')}"), Named.load
    stands = {"oracle": "oracle"}

    def found(named):
        if not named.name.startswith("runs/"):
            return load(named)
        return tiny_cli.load(stands["oracle"] if "_oracle" in named.name else "quadrant")

    monkeypatch.setattr(Named, "load", found)
    metrics = module.get_config(ASKING[file]).metrics
    assert any("oracle_agrees" in {row.name for row in metric.rows} for metric in metrics)
    for stands["oracle"], said in REFUSED.items():
        with pytest.raises(ValueError, match=said):
            module.get_config(ASKING[file])

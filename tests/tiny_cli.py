"""The command ``xai-jax`` with classifiers more, small enough for tests."""

import planted

from xai_jax import cli
from xai_jax.classifiers import pretrained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head

SIZE = 16
NAMES = ("tabby, tabby cat", "Egyptian cat", "grey fox", "crane")
PLANTED = ("--classifier", "quadrant", "--no-compilation-cache", "--infill", "constant")
SMALL = (*PLANTED, "--grids", "4", "--num-steps", "4", "--num-samples", "2")
ORACLE_GAIN = 5.0  # of three classifiers that see the same as "quadrant", less surely
_load = pretrained.load


def _upper_left(params, images):
    return planted._quadrant_logits(params, images)[:, :1] - 10.0  # above 0 where it is bright


def load(name, *others):
    if name not in ("quadrant", "one_logit", "oracle", "large_oracle", "strange_oracle"):
        return _load(name, *others)
    classifier, names, size = planted.quadrant(), NAMES, SIZE
    if name == "one_logit":
        classifier, names = classifier.replace(apply_fn=_upper_left, head=Head.SIGMOID), NAMES[1:2]
    elif name != "quadrant":
        classifier = planted.quadrant(ORACLE_GAIN)
        size = 2 * SIZE if name == "large_oracle" else SIZE
        names = NAMES[::-1] if name == "strange_oracle" else NAMES
    return pretrained.Pretrained(
        name=name,
        classifier=classifier,
        class_names=names,
        preprocess=Preprocess(height=size, width=size, crop=1.0),
        weights_sha256=("0" if "oracle" not in name else "1") * 64,
        source="the tests",
    )


def caller(monkeypatch, capsys):
    """``run(*arguments) -> (exit code, stdout, stderr)`` in this process."""
    monkeypatch.setattr(pretrained, "load", load)

    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def only_sentence(code, out, err):
    """The sentence of a command that failed."""
    assert code == 1
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("xai-jax: ")
    assert "Traceback" not in err
    return last.removeprefix("xai-jax: ")


if __name__ == "__main__":
    pretrained.load = load
    cli.entry()

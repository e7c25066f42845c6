"""What one device does when there are more of them, each with as many pictures: the same.

An explanation and a training step are compiled for simulated devices, and not run. A step sums
gradients over the devices, which are as large as the weights whatever the batch: on one device
nothing is summed, and a step of few pictures (``--pictures 2``) shows it.
"""

import jax

from benchmarks import abstract, subject
from xai_jax.methods import fido
from xai_jax.pretrain import classifier as pretrained

NUM, SIZE, CLASSES = 8, 64, 1000  # pictures on a device
DEVICES = (1, 2, 4, 8)
MUST_REACH = 0.95
SETTINGS = {
    "fido": fido.Config(grids=(8,), num_samples=2),
    "classifier": pretrained.Config(num_classes=CLASSES, trunk_frozen=False),
}


def rows(num: int = NUM):
    jax.config.update("jax_num_cpu_devices", max(DEVICES))
    jax.config.update("jax_platforms", "cpu")
    for name, settings in SETTINGS.items():
        first: dict[str, float] = {}
        for count in DEVICES:
            for kind, cost in _costs(settings, count, num).items():
                for unit, value in cost.items():
                    one = first.setdefault(f"{kind} {unit}", value)
                    yield {
                        "case": f"{name}.{kind}, {count} devices of {num} pictures",
                        "value": value,
                        "unit": f"{unit} of one device",
                        "limit": one,
                        "ratio": round(min(one / value, value / one), 4),
                        "must_reach": MUST_REACH,
                    }


def _costs(settings, count: int, num: int) -> dict[str, dict[str, float]]:
    """Of the program that a method explains with, or of a training's step."""
    batch = abstract.batch_of(count * num, SIZE, CLASSES)
    frozen = jax.eval_shape(subject.frozen)
    found = {}
    for kind, program in abstract.programs(settings, frozen, batch).items():
        call, arguments = abstract.spread(program, jax.devices()[:count])
        compiled = jax.jit(call).lower(*arguments).compile()
        cost = compiled.cost_analysis()
        found[kind] = {"GFLOP": cost["flops"] / 1e9, "MB": cost["bytes accessed"] / 1e6}
    return found

"""Compiles what runs over a batch for eight TPU chips (v5e 2x4), on a machine that has none.

``python -m benchmarks.tpu_check [NAME ...]`` prints a table and fails where the chips exchange
anything within an explanation, or more than sums within a training step. Weights and pictures are
abstract; nothing is run. With ``--precision bfloat16`` everything frozen computes in that.
"""

import argparse
import dataclasses
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args

import jax
import jax.numpy as jnp

from benchmarks import abstract, explainer_subject, sean_subject, subject
from xai_jax.classifiers.entries import CLASSIFIERS
from xai_jax.classifiers.fresh import Fresh
from xai_jax.core.method import Frozen
from xai_jax.core.precision import Precision
from xai_jax.generators import sean
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.methods import bbmp, explainer, extremal, fido, gradients, rtis, steex, syce
from xai_jax.nn.learner import Weights
from xai_jax.pretrain import classifier as pretrained

SIZE = 224  # pixels, of Lite0
FACES = 256  # of the published SEAN
FLOPS = 197e12  # a second and chip, bfloat16; as published
BANDWIDTH = 819e9  # bytes a second and chip
MEMORY = 16e9  # bytes a chip
_TOPOLOGY = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # its lock is for chips, of which there are none here
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",  # what asks finds as many devices
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is compiled.

    Fields:
        settings: of a method or a training.
        frozen: classifier and infill.
        pictures: a chip.
        num_classes: of the labels.
        size: of the pictures, in pixels.
    """

    settings: Any
    frozen: Callable[[], Frozen] = subject.frozen
    pictures: int = 32
    num_classes: int = 1000
    size: int = SIZE


def _voc() -> Frozen:
    return explainer_subject.deeplab(32, SIZE).frozen()


def _digits() -> Frozen:
    classifier = Fresh().build()
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


def _faces() -> Frozen:
    """Lite0, and SEAN as published."""
    found = sean_subject.variables(sean_subject.FULL, FACES)
    weights = Weights(params=found["params"], statistics=found["batch_stats"])
    generator = sean.of_weights(sean_subject.FULL, weights)
    return dataclasses.replace(subject.frozen(), generator=generator)


def _half_resnet50() -> Frozen:
    (entry,) = (entry for entry in CLASSIFIERS if entry.name == "resnet50")
    shapes = entry.network.shapes(1000)
    params = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    made = entry.network.classifier(params, mean=entry.mean, std=entry.std)
    classifier = made.in_precision("bfloat16")
    return Frozen(classifier=classifier, infill=Blur().build(classifier))


CASES = {
    "fido_fast": Case(settings=fido.Config.fast()),
    "fido": Case(settings=fido.Config(), pictures=8),  # of 8 masks each
    "bbmp": Case(settings=bbmp.Config()),
    "extremal": Case(settings=extremal.Config()),
    "rtis_per_image": Case(settings=rtis.PerImage()),
    "explainer": Case(settings=explainer.Config(), frozen=_voc, num_classes=20),
    "rtis": Case(settings=rtis.Config(), frozen=_voc, num_classes=20),
    "syce": Case(settings=syce.Config(), frozen=_digits, pictures=128, num_classes=1, size=28),
    "steex": Case(settings=steex.Config(), frozen=_faces, pictures=2, size=FACES),
    "classifier": Case(settings=pretrained.Config(num_classes=20), num_classes=20),
    # 64 composites a chip, and as many bare passes forward and back to the pixels.
    "fido_resnet50": Case(settings=fido.Config(), frozen=_half_resnet50, pictures=8),
    "gradient_resnet50": Case(settings=gradients.Gradient(), frozen=_half_resnet50, pictures=64),
}


def devices() -> list[Any]:
    """The eight chips, described by libtpu.

    Raises:
        SystemExit: it is not installed.
    """
    os.environ.update(_TOPOLOGY)  # read when libtpu is loaded
    jax.config.update("jax_platforms", "cpu")
    try:
        import libtpu  # noqa: F401
    except ImportError as error:
        raise SystemExit('libtpu is missing; pip install "xai-jax[tpu-check]".') from error
    from jax.experimental import topologies

    return topologies.get_topology_desc(platform="tpu", topology_name="v5e:2x4").devices


def _frozen(case: Case, precision: Precision) -> Frozen:
    """A case's own (float32: as it is), or all of it in half precision."""
    made = case.frozen()
    if precision == "float32":
        return made
    classifier = made.classifier.in_precision(precision)
    generator = made.generator and made.generator.in_precision(precision)
    return dataclasses.replace(made, classifier=classifier, generator=generator)


def programs(
    wanted: list[str], precision: Precision = "float32"
) -> Iterator[tuple[str, int, abstract.Program]]:
    """Name, pictures a chip, and program of all that are wanted; of none named, all.

    Raises:
        SystemExit: a name is of no program.
    """
    left = set(wanted)
    for case_name, case in CASES.items():
        if wanted and not any(name.startswith(f"{case_name}.") for name in wanted):
            continue
        batch = abstract.batch_of(8 * case.pictures, case.size, case.num_classes)
        frozen = jax.eval_shape(functools.partial(_frozen, case, precision))
        found = abstract.programs(case.settings, frozen, batch)
        for call, program in found.items():
            name = f"{case_name}.{call}"
            if not wanted or name in wanted:
                left.discard(name)
                yield name, case.pictures, program
    if left:
        raise SystemExit(
            f"No program is called {', '.join(sorted(left))}; they are CASE.explain "
            f"and CASE.step of the cases {', '.join(CASES)}."
        )


def row(name: str, pictures: int, program: abstract.Program, chips: list[Any]) -> tuple[str, bool]:
    """A line of the table, and whether the chips exchange no more than they may."""
    call, arguments = abstract.spread(program, chips)
    start = time.process_time()  # of all threads: a shared machine counts for nothing
    compiled = jax.jit(call).lower(*arguments).compile()
    seconds = time.process_time() - start
    cost, memory = compiled.cost_analysis(), compiled.memory_analysis()
    flops, moved = cost["flops"], cost["bytes accessed"]
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes
    held += memory.temp_size_in_bytes - memory.alias_size_in_bytes
    least = max(flops / FLOPS, moved / BANDWIDTH)
    found = abstract.collectives(compiled)
    exchanged = ", ".join(f"{num} {kind}" for kind, num in sorted(found.items())) or "none"
    cells = f"{pictures}", f"{seconds:.0f}", f"{flops / 1e9:,.0f}", f"{moved / 1e9:.1f}"
    cells += f"{held / 1e9:.2f}", f"{1e3 * least:.1f}", exchanged
    allowed = {"all-reduce"} if name.endswith(".step") else set()
    return f"| `{name}` | " + " | ".join(cells) + " |", set(found) <= allowed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tpu_check", description=__doc__)
    parser.add_argument("names", nargs="*", help="programs, such as fido.explain; all by default")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32")
    arguments = parser.parse_args()
    chips = devices()
    print(
        "| program | pictures a chip | compile, CPU s | GFLOP | GB moved | HBM, GB | least, ms |"
        " exchanges |"
    )
    print("|---|---|---|---|---|---|---|---|")
    wrong = []
    for name, pictures, program in programs(arguments.names, arguments.precision):
        line, right = row(name, pictures, program, chips)
        print(line, flush=True)
        wrong += [] if right else [name]
    if wrong:
        raise SystemExit(
            f"The chips exchange what they need not in {', '.join(wrong)}; keep the "
            "images the leading axis of whatever is folded into a batch."
        )


if __name__ == "__main__":
    sys.exit(main())

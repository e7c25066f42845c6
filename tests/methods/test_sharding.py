"""On eight devices each does an eighth of the work; methods exchange nothing, trainings sums only.

Everything is compiled for arrays of which only the shape is known, and nothing is run.
"""

import dataclasses

import flat_regions
import jax
import pytest
import small_networks
from test_conformance import CONFIGS

from benchmarks import abstract
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.infills.blur import Blur
from xai_jax.methods import explainer, fido, rtis, syce
from xai_jax.nn.segmenter import Segmenter
from xai_jax.pretrain import classifier as pretrained

NUM, SIZE = 16, 64
MOST = 1.05  # times an eighth of one device's operations

_margins = dataclasses.replace(
    rtis.Config.released_code(), network=Segmenter(num_classes=4), micro_batches=2
)
_drifting = explainer.Config(
    classifier_mode=explainer.ClassifierMode.TRAIN_LIKE_REFERENCE, micro_batches=2
)
_drawing = dataclasses.replace(syce.Config.smoke(), decided_class=None)  # small networks
BESIDE = {
    "syce.Config": _drawing,
    "fido.Config.in_parts": fido.Config(inner_batch_size=4 * NUM),
    "rtis.Config.margins": _margins,
    "explainer.Config.drifting": _drifting,
    "explainer.Config.self_explaining": explainer.Config(self_explaining=True),
    "pretrain.classifier": pretrained.Config(num_classes=4, trunk_frozen=False, dropout=0.5),
}


def settings():
    """The published settings and presets of all methods; what changes how those are computed.

    Not the smoke test's, which are the same programs of smaller numbers, and which
    test_conformance.py runs on eight devices; of what is trained no presets, as the network is a
    small one anyway.
    """
    found = {}
    for name, kind in CONFIGS.items():
        presets = [preset for preset in vars(kind) if isinstance(vars(kind)[preset], classmethod)]
        found[name] = kind()
        for preset in [] if hasattr(kind, "network") else presets:
            if preset != "smoke":
                found[f"{name}.{preset}"] = getattr(kind, preset)()
    return found | BESIDE


SETTINGS = settings()


@pytest.fixture(params=SETTINGS, scope="module")
def programs(request, small_masks):
    """`explain` and `step` with those settings; a small network draws the masks."""
    chosen = SETTINGS[request.param]
    num_classes = getattr(getattr(chosen, "network", None), "num_classes", 4)
    if getattr(chosen, "decided_class", 0) is None:
        num_classes = 1

    def frozen():
        is_sigmoid = "explainer" in request.param or num_classes == 1
        head = Head.SIGMOID if is_sigmoid else Head.SOFTMAX
        classifier = small_networks.classifier(num_classes, head)
        infill = Blur(sigma=2.0).build(classifier)
        return Frozen(classifier=classifier, infill=infill, generator=flat_regions.flat())

    batch = abstract.batch_of(NUM, SIZE, num_classes)
    return abstract.programs(chosen, jax.eval_shape(frozen), batch)


def compiled(program):
    call, arguments = program
    fast = {"xla_backend_optimization_level": 0}  # of the code, which is not run
    return jax.jit(call).lower(*arguments).compile(compiler_options=fast)


def flops(program):
    """Operations; XLA says nothing of a program without any."""
    return program.cost_analysis().get("flops", 0.0)


def _stops_early(settings):
    return getattr(settings, "margin", None) is not None


def test_an_eighth_of_the_work_a_device_and_no_exchange_but_sums(programs, request):
    settings = SETTINGS[request.node.callspec.params["programs"]]
    for name, program in programs.items():
        one = compiled(program)
        eight = compiled(abstract.spread(program, jax.devices()))
        # STEEX asks once a step whether any picture is left that has not flipped: one bit.
        may_sum = name == "step" or _stops_early(settings)
        allowed = {"all-reduce"} if may_sum else set()
        assert set(abstract.collectives(eight)) <= allowed, name
        assert flops(eight) <= MOST * flops(one) / 8, (name, flops(eight), flops(one))


def test_the_programs_are_lowered_for_cuda(programs):
    for call, arguments in programs.values():
        lowered = jax.jit(call).trace(*arguments).lower(lowering_platforms=("cuda",))
        assert "stablehlo" in lowered.as_text()


def test_an_exchange_is_found():
    program = (lambda state, frozen, batch, key: batch.images.mean(), ((), (), batch(), ()))
    found = abstract.collectives(compiled(abstract.spread(program, jax.devices())))
    assert found == {"all-reduce": 1}


def batch():
    return abstract.batch_of(NUM, SIZE, 4)

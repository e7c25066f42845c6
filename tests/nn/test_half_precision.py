"""With bfloat16 the networks' convolutions compute in half, and all that is kept stays float32."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen
from jax.extend import core
from planted import NUM_CLASSES, quadrant

from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import explainer
from xai_jax.nn import convert, layers
from xai_jax.nn.segmenter import Architecture, Segmenter

SIZE = 96, 176  # no factor of a resize is as large as a kernel of the network
PRODUCTS = {"conv_general_dilated", "dot_general"}


def segmenter(*, bfloat16: bool) -> Segmenter:
    return Segmenter(num_classes=NUM_CLASSES, architecture=Architecture.LIGHT, bfloat16=bfloat16)


class Traced:
    """A training step of the Explainer, traced and not compiled."""

    def __init__(self, *, bfloat16: bool) -> None:
        method = explainer.Config(network=segmenter(bfloat16=bfloat16)).build()
        classifier = quadrant()  # without any convolution of its own
        frozen = Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))
        batch, key = abstract_batch(), jax.random.key(0)
        self.before = jax.eval_shape(method.trainable.init, key, frozen, batch)
        self.layers: list[tuple[type, jnp.dtype]] = []  # of each, what it answers
        with linen.intercept_methods(self._note):
            step = jax.make_jaxpr(method.trainable.step, return_shape=True)
            self.jaxpr, (self.after, self.metrics) = step(self.before, frozen, batch, key)

    def _note(self, layer, args, kwargs, context):
        answer = layer(*args, **kwargs)
        if context.method_name == "__call__" and not isinstance(answer, list | tuple):
            self.layers.append((type(context.module), answer.dtype))
        return answer

    def equations(self):
        """Every operation, within calls and branches too."""
        open_ = [self.jaxpr.jaxpr]
        while open_:
            for equation in open_.pop().eqns:
                yield equation
                open_ += core.jaxprs_in_params(equation.params)

    def products(self):
        """``(name, shapes, types)`` of what is multiplied in convolutions and matrix products."""
        for equation in self.equations():
            if equation.primitive.name in PRODUCTS:
                known = [variable.aval for variable in equation.invars]
                yield (
                    equation.primitive.name,
                    [aval.shape for aval in known],
                    {aval.dtype for aval in known},
                )


def abstract_batch() -> Batch:
    def of(*shape, dtype=jnp.float32):
        return jax.ShapeDtypeStruct(shape, dtype)

    return Batch(
        images=of(2, *SIZE, 3),
        target=of(2, dtype=jnp.int32),
        image_id=of(2, dtype=jnp.uint32),
        weight=of(2),
        labels=of(2, NUM_CLASSES),
    )


def floating(tree) -> set:
    return {x.dtype for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)}


def pointwise_kernels() -> set[tuple[int, int]]:
    """Of all 1x1 convolutions of the network, ``(inputs, outputs)``."""
    shapes = convert.shapes_of(segmenter(bfloat16=True).build(), (1, *SIZE, 3))["params"]
    return {leaf.shape[2:] for leaf in jax.tree.leaves(shapes) if leaf.shape[:2] == (1, 1)}


@pytest.fixture(scope="module")
def half() -> Traced:
    return Traced(bfloat16=True)


def test_the_convolutions_of_a_training_step_are_computed_in_bfloat16(half):
    products = list(half.products())
    dense = [types for name, _, types in products if name == "conv_general_dilated"]
    assert len(dense) > 30 and all(types == {jnp.dtype(jnp.bfloat16)} for types in dense)
    kernels = pointwise_kernels()
    either = kernels | {shape[::-1] for shape in kernels}
    multiplied = {
        (dtype, shape) for _, shapes, types in products for dtype in types for shape in shapes
    }
    in_half = {shape for dtype, shape in multiplied if dtype == jnp.bfloat16}
    in_float32 = {shape for dtype, shape in multiplied if dtype == jnp.float32}
    assert len(kernels) > 15 and kernels <= in_half
    assert not either & in_float32


def test_every_convolution_and_batch_norm_hands_bfloat16_on(half):
    for kind, at_least in ((layers.Conv, 30), (layers.Depthwise, 15), (layers.BatchNorm, 40)):
        types = [dtype for layer, dtype in half.layers if layer is kind]
        assert len(types) > at_least and set(types) == {jnp.dtype(jnp.bfloat16)}


def test_all_that_is_kept_of_a_step_in_bfloat16_is_float32(half):
    float32 = {jnp.dtype(jnp.float32)}
    (logits,) = {dtype for layer, dtype in half.layers if layer.__name__ == "Light"}
    assert logits == jnp.float32
    for learner in (half.before, half.after):
        assert floating(learner.params) == floating(learner.statistics) == float32
        # Adam's moments have the type of the gradients that they are means of.
        assert floating(learner.opt_state) == float32
    assert floating(half.metrics) == float32


def test_without_bfloat16_nothing_of_a_step_is_in_half_precision():
    full = Traced(bfloat16=False)
    types = {
        variable.aval.dtype
        for equation in full.equations()
        for variable in (*equation.invars, *equation.outvars)
        if hasattr(variable.aval, "dtype")
    }
    assert jnp.dtype(jnp.float32) in types
    assert not types & {jnp.dtype(jnp.bfloat16), jnp.dtype(jnp.float16)}

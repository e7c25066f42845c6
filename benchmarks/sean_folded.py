"""A step of STEEX's optimisation without its classifier: SEAN with its style branch folded or not.

Forward, and gradient with respect to the codes, of a prepared label map; both give the same.
"""

import functools

import jax
import jax.numpy as jnp

from benchmarks import sean_subject, timing

CASES = {
    # name: settings, pictures, side, repeats, must reach
    "full width, 128 x 128": (sean_subject.FULL, 1, 128, 3, 4.0),
    "light, 128 x 128": (sean_subject.LIGHT, 8, 128, 5, None),
}


def _step(settings, variables, context, weights, keys, folded):
    network = settings.build(folded=folded, spectral=False)

    def total(codes, variables, context):
        picture = network.apply(variables, context, codes, keys, method="decode")
        return (picture * weights).mean()

    run = jax.jit(jax.value_and_grad(total))
    return lambda codes: run(codes, variables, context)


def _case(settings, num: int, side: int, repeats: int):
    variables = sean_subject.variables(settings, side)
    network = settings.build(spectral=False)
    maps = sean_subject.one_hot(settings, num, side)
    prepare = jax.jit(functools.partial(network.apply, method="prepare"))
    context = prepare(variables, maps)
    shape = (num, maps.shape[-1], settings.style)
    codes = jnp.tanh(jax.random.normal(jax.random.key(2), shape))
    keys = jax.random.split(jax.random.key(3), num)
    given = settings, variables, context, sean_subject.images(num, side), keys
    ours, plain = (_step(*given, folded=folded) for folded in (None, False))
    (value, grad), (wanted, wanted_grad) = ours(codes), plain(codes)
    slow, quick, ratio = timing.paired(lambda: plain(codes), lambda: ours(codes), repeats=repeats)
    return {
        "value": round(1e3 * quick),
        "unit": "ms a step, folded",
        "limit": round(1e3 * slow),
        "ratio": round(ratio, 2),
        "loss_off": float(jnp.abs(value / wanted - 1.0)),
        "gradient_off": sean_subject.off(grad, wanted_grad),
        "floats_a_picture": sum(x.size for x in jax.tree.leaves(context)) // num,
    }


def rows():
    for name, (*case, must_reach) in CASES.items():
        row = {"case": name, **_case(*case)}
        yield row | ({"must_reach": must_reach} if must_reach else {})

"""A compiler that hurries, for large programs that take a few steps with little to compute."""

import functools

import jax

jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

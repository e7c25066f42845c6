"""Photographs a second, read, decoded and resized to 224, against what a trainer of them eats."""

import dataclasses
import time

from benchmarks import explainer_subject, timing
from benchmarks.explainer_train import Step
from configs.clothing.clothes import PICTURES
from xai_jax.core.preprocess import Preprocess

SIDE, BATCH, PASSES = 224, 8, 3
MUST_REACH = 2.0


def rows():
    resize = Preprocess(height=SIDE, width=SIDE)
    pipeline = dataclasses.replace(PICTURES.once("test"), resize=resize)
    list(pipeline.batches(BATCH))  # now the files are in memory, and Grain is imported
    start = time.perf_counter()
    for _ in range(PASSES):
        num = sum(int(batch.weight.sum()) for batch in pipeline.batches(BATCH))
    read = PASSES * num / (time.perf_counter() - start)

    case = explainer_subject.light(BATCH, SIDE, SIDE)
    step = Step(*case.begun())
    timing.seconds(step)
    eaten = BATCH / min(timing.seconds(step) for _ in range(5))
    yield {
        "case": f"{num} JPEG photographs, {pipeline.num_threads} threads; a step of {case.words}",
        "value": round(read, 1),
        "unit": "pictures a second",
        "limit": round(eaten, 1),
        "ratio": round(read / eaten, 2),
        "must_reach": f"at least {MUST_REACH}",
    }

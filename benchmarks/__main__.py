"""Runs one benchmark and prints a JSON object a line: benchmark, value, unit, limit, ratio."""

import argparse
import inspect
import json
import pathlib
import sys

from benchmarks import (
    area_loss,
    attention,
    attribution_peers,
    classifier_lite0,
    classifiers,
    cold_start,
    curves,
    denoise,
    explain_overhead,
    explainer_infer,
    explainer_train,
    extremal_area,
    extremal_chaos,
    fido_batch,
    fido_calls,
    fido_infills,
    fido_picture,
    fido_robust,
    fido_step,
    fit_overhead,
    host_time,
    infill_step,
    infill_table,
    infill_train,
    infills,
    input_pipeline,
    lite0_accuracy,
    mnist_removal,
    one_explanation,
    onnx_graph,
    precision,
    report_pages,
    rise,
    sean_folded,
    sean_train,
    sorted_metrics,
    steex_step,
    steex_vs_torch,
    store_s3,
    syce_explain,
    syce_step,
    syce_step_vs_torch,
    weak_scaling,
)

BENCHMARKS = {
    "fido_step": fido_step.rows,
    "classifier_lite0": classifier_lite0.rows,
    "classifiers": classifiers.rows,
    "fido_batch": fido_batch.rows,
    "fido_calls": fido_calls.rows,
    "fido_infills": fido_infills.rows,
    "fido_picture": fido_picture.rows,
    "area_loss": area_loss.rows,
    "attention": attention.rows,
    "cold_start": cold_start.rows,
    "curves": curves.rows,
    "onnx": onnx_graph.rows,
    "denoise": denoise.rows,
    "explain_overhead": explain_overhead.rows,
    "explainer_infer": explainer_infer.rows,
    "explainer_train": explainer_train.rows,
    "extremal_area": extremal_area.rows,
    "extremal_chaos": extremal_chaos.rows,
    "fido_robust": fido_robust.rows,
    "fit_overhead": fit_overhead.rows,
    "host_time": host_time.rows,
    "infill_step": infill_step.rows,
    "infill_table": infill_table.rows,
    "infill_train": infill_train.rows,
    "infills": infills.rows,
    "input_pipeline": input_pipeline.rows,
    "lite0_accuracy": lite0_accuracy.rows,
    "mnist_removal": mnist_removal.rows,
    "one_explanation": one_explanation.rows,
    "precision": precision.rows,
    "peers": attribution_peers.rows,
    "report_pages": report_pages.rows,
    "rise": rise.rows,
    "sean_folded": sean_folded.rows,
    "sean_train": sean_train.rows,
    "sorted_metrics": sorted_metrics.rows,
    "steex_batch": steex_step.batch_rows,
    "steex_step": steex_step.step_rows,
    "steex_vs_torch": steex_vs_torch.rows,
    "store_s3": store_s3.rows,
    "syce_explain": syce_explain.rows,
    "syce_step": syce_step.rows,
    "syce_step_vs_torch": syce_step_vs_torch.rows,
    "weak_scaling": weak_scaling.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", type=pathlib.Path, help="also append the lines to this file")
    parser.add_argument("--pictures", type=int, help="how many, where that can be chosen")
    arguments = parser.parse_args()
    benchmark, chosen = BENCHMARKS[arguments.name], {}
    if arguments.pictures is not None:
        if "num" not in inspect.signature(benchmark).parameters:
            parser.error(f"the pictures of {arguments.name} are always the same; omit --pictures")
        chosen["num"] = arguments.pictures
    for row in benchmark(**chosen):
        line = json.dumps({"benchmark": arguments.name, **row})
        print(line, flush=True)
        if arguments.json:
            with arguments.json.open("a") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())

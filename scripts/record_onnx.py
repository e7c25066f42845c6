"""Records what ONNX Runtime and PyTorch answer, for the ONNX tests of `tests/classifiers`.

    pip install "xai-jax[parity]"
    PYTHONPATH=. python scripts/record_onnx.py

Of a network the graph is recorded without its weights: the tests make them again from their names.
"""

import io
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from torchvision import models

from scripts import record_parity
from tests.classifiers import onnx_cases, random_weights

GOLDEN = record_parity.GOLDEN
WEIGHTS = "weights.bin"
# Whole networks where they are small; of the others the same parts, fewer and narrower.
NETWORKS = {
    "resnet18": lambda: models.resnet18(num_classes=10),
    "resnet50": lambda: models.ResNet(
        models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=10, width_per_group=32
    ),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(num_classes=10),
    "convnext_tiny": lambda: models.ConvNeXt(
        [
            models.convnext.CNBlockConfig(width, out, 1)
            for width, out in ((24, 48), (48, 96), (96, None))
        ],
        num_classes=10,
    ),
    "vit_b_16": lambda: models.VisionTransformer(64, 16, 2, 4, 64, 128, num_classes=10),
    "swin_t": lambda: models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10),
}
SIZE = 64


def operator(case: onnx_cases.Case) -> np.ndarray:
    """What ONNX Runtime answers, a file of one operator."""
    session = onnxruntime.InferenceSession(case.model())
    return session.run(None, {"x": case.arrays()[0]})[0]


def network(name: str) -> dict[str, np.ndarray]:
    """The graph, the names and shapes of its weights, and PyTorch's and ONNX Runtime's answers."""
    net = NETWORKS[name]().eval()
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    fixed = {key for key, value in net.state_dict().items() if value.dtype == torch.int64}
    arrays = random_weights.state_dict({k: v for k, v in shapes.items() if k not in fixed})
    net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()}, strict=False)
    graph, order = _exported(net)
    answers = record_parity.answers(net, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.onnx")
        path.write_bytes(graph)
        pathlib.Path(folder, WEIGHTS).write_bytes(b"".join(arrays[k].tobytes() for k in order))
        session = onnxruntime.InferenceSession(path)
        x = np.ascontiguousarray(random_weights.pictures(SIZE).transpose(0, 3, 1, 2))
        answers["runtime"] = session.run(None, {session.get_inputs()[0].name: x})[0]
    kept = json.dumps({key: shapes[key] for key in order})
    return {**answers, "graph": np.frombuffer(graph, np.uint8), "shapes": np.array(kept)}


def _exported(net: torch.nn.Module) -> tuple[bytes, list[str]]:
    """The file without its weights, which lie beside it in the order that is returned."""
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        net,
        (torch.zeros(2, 3, SIZE, SIZE),),
        dynamo=True,
        dynamic_shapes=({0: batch},),
        opset_version=20,
        optimize=False,
        verbose=False,
    )
    buffer = io.BytesIO()
    program.save(buffer)
    model = onnx.load_from_string(buffer.getvalue())
    order, offset, named = [], 0, set(net.state_dict())
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if tensor.name in named and array.dtype == np.float32:
            onnx.external_data_helper.set_external_data(tensor, WEIGHTS, offset, array.nbytes)
            tensor.ClearField("raw_data")
            order.append(tensor.name)
            offset += array.nbytes
    for node in model.graph.node:
        del node.metadata_props[:]
        node.ClearField("doc_string")
    del model.graph.value_info[:]
    del model.functions[:]
    return model.SerializeToString(), order


def main() -> None:
    """Writes a file for all operators and one a network, and prints the range of the answers."""
    answers = {case.name: operator(case) for case in onnx_cases.CASES}
    np.savez_compressed(GOLDEN / "onnx_operators.npz", **answers)
    print(len(answers), "operators")
    for name in NETWORKS:
        recorded = network(name)
        np.savez_compressed(GOLDEN / f"onnx_{name}.npz", **recorded)
        logits = recorded["logits"]
        print(f"{name}: logits {logits.min():.3g} .. {logits.max():.3g}, "
              f"runtime differs by {np.abs(logits - recorded['runtime']).max():.2g}")  # fmt: skip


if __name__ == "__main__":
    main()

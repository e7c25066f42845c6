"""Operators with their inputs, for `scripts/record_onnx.py` and the tests of its answers."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.classifiers import onnx_bytes


@dataclasses.dataclass(frozen=True)
class Case:
    """One operator: the shape of its first input, further inputs, attributes, opset."""

    op: str
    shape: tuple[int, ...]
    inputs: Sequence[Any] = ()  # arrays; a tuple is the shape of random weights; None is left out
    how: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    opset: int = 17
    positive: bool = False
    outputs: int = 1

    @property
    def name(self) -> str:
        said = ",".join(
            f"{k}={v if not isinstance(v, np.ndarray) else 'array'}" for k, v in self.how.items()
        )
        return f"{self.op}{list(self.shape)}v{self.opset}({said})"

    def arrays(self) -> list[np.ndarray | None]:
        """The first input, then the others."""
        draw = np.random.Generator(np.random.PCG64(zlib.crc32(self.name.encode())))
        made: list[np.ndarray | None] = []
        for given in (self.shape, *self.inputs):
            if isinstance(given, tuple):
                x = draw.standard_normal(given).astype(np.float32)
                given = np.abs(x) + np.float32(0.1) if self.positive else x
            made.append(given)
        return made

    def model(self) -> bytes:
        """The first input is ``x``; the others are tensors of the file."""
        arrays = self.arrays()
        names = ["x"] + [f"t{i}" if array is not None else "" for i, array in enumerate(arrays[1:])]
        tensors = {n: a for n, a in zip(names[1:], arrays[1:], strict=True) if a is not None}
        outputs = ["y"] + [f"y{i}" for i in range(1, self.outputs)]
        node = onnx_bytes.node(self.op, names, outputs, **self.how)
        return onnx_bytes.model([node], tensors, self.shape, opset=self.opset)


def _ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def _floats(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


IMAGE, ROWS = (2, 4, 7, 6), (3, 5)
UNARY = [
    "Relu", "Sigmoid", "Tanh", "Erf", "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Selu",
    "Celu", "Softplus", "Softsign", "Exp", "Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sin",
    "Cos", "Reciprocal", "Identity", "Flatten", "Transpose", "Mish",
]  # fmt: skip
CASES = [
    *(Case(op, ROWS, opset=18) for op in UNARY),
    *(Case(op, ROWS, positive=True) for op in ("Sqrt", "Log")),
    *(Case(op, ROWS, [(3, 1)]) for op in ("Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu")),
    *(Case(op, ROWS, [(3, 1), (5,)]) for op in ("Sum", "Mean")),
    Case("Pow", ROWS, [np.float32(2.0)]),
    Case("Pow", ROWS, [(5,)], positive=True),
    Case("Mod", ROWS, [(5,)], {"fmod": 1}),
    Case("Clip", ROWS, [np.float32(-0.5), np.float32(0.25)]),
    Case("Clip", ROWS, [None, np.float32(0.25)]),
    Case("Clip", ROWS, how={"min": -0.5, "max": 0.5}, opset=9),
    Case("Gelu", ROWS, opset=20),
    Case("Gelu", ROWS, how={"approximate": "tanh"}, opset=20),
    Case("Softmax", ROWS),
    Case("Softmax", (2, 3, 4), how={"axis": 1}, opset=11),
    Case("LogSoftmax", (2, 3, 4), how={"axis": 1}),
    *(Case(op, IMAGE, how={"axes": (2, 3)}) for op in ("ReduceMean", "ReduceMax", "ReduceMin")),
    *(Case(op, ROWS, how={"axes": (-1,), "keepdims": 0})
      for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd")),
    Case("ReduceLogSum", ROWS, how={"axes": (1,)}, positive=True),
    Case("ReduceSum", IMAGE, [_ints(1, -1)]),
    Case("ReduceMean", IMAGE, [_ints(2)], opset=18),
    Case("ReduceMean", IMAGE),
    Case("Conv", IMAGE, [(5, 4, 3, 3), (5,)], {"pads": (1, 0, 2, 1), "strides": (2, 2)}),
    Case("Conv", IMAGE, [(5, 4, 1, 1)], {"strides": (2, 2)}),
    Case("Conv", IMAGE, [(6, 2, 3, 2), (6,)], {"group": 2, "dilations": (2, 1)}),
    Case("Conv", IMAGE, [(4, 1, 3, 3), (4,)], {"group": 4, "pads": (1, 1, 1, 1)}),
    Case("Conv", IMAGE, [(8, 1, 3, 3)], {"group": 4, "strides": (2, 1)}),
    Case("Conv", IMAGE, [(5, 4, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": (2, 2)}),
    Case("Conv", IMAGE, [(5, 4, 4, 4)], {"auto_pad": "SAME_LOWER"}),
    Case("Conv", IMAGE, [(5, 4, 3, 3)], {"auto_pad": "VALID"}),
    Case("Conv", (2, 4, 9), [(5, 4, 3)], {"pads": (1, 1)}),
    Case("ConvTranspose", IMAGE, [(4, 5, 3, 3), (5,)], {"strides": (2, 2), "pads": (1, 0, 1, 2)}),
    Case("ConvTranspose", IMAGE, [(4, 3, 2, 3)], {"group": 2, "output_padding": (1, 0),
                                                  "strides": (2, 1), "dilations": (2, 1)}),
    Case("MaxPool", IMAGE, how={"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}),
    Case("MaxPool", IMAGE, how={"kernel_shape": (2, 3), "ceil_mode": 1, "strides": (2, 2)}),
    Case("MaxPool", IMAGE, how={"kernel_shape": (3, 3), "strides": (2, 2), "ceil_mode": 1}),
    Case("AveragePool", IMAGE, how={"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}),
    Case("AveragePool", IMAGE, how={"kernel_shape": (3, 3), "pads": (1, 0, 1, 1),
                                    "strides": (2, 2), "count_include_pad": 1}),
    Case("AveragePool", IMAGE, how={"kernel_shape": (2, 2), "auto_pad": "SAME_UPPER"}),
    Case("AveragePool", IMAGE, how={"kernel_shape": (3, 3), "strides": (2, 2), "ceil_mode": 1},
         opset=19),
    Case("GlobalAveragePool", IMAGE),
    Case("GlobalMaxPool", IMAGE),
    Case("BatchNormalization", IMAGE, [(4,)] * 4, positive=True),
    Case("LayerNormalization", (2, 3, 8), [(8,), (8,)]),
    Case("LayerNormalization", IMAGE, [(7, 6)], {"axis": 2, "epsilon": 0.1}),
    Case("InstanceNormalization", IMAGE, [(4,), (4,)]),
    Case("GroupNormalization", IMAGE, [(4,), (4,)], {"num_groups": 2}, opset=21),
    Case("LRN", IMAGE, how={"size": 3, "alpha": 0.1, "beta": 0.6, "bias": 1.5}),
    Case("Gemm", ROWS, [(4, 5), (4,)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    Case("Gemm", ROWS, [(3, 4)], {"transA": 1}),
    Case("MatMul", (2, 3, 4), [(2, 4, 5)]),
    Case("Einsum", (2, 3, 4), [(5, 4)], {"equation": "bij, kj -> bki"}),
    Case("Reshape", IMAGE, [_ints(0, -1, 6)]),
    Case("Flatten", IMAGE, how={"axis": 2}),
    Case("Transpose", IMAGE, how={"perm": (0, 2, 3, 1)}),
    Case("Squeeze", (2, 1, 3, 1), [_ints(1, -1)]),
    Case("Squeeze", (2, 1, 3, 1)),
    Case("Unsqueeze", ROWS, [_ints(0, -1)]),
    Case("Unsqueeze", ROWS, how={"axes": (1,)}, opset=11),
    Case("Concat", ROWS, [(3, 2)], {"axis": -1}),
    Case("Split", (3, 6), [_ints(1, 5)], {"axis": 1}, outputs=2),
    Case("Split", (3, 7), how={"axis": 1, "num_outputs": 3}, opset=18, outputs=3),
    Case("Slice", IMAGE, [_ints(1, -1), _ints(2**62, -(2**62)), _ints(1, 3), _ints(2, -2)]),
    Case("Slice", IMAGE, how={"starts": (1,), "ends": (-1,), "axes": (2,)}, opset=9),
    Case("Gather", IMAGE, [np.array(-1)], {"axis": 1}),
    Case("Gather", IMAGE, [np.array([[0, 2], [-1, 1]])], {"axis": 2}),
    Case("GatherElements", ROWS, [np.array([[0, 4], [1, 1], [2, 0]])], {"axis": 1}),
    Case("GatherND", IMAGE, [np.array([[0, 3], [1, 2]])]),
    Case("ScatterND", ROWS, [np.array([[0], [2]]), (2, 5)]),
    Case("Expand", (3, 1), [_ints(2, 1, 4)]),
    Case("Tile", ROWS, [_ints(2, 3)]),
    Case("Pad", ROWS, [_ints(1, 0, 2, -1), np.float32(0.5)]),
    Case("Pad", IMAGE, [_ints(0, 0, 2, 1, 0, 0, 1, 3)], {"mode": "reflect"}),
    Case("Pad", IMAGE, [_ints(1, 2), None, _ints(3)], {"mode": "edge"}, opset=18),
    Case("Pad", ROWS, how={"pads": (1, 0, 0, 2), "value": -1.0}, opset=9),
    Case("Trilu", (4, 5), [np.array(-1)], {"upper": 0}),
    Case("CumSum", ROWS, [np.array(1)]),
    Case("DepthToSpace", (1, 8, 2, 3), how={"blocksize": 2}),
    Case("DepthToSpace", (1, 8, 2, 3), how={"blocksize": 2, "mode": "CRD"}),
    Case("SpaceToDepth", (1, 2, 4, 6), how={"blocksize": 2}),
    *(Case("Resize", (1, 2, 5, 6), [None, None, _ints(1, 2, 8, 9)],
           {"mode": mode, "coordinate_transformation_mode": how}, opset=19)
      for mode in ("linear", "cubic", "nearest")
      for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")),
    Case("Resize", (1, 2, 5, 6), [None, _floats(1, 1, 2, 1.5)],
         {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}),
    Case("Resize", (1, 2, 9, 8), [None, None, _ints(1, 2, 4, 5)],
         {"mode": "linear", "antialias": 1}, opset=18),
    Case("Resize", (1, 2, 9, 8), [None, None, _ints(1, 2, 4, 5)],
         {"mode": "cubic", "antialias": 1, "cubic_coeff_a": -0.5}, opset=18),
    Case("Upsample", (1, 2, 3, 3), [_floats(1, 1, 2, 2)], {"mode": "nearest"}, opset=9),
]  # fmt: skip

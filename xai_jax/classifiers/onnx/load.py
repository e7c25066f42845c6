"""An ONNX file as a classifier: its weights apart, its channels last, its two halves."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.classifiers.onnx import about, layers, split
from xai_jax.classifiers.onnx.about import About
from xai_jax.classifiers.onnx.file import Model, Node, read
from xai_jax.classifiers.onnx.network import OPERATORS, Network, Value, digest, run
from xai_jax.classifiers.published import Pretrained
from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import Head

_OLDEST = 9  # opset
_QUANTISED = ("Quantize", "QLinear", "Integer")
_WITH_WEIGHTS = {
    "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization",
    "InstanceNormalization", "GroupNormalization", "PRelu",
}  # fmt: skip
_FEW = 8  # numbers: fewer may decide a size (of a Resize, say), and are no weights of a layer

Tensors = dict[str, np.ndarray]


def load(path: Path, given: About, cut: str | None = None) -> Pretrained:
    """The classifier in an ONNX file.

    Args:
        path: the file; weights may lie in files beside it.
        given: what is known of its pictures; what is left out is read from the file's metadata.
        cut: the value where `features_fn` ends, ``[b c h w]`` or ``[b h w c]``; by default the last
            with more than one place that all paths from pictures to logits pass.

    Raises:
        ValueError: the file is damaged, quantised, has an operator that is not known here, or does
            not say how its pictures are normalised; one sentence.
        OSError: it cannot be read.
    """
    model = read(path)
    try:
        _check(model)
        graph = _graph(model)
        known = about.completed(given, model.metadata, graph.picture)
        classifier = _classifier(graph, known, cut)
        num_classes = classifier.num_classes(graph.image_shape(known))
        names = about.checked_names(known.class_names, num_classes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return Pretrained(
        name=path.name,
        classifier=classifier,
        class_names=names,
        preprocess=about.preprocess(known),
        weights_sha256=about.digest(model.sha256, known),
        source=str(path),
    )


def _check(model: Model) -> None:
    """Refuses what cannot be computed, by its name."""
    for node in model.nodes:
        called = f"its node {node.name or node.outputs[0]!r} is of the operator "
        if any(word in node.op for word in _QUANTISED):
            raise ValueError(
                f"it is quantised ({called}{node.op}); export the network before it was quantised."
            )
        if node.domain or node.op not in OPERATORS:
            where = f" of {node.domain}" if node.domain else ""
            raise ValueError(
                f"{called}{node.op}{where}, which is not known here; export the network with "
                "operators of ONNX itself that leave the pictures' path without a branch or a loop."
            )
    if model.nodes and model.nodes[0].opset < _OLDEST:
        raise ValueError(
            f"it is of opset {model.nodes[0].opset}; export it with opset_version={_OLDEST} or "
            "newer."
        )
    if len(model.inputs) != 1 or not model.outputs:
        raise ValueError(
            f"it reads {', '.join(model.inputs) or 'nothing'}, and must read pictures alone; "
            "export the network with one input."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Graph:
    """A model made ready: `weights` and `constants` apart, constants folded."""

    nodes: tuple[Node, ...]
    weights: Mapping[str, np.ndarray]
    constants: Mapping[str, np.ndarray]
    source: Value
    wanted: str
    head: Head
    batch: int | None
    picture: tuple[int | None, ...]  # [h w c]

    def image_shape(self, known: About) -> tuple[int, int, int]:
        height, width = about.sides(known)
        return height, width, self.picture[2] or 3


def _graph(model: Model) -> _Graph:
    wanted, head = _logits(model)
    tensors: Tensors = dict(model.tensors)
    nodes = _turned(_folded(split.needed_for(model.nodes, wanted), tensors), tensors)
    (name, shape), *_ = model.inputs.items()
    if len(shape) != 4:
        raise ValueError(
            f"its input {name!r} has {len(shape)} axes, and pictures have four; export a network "
            "that reads [b c h w] or [b h w c]."
        )
    first = _channels_first(name, shape, nodes)
    weights = _weights(nodes, tensors)
    used = {read for node in nodes for read in node.inputs}
    return _Graph(
        nodes=nodes,
        weights={k: v for k, v in tensors.items() if k in weights},
        constants={k: v for k, v in tensors.items() if k in used - weights},
        source=Value(name=name, channels_first=first),
        wanted=wanted,
        head=head,
        batch=shape[0],
        picture=(shape[2], shape[3], shape[1]) if first else shape[1:],
    )


def _logits(model: Model) -> tuple[str, Head]:
    """The first output, before the softmax or sigmoid that may stand at its end."""
    makers = {name: node for node in model.nodes for name in node.outputs}
    wanted, head = model.outputs[0], Head.SOFTMAX
    while wanted in makers and makers[wanted].op in ("Identity", "Softmax", "Sigmoid"):
        head = Head.SIGMOID if makers[wanted].op == "Sigmoid" else head
        stop = makers[wanted].op != "Identity"
        wanted = makers[wanted].inputs[0]
        if stop:
            break
    return wanted, head


def _folded(nodes: Sequence[Node], tensors: Tensors) -> tuple[Node, ...]:
    """The nodes that are left when those that read no picture are computed, into `tensors`."""
    left = []
    for node in nodes:
        if all(not name or name in tensors for name in node.inputs):
            run([node], tensors)
            tensors |= {name: np.asarray(tensors[name]) for name in node.outputs if name}
        else:
            left.append(node)
    return tuple(left)


def _turned(nodes: Sequence[Node], tensors: Tensors) -> tuple[Node, ...]:
    """The same nodes with the kernels of convolutions as the compiler likes them, once for all."""
    readers = defaultdict(set)
    for node in nodes:
        for place, name in enumerate(node.inputs):
            readers[name].add((node.op, place))
    turned = {name for name in tensors if readers[name] == {("Conv", 1)}}
    for name in turned:
        tensors[name] = np.ascontiguousarray(np.moveaxis(tensors[name], (0, 1), (-1, -2)))
    return tuple(
        dataclasses.replace(node, attributes={**node.attributes, layers.HWIO: True})
        if node.op == "Conv" and node.inputs[1] in turned
        else node
        for node in nodes
    )


def _weights(nodes: Sequence[Node], tensors: Mapping[str, np.ndarray]) -> set[str]:
    """The names of the tensors that are handed in as parameters; the rest decides shapes."""
    of_layers = {name for node in nodes if node.op in _WITH_WEIGHTS for name in node.inputs}
    return {
        name
        for node in nodes
        for name in node.inputs
        if name in tensors
        and tensors[name].dtype == np.float32
        and tensors[name].ndim
        and (tensors[name].size > _FEW or name in of_layers)
    }


def _channels_first(name: str, shape: Sequence[int | None], nodes: Sequence[Node]) -> bool:
    """Whether the pictures are ``[b c h w]``: their sides say so, or the first layer."""
    may_be = [shape[axis] in (1, 3, 4) for axis in (1, 3)]
    if may_be[0] != may_be[1]:
        return may_be[0]
    for node in nodes:
        if name in node.inputs and node.op in ("Conv", "Transpose"):
            return node.op == "Conv" or node.get("perm") == (0, 2, 3, 1)
    raise ValueError(
        f"its input {name!r} does not say which of its axes are channels; export it with their "
        "number fixed."
    )


def _classifier(graph: _Graph, known: About, cut: str | None) -> Classifier:
    if graph.batch not in (None, 1):
        raise ValueError(
            f"it takes batches of {graph.batch} pictures and no others; export it with a batch "
            "axis that is dynamic, or for one picture."
        )
    one_by_one = graph.batch == 1
    whole = Network(
        digest=digest(graph.nodes, graph.constants),
        nodes=graph.nodes,
        constants=graph.constants,
        source=graph.source,
        wanted=Value(name=graph.wanted),
        one_by_one=one_by_one,
    )
    params = jax.device_put(dict(graph.weights))
    features, head = _halves(whole, params, graph.image_shape(known), cut)
    classifier = Classifier.from_callable(
        whole, params, mean=known.mean, std=known.std, head=known.head or graph.head
    )
    return dataclasses.replace(classifier, features_fn=features, head_fn=head)


def _halves(
    whole: Network, params: Any, image_shape: tuple[int, int, int], cut: str | None
) -> tuple[Network | None, Network | None]:
    """The network up to the cut, and from there on; neither where there is no such value."""
    batch = 1 if whole.one_by_one else 2
    abstract = whole.abstract(params, (batch, *image_shape))
    source, wanted = whole.source.name, whole.wanted.name
    name = cut or split.last(whole.nodes, abstract, source, wanted)
    if name is None:
        return None, None
    second = split.behind(whole.nodes, abstract, name, source, wanted)
    if len(getattr(abstract.get(name), "shape", ())) != 4 or second is None:
        raise ValueError(
            f"it cannot be cut at {name!r}, which must be a value with four axes that all paths "
            "from the pictures to the logits pass."
        )
    value = Value(name=name, channels_first=split.channels_first(whole.nodes, abstract, name))
    first = dataclasses.replace(whole, nodes=split.needed_for(whole.nodes, name), wanted=value)
    rest = dataclasses.replace(whole, nodes=second, source=value, whole=(whole, image_shape))
    return first, rest

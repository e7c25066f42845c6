"""Sanity checks: a map that explains the classifier changes with it, and with the class.

Each asks the method again and gives the rank correlation (Spearman) of the two maps: near 1, the
map does not depend on what was changed, and so does not explain it.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.metric import AskFn, Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey, PyTree
from xai_jax.metrics.ranks import rank_correlation

Chosen = Bool[Array, "n"]


def randomisation(layers: Sequence[str], *, cascading: bool = True) -> Metric:
    """Correlation with the map of a classifier whose layers have lost what they learned.

    Adebayo et al. 2018, sec. 3. What differs: a layer's numbers change places at random, array by
    array, so that they keep their distribution and no way of drawing anew has to be known. A column
    a layer: ``1 + len(layers)`` explanations of the target a picture.

    Args:
        layers: names of parts of the parameters, from the top of the network down, such as
            ``("classes", "top", "blocks/15")``; keys are joined by "/".
        cascading: each layer together with those before it; else each alone.

    Raises:
        ValueError: there are no layers.
    """
    if not layers:
        raise ValueError("randomisation needs layers; name some, from the top of the network down.")
    kind = "cascading" if cascading else "alone"
    names = tuple(f"randomised_{kind}_{_word(layer)}" for layer in layers)
    columns = tuple(
        _column(name, f"{layer} shuffled, {kind}", "Adebayo et al. 2018, sec. 3")
        for name, layer in zip(names, layers, strict=True)
    )
    measure = _Randomisation(layers=tuple(layers), cascading=cascading, names=names)
    return Metric(measure=measure, rows=_rows(columns), columns=columns, asks=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Randomisation:
    layers: tuple[str, ...]
    cascading: bool
    names: tuple[str, ...]

    def __call__(
        self,
        params: PyTree,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
        explain: AskFn,
    ) -> dict[str, PerExample]:
        del params, explanation
        num = len(self.layers)
        which = jnp.tril(jnp.ones((num, num), bool)) if self.cascading else jnp.eye(num, dtype=bool)

        def maps(chosen: Chosen) -> Maps:
            classifier = shuffled(frozen.classifier, self.layers, chosen, key)
            return explain(dataclasses.replace(frozen, classifier=classifier), batch).saliency

        # One loop, for the sake of one copy of the method in the program.
        found = jax.lax.map(maps, jnp.concatenate([jnp.zeros((1, num), bool), which]))
        return {
            name: correlation(found[0], other)
            for name, other in zip(self.names, found[1:], strict=True)
        }


def shuffled(
    classifier: Classifier, layers: Sequence[str], chosen: Chosen, key: PRNGKey
) -> Classifier:
    """A classifier in which the numbers of the chosen layers change places within each array.

    Raises:
        ValueError: a layer is no part of the parameters.
    """
    leaves, tree = jax.tree_util.tree_flatten_with_path(classifier.params)
    made, missing = [], set(layers)
    for place, (path, leaf) in enumerate(leaves):
        name = "/".join(str(getattr(k, "key", getattr(k, "idx", k))) for k in path)
        owner = next(
            (n for n, layer in enumerate(layers) if f"{name}/".startswith(f"{layer}/")), None
        )
        if owner is None:
            made.append(leaf)
            continue
        missing.discard(layers[owner])
        flat = jax.random.permutation(jax.random.fold_in(key, place), jnp.ravel(leaf))
        made.append(jnp.where(chosen[owner], flat.reshape(leaf.shape), leaf))
    if missing:
        known = sorted({str(getattr(path[0], "key", path[0])) for path, _ in leaves})
        raise ValueError(
            f"The classifier has no parameters under {sorted(missing)[0]!r}; its first names are "
            f"{', '.join(known)}."
        )
    return dataclasses.replace(classifier, params=jax.tree_util.tree_unflatten(tree, made))


def other_classifier(classifier: Classifier, name: str) -> Metric:
    """Correlation with the map of another classifier: one that was trained on shuffled labels.

    Adebayo et al. 2018, sec. 4. Two explanations of the target a picture.

    Args:
        classifier: of the same pictures and classes.
        name: of it, in snake_case; ends the column's name.
    """
    column = _column(
        f"same_for_{name}", f"as for {name.replace('_', ' ')}", "Adebayo et al. 2018, sec. 4"
    )
    return Metric(
        measure=_OtherClassifier(name=column.name),
        rows=_rows((column,)),
        columns=(column,),
        params=classifier,
        asks=True,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _OtherClassifier:
    name: str

    def __call__(
        self,
        params: Classifier,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
        explain: AskFn,
    ) -> dict[str, PerExample]:
        del explanation, key
        one = explain(frozen, batch).saliency
        other = explain(dataclasses.replace(frozen, classifier=params), batch).saliency
        return {self.name: correlation(one, other)}


def random_logit() -> Metric:
    """Correlation with the map of another class, drawn at random for each picture.

    Sixt et al. 2020. Two explanations a picture.
    """
    column = _column("random_logit", "random logit", "Sixt et al. 2020")
    return Metric(measure=_random_logit, rows=_rows((column,)), columns=(column,), asks=True)


def _random_logit(
    params: PyTree,
    frozen: Frozen,
    batch: Batch,
    explanation: Explanation,
    key: PRNGKey,
    explain: AskFn,
) -> dict[str, PerExample]:
    del params, explanation
    num = frozen.classifier.num_classes(batch.images.shape[1:], len(batch.images))
    if num < 2:
        raise ValueError("A classifier of one class has no other logit.")
    draw = jax.vmap(lambda key: jax.random.randint(key, (), 1, num))
    away = draw(example_keys(key, batch.image_id))
    other = ((batch.target + away) % num).astype(batch.target.dtype)
    targets = jnp.stack([batch.target, other])
    one, two = jax.lax.map(
        lambda target: explain(frozen, dataclasses.replace(batch, target=target)).saliency, targets
    )
    return {"random_logit": correlation(one, two)}


def correlation(one: Maps, other: Maps) -> PerExample:
    """Spearman's rank correlation of two maps, ``[b]`` in [-1, 1]; NaN where one is flat.

    Equal pixels have their mean rank.
    """
    return rank_correlation(*(maps.reshape(len(maps), -1) for maps in (one, other)))


def _word(layer: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in layer)


def _column(name: str, head: str, source: str) -> Column:
    return Column(name, head, "lower", -1.0, 1.0, "", source, 2)


def _rows(columns: Sequence[Column]) -> tuple[Output, ...]:
    return tuple(
        outputs.number(c.name, "in [-1, 1]", "Rank correlation of the two maps; NaN: one is flat.")
        for c in columns
    )

"""What declares itself: outputs by name, metrics with their columns, what is explained."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core import outputs
from xai_jax.core.generator import Generator
from xai_jax.core.infill import Infill
from xai_jax.core.method import Explained
from xai_jax.core.metric import Column, Metric, mean
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant


def test_one_name_means_one_thing():
    again = outputs.trace("objective", "nats", "What is minimised.")
    other = outputs.trace("objective", "bits", "What is minimised.")
    assert list(outputs.by_name([again, again, outputs.KEEP])) == ["objective", "keep"]
    with pytest.raises(ValueError, match="'objective' is declared twice and not alike"):
        outputs.by_name([again, other])


def test_an_explanation_gives_all_that_it_holds_by_name():
    maps, numbers = {"class_keep": 3}, {"objective": 4}
    whole = Explanation(target=0, saliency=1, keep=2, maps=maps, numbers=numbers)
    assert dict(whole.named()) == {"target": 0, "saliency": 1, "keep": 2, **maps, **numbers}
    assert "keep" not in Explanation(target=0, saliency=1).named()
    assert whole.class_keep == 3 and Explanation(target=0, saliency=1).class_keep is None


def test_the_mean_of_a_row_leaves_out_pictures_for_which_it_is_not_defined():
    found = mean({"a": np.array([1.0, np.nan, 4.0]), "b": np.array([np.nan])})
    assert found["a"] == 2.5 and np.isnan(found["b"])


def test_a_metric_of_a_set_is_resampled_like_one_of_pictures():
    """Here the area under the ROC curve, which no mean over pictures is."""

    def area(rows):
        above = rows["score"][rows["truth"] > 0, None] - rows["score"][None, rows["truth"] == 0]
        return {"auc": float(((above > 0) + 0.5 * (above == 0)).mean())}

    column = Column("auc", "AUC", "higher", 0.0, 1.0, "", "Hanley & McNeil 1982")
    metric = Metric(measure=lambda *_: {}, rows=(), columns=(column,), reduce=area)
    rows = {"score": np.array([3.0, 1.0, 2.0, 0.0]), "truth": np.array([1, 1, 0, 0])}
    assert metric.reduce(rows) == {"auc": 0.75}  # of four pairs one is the wrong way round
    drawn = [0, 0, 2, 3]  # a bootstrap's
    assert metric.reduce({name: values[drawn] for name, values in rows.items()}) == {"auc": 1.0}


def test_what_is_explained_is_built_of_settings_and_of_things():
    classifier, settings = planted.quadrant(), Constant(value=0.25)
    for infill in (settings, settings.build(classifier)):
        frozen = Explained(classifier=classifier, infill=infill).build()
        assert frozen.classifier is classifier and isinstance(frozen.infill, Infill)
        assert frozen.generator is None
    with pytest.raises(ValueError, match="infill is .*Constant.*neither a Infill nor settings"):
        Explained(classifier=classifier, infill=Constant).build()


def test_a_generator_prepares_once_what_depends_on_the_picture_alone():
    def prepare(params, images, regions):
        return {"images": images, "share": (regions == 1).mean(axis=(1, 2))}

    def decode(params, context, codes, keys):
        noise = jax.vmap(lambda key: jax.random.uniform(key, (4, 4, 3)))(keys)
        return context["images"] * codes[:, None, None, None] + params * noise

    generator = Generator(
        params=0.0,
        prepare_fn=prepare,
        encode_fn=lambda params, context: context["share"],
        decode_fn=decode,
    )
    images, regions = jnp.ones((2, 4, 4, 3)), jnp.zeros((2, 4, 4), jnp.int32).at[1].set(1)
    context = generator.prepare(images, regions)
    codes = generator.encode(context)
    np.testing.assert_array_equal(codes, [0.0, 1.0])
    found = generator.decode(context, codes, jax.random.split(jax.random.key(0), 2))
    np.testing.assert_array_equal(found[0], 0.0)
    np.testing.assert_array_equal(found[1], 1.0)

"""A head of groups begins with the means of their classes, as far as the features tell."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from xai_jax.classifiers.grouped_head import GroupedHead
from xai_jax.classifiers.pretrained import Named
from xai_jax.nn.learner import Learner


@dataclasses.dataclass
class Head:
    """Stands for a published classifier of four classes and two features."""

    params: dict


class Published(Named):
    def build(self):
        kernel = np.array([[1, 3, 0, 0], [0, 0, 2, 6]], np.float32)
        return Head({"classes": {"kernel": jnp.asarray(kernel), "bias": jnp.arange(4.0)}})


def begun(groups, num_classes=2):
    layer = {"kernel": jnp.ones((2, num_classes)), "bias": jnp.ones(num_classes)}
    params = {"trunk": {"w": jnp.ones(3)}, "head": {"classes": layer}}
    state = Learner(params=params, statistics={}, opt_state=optax.sgd(0.1).init(params))
    return GroupedHead(pretrained=Published(name="alexnet"), groups=groups)(state)


def test_a_group_has_the_mean_of_its_classes_less_that_of_all():
    state = begun({"low": (0, 1), "last": (3,)})
    layer = state.params["head"]["classes"]
    # Means: features 1 and 2 over all classes, bias 1.5.
    np.testing.assert_allclose(layer["kernel"], [[2 - 1, 0 - 1], [0 - 2, 6 - 2]])
    np.testing.assert_allclose(layer["bias"], [0.5 - 1.5, 3 - 1.5])
    np.testing.assert_array_equal(state.params["trunk"]["w"], np.ones(3))


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ({"a": (0, 4), "b": (1,)}, r"^The group 'a' is \[0, 4\]; name one or more of 0 to 3\.$"),
        ({"a": (), "b": (1,)}, r"^The group 'a' is \[\]; name one or more"),
        ({"a": (0,)}, "^The head has 2 classes of 2 features, and there are 1 groups of 2; make"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        begun(groups)

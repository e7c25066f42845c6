"""Log-odds of both heads against probabilities, and which class is chosen."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, softmax

from xai_jax.core import targets
from xai_jax.core.targets import Head, Score

LOGITS = jnp.array([[1.0, 3.0, -2.0], [0.5, 0.25, 0.0]])


def test_softmax_log_odds_are_those_of_the_probability():
    p = softmax(np.asarray(LOGITS, np.float64), axis=-1)[[0, 1], [1, 2]]
    found = targets.log_odds(LOGITS, jnp.array([1, 2]), Head.SOFTMAX)
    np.testing.assert_allclose(found, np.log(p / (1 - p)), rtol=1e-5)


def test_sigmoid_log_odds_are_the_logit():
    p = expit(np.asarray(LOGITS, np.float64))[[0, 1], [1, 2]]
    found = targets.log_odds(LOGITS, jnp.array([1, 2]), Head.SIGMOID)
    np.testing.assert_allclose(found, np.log(p / (1 - p)), atol=1e-6)


def test_one_logit_is_a_binary_classifier():
    found = targets.log_odds(jnp.array([[2.5]]), jnp.array([0]), Head.SIGMOID)
    np.testing.assert_allclose(found, [2.5])


def test_certainty_stays_finite():
    logits = jnp.array([[200.0, 0.0], [-200.0, 0.0]])
    found = targets.log_odds(logits, jnp.array([0, 0]), Head.SOFTMAX)
    np.testing.assert_allclose(found, [200.0, -200.0])


def test_predicted_runner_up_and_truth():
    np.testing.assert_array_equal(targets.predicted(LOGITS), [1, 0])
    np.testing.assert_array_equal(targets.runner_up(LOGITS), [0, 1])
    labels = jnp.array([[1, 0, 1], [0, 1, 1]])  # of several true classes the likelier
    np.testing.assert_array_equal(targets.truth(LOGITS, labels), [0, 1])
    np.testing.assert_array_equal(targets.truth(LOGITS, labels.at[0].set(0)), [-1, 1])


def test_of_one_logit_the_negative_is_a_decision_and_there_is_no_runner_up():
    logits = np.array([[0.5], [-0.5]], np.float32)
    found = targets.predicted(jnp.asarray(logits))
    np.testing.assert_array_equal(found, [0, 0])  # what can be explained
    np.testing.assert_array_equal(targets.decisions(logits), [0, 1])
    np.testing.assert_array_equal(targets.decisions(np.asarray(LOGITS)), [1, 0])
    names = [targets.decision_name(k, ("tumour",), 1) for k in (0, 1)]
    assert names == ["tumour", "not tumour"]
    assert targets.decision_name(1, (), 1) == "not class 0"
    assert targets.decision_name(1, ("a", "b"), 2) == "b" and targets.decision_name(1, (), 2) == ""
    with pytest.raises(ValueError, match="one logit has no runner-up; its only target is class 0"):
        targets.runner_up(jnp.asarray(logits))


def test_truth_without_labels_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="needs labels"):
        targets.truth(LOGITS)


def test_probabilities_of_both_heads():
    np.testing.assert_allclose(targets.probs(LOGITS).sum(axis=-1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(
        targets.probs(LOGITS, Head.SIGMOID), expit(np.asarray(LOGITS)), rtol=1e-6
    )


def test_the_log_odds_of_every_class_are_those_of_each_as_the_target():
    logits = jnp.array([[2.0, -1.0, 0.5], [30.0, 0.0, -30.0], [1.0, 1.0, -200.0]])
    for head in targets.Head:
        every = targets.class_log_odds(logits, head)
        for target in range(3):
            one = targets.log_odds(logits, jnp.full(3, target), head)
            np.testing.assert_allclose(every[:, target], one, rtol=1e-6, atol=1e-6)
    # By hand: the two others of (30, 0, -30) sum to 1, and those of (1, 1, -200) to e.
    softmax = targets.class_log_odds(logits)
    np.testing.assert_allclose(softmax[1, 0], 30.0, rtol=1e-6)
    np.testing.assert_allclose(softmax[2], [0.0, 0.0, -201.0 - np.log(2)], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("head", Head)
def test_a_head_may_be_named_in_any_case(head):
    target = jnp.array([1, 2])
    for word in (head.value, head.name, head.value.title()):
        for function in (targets.class_log_odds, targets.probs):
            np.testing.assert_array_equal(function(LOGITS, word), function(LOGITS, head))
        found = targets.log_odds(LOGITS, target, word)
        np.testing.assert_array_equal(found, targets.log_odds(LOGITS, target, head))


@pytest.mark.parametrize("head", ["xx", "sigmod", ""])
def test_a_head_that_does_not_exist_is_refused(head):
    target, sentence = jnp.array([1, 2]), "head must be one of 'softmax', 'sigmoid', not"
    for call in (
        lambda: targets.class_log_odds(LOGITS, head),
        lambda: targets.probs(LOGITS, head),
        lambda: targets.log_odds(LOGITS, target, head),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_every_score_is_what_scipy_says_under_either_head():
    target, rows = jnp.array([1, 2]), ([0, 1], [1, 2])
    logits = np.asarray(LOGITS, np.float64)
    shares = {Head.SOFTMAX: softmax(logits, axis=-1)[rows], Head.SIGMOID: expit(logits)[rows]}
    for head, p in shares.items():
        wanted = {
            Score.LOGIT: logits[rows],
            Score.LOG_ODDS: np.log(p / (1 - p)),
            Score.PROBABILITY: p,
            Score.SIGMOID: shares[Head.SIGMOID],
            Score.SOFTMAX: shares[Head.SOFTMAX],
        }
        for score in Score:
            found = targets.scores(LOGITS, target, head, score)
            np.testing.assert_allclose(found, wanted[score], rtol=1e-5, err_msg=score.value)


def test_a_softmax_over_one_class_is_refused():
    one, target = jnp.array([[2.5]]), jnp.array([0])
    for head, score in ((Head.SOFTMAX, Score.PROBABILITY), (Head.SIGMOID, Score.SOFTMAX)):
        with pytest.raises(ValueError, match="over one class is always 1; give .* sigmoid head"):
            targets.scores(one, target, head, score)


def test_the_other_decision_is_against_a_target_that_is_found():
    np.testing.assert_array_equal(targets.away(jnp.array([2.0, 0.0, -0.1])), [-1.0, -1.0, 1.0])

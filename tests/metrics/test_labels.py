"""Decisions over several classes, worked by hand."""

import jax.numpy as jnp
import pytest

from xai_jax.metrics import labels

LOGITS = jnp.array([[0.0, -0.5, 2.0], [-3.0, -1.0, 1.0]])
TRUTH = jnp.array([[1, 1, 0], [0, 1, 0]])


def sums(threshold):
    counts = labels.decisions(LOGITS, TRUTH, threshold=threshold)
    return {name: float(count.sum()) for name, count in counts.items()}


def test_a_logit_at_the_threshold_is_a_found_class():
    counts = labels.decisions(LOGITS, TRUTH, threshold=labels.CLASSIFIER_THRESHOLD)
    assert counts["true_positives"].tolist() == [1, 0]
    assert counts["false_positives"].tolist() == [1, 1]
    assert counts["true_negatives"].tolist() == [0, 1]
    assert counts["false_negatives"].tolist() == [1, 1]


def test_a_graded_label_counts_above_one_half():
    graded = jnp.array([[0.98, 0.6, 0.4], [0.02, 0.7, 0.5]])
    counts = labels.decisions(LOGITS, graded, threshold=labels.CLASSIFIER_THRESHOLD)
    whole = labels.decisions(LOGITS, TRUTH, threshold=labels.CLASSIFIER_THRESHOLD)
    assert all((counts[name] == whole[name]).all() for name in whole)


def test_ratios_are_taken_of_the_sums_over_all_decisions():
    assert labels.micro(sums(0.0)) == pytest.approx(
        {"accuracy": 2 / 6, "precision": 1 / 3, "recall": 1 / 3, "f1": 2 / 6}
    )
    # At the Explainer's threshold both missed classes, at -0.5 and at -1, are found.
    assert labels.micro(sums(labels.EXPLAINER_THRESHOLD)) == pytest.approx(
        {"accuracy": 4 / 6, "precision": 3 / 5, "recall": 1.0, "f1": 6 / 8}
    )


def test_ratios_of_nothing_are_zero():
    counts = labels.decisions(jnp.full((1, 2), -5.0), jnp.zeros((1, 2)), threshold=0.0)
    found = labels.micro({name: float(count.sum()) for name, count in counts.items()})
    assert found == {"accuracy": 1.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_the_auc_of_a_class_compares_pictures_with_it_and_without():
    logits = jnp.array([[3.0, 0.0], [1.0, 0.0], [1.0, 5.0], [-2.0, 7.0]])
    truth = jnp.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    # Of four pairs three are in order and one is tied; the second class is in no picture.
    assert labels.auc(logits, truth)[0] == 3.5 / 4
    assert jnp.isnan(labels.auc(logits, truth)[1])

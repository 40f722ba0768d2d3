"""The choice of settings by what a trial has left out."""

import numpy as np
import pytest
from scipy.special import softmax

from skhash._closed_form.posterior_choice import (
    CANDIDATES,
    DEFAULTS,
    Settings,
    choose_settings,
    judge_settings,
    plan_trial,
)
from skhash._closed_form.posterior_map import PosteriorMaps
from skhash.metrics import hierarchical_precision_score

TWO = [Settings(1.0, 1.0, 0.5), Settings(4.0, 2.0, 0.125)]


def test_settings_as_good_as_each_other_meet_halfway():
    equal = np.full((2, 3), 0.7)
    np.testing.assert_allclose(choose_settings(equal, TWO, 0.5, 10), (2.0, np.sqrt(2), 0.25))
    # a hundredth behind counts for 1 / e: .27 of two octaves and of one, in eighths of an octave
    behind = np.array([[0.7, 0.7, 0.7], [0.69, 0.69, 0.69]])
    np.testing.assert_allclose(
        choose_settings(behind, TWO, 0.3, 10), (2 ** (4 / 8), 2 ** (2 / 8), 0.5 * 2 ** (-4 / 8))
    )


def test_what_rounding_may_change_does_not_change_the_settings():
    random = np.random.default_rng(0)
    precision = random.random((len(CANDIDATES), 3)) / 10 + 0.6
    chosen = choose_settings(precision, CANDIDATES, 0.5, 10)
    for _ in range(20):
        other = precision + random.uniform(-1e-5, 1e-5, precision.shape)
        assert choose_settings(other, CANDIDATES, 0.5, 10) == chosen


def test_emphasis_says_whose_precision_counts():
    # the first is better on seen classes, the second on unseen ones, by as much
    precision = np.array([[0.9, 0.5, 0.5], [0.5, 0.8, 1.0]])
    np.testing.assert_allclose(choose_settings(precision, TWO, 0.0, 10), TWO[0], rtol=1e-9)
    np.testing.assert_allclose(choose_settings(precision, TWO, 1.0, 10), TWO[1], rtol=1e-9)
    # the two unseen columns count the same: 0.4 * (1 - e) = 0.4 * e at a half
    np.testing.assert_allclose(choose_settings(precision, TWO, 0.5, 10).temperature, 2.0)


def test_emphasis_moves_the_choice_one_way():
    """By how much unseen classes are better off than seen ones: here the temperature tells."""
    random = np.random.default_rng(0)
    for n in range(1, 21):
        precision = random.random((6, 3)) / 10
        gain = precision[:, 1:].mean(axis=1) - precision[:, 0]
        settings = [Settings(np.exp(value), 1.0, 0.5) for value in gain]
        chosen = [choose_settings(precision, settings, e, n).temperature for e in (0, 0.3, 0.6, 1)]
        assert (np.diff(chosen) >= -1e-12).all()


def test_few_classes_left_out_count_less():
    precision = np.array([[0.9, 0.5, 0.5], [0.5, 0.8, 1.0]])
    # 0.4 * 0.5 on seen classes, against 0.4 * 0.5 * 3 / 10
    assert choose_settings(precision, TWO, 0.5, 3).temperature < 1.01
    # 0.4 * 0.2 against 0.4 * 0.8 * 3 / 10; where nothing else counts, they decide
    assert choose_settings(precision, TWO, 0.8, 3).temperature > 3
    np.testing.assert_allclose(choose_settings(precision, TWO, 1.0, 1), TWO[1], rtol=1e-9)
    assert choose_settings(precision, TWO, 0.5, 30) == choose_settings(precision, TWO, 0.5, 10)


def test_a_weight_of_zero_is_no_logarithm_of_zero():
    chosen = choose_settings(np.full((1, 3), 0.5), [Settings(2.0, 0.0, 1.0)], 0.5, 10)
    np.testing.assert_allclose(chosen, (2.0, 0.0, 1.0), atol=1e-300)


def test_a_trial_leaves_out_classes_and_rows():
    labels = np.random.default_rng(0).integers(20, size=1000)
    trial = plan_trial(labels, 20, seed=0)
    assert len(trial.classes) == 16
    assert set(labels[trial.fit_rows]) == set(trial.classes)
    assert not set(trial.fit_rows) & set(trial.judged_rows)
    assert len(trial.fit_rows) + len(trial.judged_rows) == 1000
    known = np.isin(labels[trial.judged_rows], trial.classes)
    share = known.sum() / np.isin(labels, trial.classes).sum()
    assert 0.15 < share < 0.25
    again = plan_trial(labels, 20, seed=0)
    np.testing.assert_array_equal(trial.judged_rows, again.judged_rows)
    assert set(plan_trial(labels, 20, seed=1).classes) != set(trial.classes)


def test_sorted_rows_are_judged_in_random_order():
    trial = plan_trial(np.repeat(np.arange(20), 50), 20, seed=0)
    assert len(np.unique(trial.judged_rows[:40] // 50)) > 10


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(700) % 7,  # few classes
        np.arange(79) % 8,  # few rows
        np.r_[np.zeros(200, dtype=int), np.arange(10)],  # one row of each class but one
    ],
)
def test_there_is_no_trial_of_little(labels):
    assert plan_trial(labels, labels.max() + 1, seed=0) is None


def test_a_trial_of_many_rows_is_of_a_sample():
    trial = plan_trial(np.arange(100_000) % 10, 10, seed=0)
    assert len(trial.fit_rows) <= 2**14 * 1.1
    assert len(trial.judged_rows) == 1500


def clusters(seed):
    """A trial of clusters, of which neighbouring ones are similar, with logits by distance."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(12, 20)) + 2 * np.repeat(random.normal(size=(4, 20)), 3, axis=0)
    labels = random.permutation(np.repeat(np.arange(12), 40))
    X = (centres[labels] + random.normal(size=(480, 20))).astype(np.float32)
    similarity = np.where(np.arange(12)[:, None] // 3 == np.arange(12) // 3, 0.5, 0.0)
    np.fill_diagonal(similarity, 1)
    trial = plan_trial(labels, 12, seed=0)
    rows = np.r_[trial.fit_rows, trial.judged_rows]
    distances = np.square(X[rows][:, np.newaxis] - centres[trial.classes]).sum(axis=2)
    return trial, X[rows], labels[rows], (-distances / 2).astype(np.float32), similarity


@pytest.fixture(scope="module")
def judged():
    return clusters(seed=0)


def test_a_surer_posterior_gets_a_higher_temperature():
    temperatures = []
    for seed in range(4):
        trial, X, labels, logits, similarity = clusters(seed)
        for share in (0.1, 1.0):
            of_trial = (trial, X, labels, share * logits, similarity)
            precision = judge_settings(*of_trial, 16, CANDIDATES, seed=0)
            temperatures.append(choose_settings(precision, CANDIDATES, 0.5, 10).temperature)
    doubtful, sure = np.reshape(temperatures, (4, 2)).mean(axis=0)
    # 1.7 and 2.3
    assert sure > doubtful


def test_precision_is_that_of_the_codes_of_judged_rows(judged):
    trial, X, labels, logits, similarity = judged
    settings = Settings(2.0, 1.5, 0.3)
    found = judge_settings(*judged, 16, [DEFAULTS, settings], seed=0)[1]
    n_fit = len(trial.fit_rows)
    order = np.random.RandomState(0).permutation(n_fit)
    own = np.searchsorted(trial.classes, labels[order])
    known_similarity = similarity[np.ix_(trial.classes, trial.classes)]
    posterior = softmax(logits / 2, axis=1)
    found_map = PosteriorMaps(X[order], own, known_similarity, 16, 0).find(
        posterior[order], feature_weight=1.5, shrinkage=0.3
    )
    values = posterior @ found_map.classes + (X - found_map.mean) @ found_map.features
    codes, y = ((values + found_map.offset) > 0)[n_fit:].astype(np.uint8), labels[n_fit:]
    size = len(y) / 12
    ks = [round(size / 4), round(size / 2), round(size), round(2.5 * size)]
    options = {"k": ks, "similarity": lambda a, b: similarity[np.ix_(a, b)]}
    known = np.isin(y, trial.classes)
    every, new = np.arange(len(y)), np.flatnonzero(~known)
    for value, queries, database in (
        (found[0], np.flatnonzero(known), every),
        (found[1], new, every),
        (found[2], new, new),
    ):
        own = np.searchsorted(database, queries)
        scores = hierarchical_precision_score(
            codes[queries], y[queries], codes[database], y[database], exclude_self=own, **options
        )
        assert value == pytest.approx(np.mean(scores))


def test_where_the_posterior_knows_nothing_the_features_are_all(judged):
    trial, X, labels, logits, similarity = judged
    blind = (trial, X, labels, np.zeros_like(logits), similarity)
    settings = [Settings(1.0, 0.0, 0.5), Settings(1.0, 2.0, 0.5)]
    without, beside = judge_settings(*blind, 16, settings, seed=0)
    # the four clusters that the trial's similarity knows are far apart
    assert (beside > without + 0.1).all()

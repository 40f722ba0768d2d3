"""Displays of classes and of bits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import RandomProjectionHasher
from skhash.metrics import (
    BitStatisticsDisplay,
    ClassDistanceDisplay,
    bit_balance,
    bit_correlation,
    class_distances,
    distance_similarity_correlation,
)
from skhash.metrics._plot._class_distance import _medians
from skhash.similarity import LabelSimilarity, Taxonomy, TaxonomySimilarity, load_taxonomy

plt = pytest.importorskip("matplotlib.pyplot")

TAXONOMY = Taxonomy.from_paths(
    [("life", "animal", "dog"), ("life", "plant", "oak"), ("life", "animal", "ant"), ("car",)]
)
SIMILARITY = TaxonomySimilarity(TAXONOMY)
# two items a class; dogs and ants are near each other, oaks a little further, cars far
CODES = np.array(
    [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
    ],
    dtype=np.uint8,
)
LABELS = np.repeat(["dog", "ant", "oak", "car"], 2)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_matrices_hold_distances_worked_by_hand():
    order = ["car", "oak", "dog", "ant"]
    display = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, order=order
    )
    assert display.classes.tolist() == order
    codes, target = (image.get_array() for image in display.images_)
    np.testing.assert_array_equal(
        codes, [[0, 2, 4, 3.5], [2, 0, 2, 1.5], [4, 2, 0, 0.5], [3.5, 1.5, 0.5, 1]]
    )
    # heights: life 2 of 3, animal 1 of 3
    expected = np.array([[0, 3, 3, 3], [3, 0, 2, 2], [3, 2, 0, 1], [3, 2, 1, 0]]) / 3
    np.testing.assert_allclose(target, expected)
    assert display.images_[0].get_clim()[0] == display.images_[1].get_clim()[0] == 0
    assert [bar.mappable for bar in display.colorbars_] == [*display.images_]


def test_title_gives_the_spearman_correlation():
    display = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, name="mine"
    )
    value = distance_similarity_correlation(CODES, LABELS, SIMILARITY)
    assert display.correlation == value
    assert display.ax_[0].get_title() == f"mine\nSpearman correlation {value:.2f}"


def test_default_order_keeps_related_classes_together():
    names = np.array(load_taxonomy("cifar100-coarse").leaves)
    shuffled = np.random.default_rng(0).permutation(names)
    codes = np.random.default_rng(1).integers(0, 2, size=(100, 8))
    display = ClassDistanceDisplay.from_predictions(
        codes, shuffled, similarity=TaxonomySimilarity("cifar100-coarse")
    )
    # each of the 20 superclasses is a block on the diagonal
    related = display.dissimilarity < 1
    assert sorted(display.classes) == sorted(names)
    np.testing.assert_array_equal(related, np.kron(np.eye(20), np.ones((5, 5))))
    # whatever the order, a cell belongs to the same two classes
    classes, distances = class_distances(codes, shuffled)
    place = {label: i for i, label in enumerate(classes.tolist())}
    i, j = place[display.classes[3]], place[display.classes[77]]
    assert display.distances[3, 77] == distances[i, j]


def test_order_may_name_more_classes_but_not_fewer():
    extra = ["cat with a rather long name", *TAXONOMY.leaves]
    display = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, order=extra
    )
    assert display.classes.tolist() == ["dog", "ant", "oak", "car"]
    with pytest.raises(ValueError, match="order lacks 1 of the 4 classes, such as 'oak'"):
        ClassDistanceDisplay.from_predictions(
            CODES, LABELS, similarity=SIMILARITY, order=["car", "dog", "ant"]
        )
    with pytest.raises(ValueError, match="more than once"):
        ClassDistanceDisplay.from_predictions(
            CODES, LABELS, similarity=SIMILARITY, order=["car", "dog", "ant", "oak", "car"]
        )


def test_names_stand_at_their_rows():
    display = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, order=TAXONOMY.leaves
    )
    rows = [label.get_text() for label in display.ax_[0].get_yticklabels()]
    assert rows == ["dog", "ant", "oak", "car"]
    groups = {"dog": "animals", "ant": "animals", "oak": "plants", "car": "things"}
    display.plot(groups=groups)
    labels = [label.get_text() for label in display.ax_[0].get_yticklabels()]
    assert labels == ["animals", "plants", "things"]
    assert display.ax_[0].get_yticks().tolist() == [0.5, 2, 3]
    ends = [line.get_ydata()[0] for line in display.ax_[0].get_lines()[::2]]
    assert ends == [1.5, 2.5]
    display.figure_.canvas.draw()


def test_many_classes_go_unnamed():
    names = np.arange(40)
    codes = np.random.default_rng(0).integers(0, 2, size=(40, 8))
    display = ClassDistanceDisplay.from_predictions(
        codes, names, similarity=lambda a, b: 1 / (1 + abs(np.subtract.outer(a, b)))
    )
    assert display.ax_[0].get_yticks().size == 0
    assert "similar ones together" in display.ax_[0].get_xlabel()


def test_scatter_has_every_pair_once_and_their_medians():
    display = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, kind="scatter"
    )
    points = sorted(map(tuple, np.round(display.scatter_.get_offsets(), 9)))
    third = round(1 / 3, 9), round(2 / 3, 9)
    assert points == [
        (third[0], 0.5),
        (third[1], 1.5),
        (third[1], 2.0),
        (1.0, 2.0),
        (1.0, 3.5),
        (1.0, 4.0),
    ]
    np.testing.assert_allclose(display.line_.get_ydata(), [0.5, 1.75, 3.5])
    np.testing.assert_allclose(display.line_.get_xdata(), [1 / 3, 2 / 3, 1])
    assert display.images_ is None
    assert display.colorbars_ is None


def test_medians_of_many_values_are_taken_in_equal_parts():
    x = np.random.default_rng(0).permutation(24).astype(float)
    middles, values = _medians(x, 2 * x)
    np.testing.assert_array_equal(middles, np.arange(0.5, 24, 2))
    np.testing.assert_array_equal(values, 2 * middles)


def test_targets_without_an_order_of_classes_are_refused():
    with pytest.raises(ValueError, match="equally similar"):
        ClassDistanceDisplay.from_predictions(CODES, LABELS, similarity=LabelSimilarity())
    with pytest.raises(ValueError, match="kind must be one of 'matrices', 'scatter'"):
        ClassDistanceDisplay.from_predictions(CODES, LABELS, similarity=SIMILARITY, kind="pie")


def test_bit_statistics_draw_what_the_metrics_return():
    codes = np.random.default_rng(3).integers(0, 2, size=(50, 7))
    codes[:, 2] = 1
    display = BitStatisticsDisplay.from_predictions(codes, name="mine")
    tops = [bar.get_y() + bar.get_height() for bar in display.bars_]
    np.testing.assert_allclose(tops, bit_balance(codes))
    assert tops[2] == 1
    np.testing.assert_array_equal(display.image_.get_array(), bit_correlation(codes))
    assert display.image_.get_clim() == (-1, 1)
    pairs = bit_correlation(codes)[~np.eye(7, dtype=bool)]
    assert display.ax_[1].get_title() == f"mine: mean |correlation| {np.abs(pairs).mean():.3f}"
    imbalance = np.abs(codes.mean(axis=0) - 0.5).mean()
    assert display.ax_[0].get_title() == f"mine: mean imbalance {imbalance:.3f}"
    display.figure_.canvas.draw()


def test_a_single_bit_has_no_correlation():
    display = BitStatisticsDisplay.from_predictions([[0], [1], [1]])
    assert display.ax_[1].get_title() == "one bit"


def test_from_estimator_is_from_predictions_of_its_codes():
    X = np.random.default_rng(0).normal(size=(8, 5))
    pipeline = make_pipeline(StandardScaler(), RandomProjectionHasher(9, random_state=0)).fit(X)
    codes = pipeline.transform(X)
    a = BitStatisticsDisplay.from_estimator(pipeline, X)
    b = BitStatisticsDisplay.from_predictions(codes)
    np.testing.assert_array_equal(a.balance, b.balance)
    np.testing.assert_array_equal(a.image_.get_array(), b.image_.get_array())
    a = ClassDistanceDisplay.from_estimator(pipeline, X, LABELS, similarity=SIMILARITY)
    b = ClassDistanceDisplay.from_predictions(codes, LABELS, similarity=SIMILARITY)
    np.testing.assert_array_equal(a.classes, b.classes)
    for one, other in zip(a.images_, b.images_, strict=True):
        np.testing.assert_array_equal(one.get_array(), other.get_array())
    assert a.name == "Pipeline"
    assert b.name is None


def test_displays_draw_on_axes_that_they_are_given():
    figure, axes = plt.subplots(2, 2)
    classes = ClassDistanceDisplay.from_predictions(
        CODES, LABELS, similarity=SIMILARITY, ax=axes[0], image_kwargs={"cmap": "magma"}
    )
    bits = BitStatisticsDisplay.from_predictions(
        CODES, ax=list(axes[1]), bar_kwargs={"fc": "black"}
    )
    assert classes.figure_ is bits.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert [*classes.ax_, *bits.ax_] == [*axes.ravel()]
    assert classes.images_[0].get_cmap().name == "magma"
    assert bits.bars_[0].get_facecolor() == (0, 0, 0, 1)


@pytest.mark.parametrize("display", [ClassDistanceDisplay, BitStatisticsDisplay])
def test_one_axes_for_two_matrices_is_refused(display):
    arguments = (CODES, LABELS) if display is ClassDistanceDisplay else (CODES,)
    options = {"similarity": SIMILARITY} if display is ClassDistanceDisplay else {}
    with pytest.raises(ValueError, match="ax must hold two matplotlib Axes, got 1"):
        display.from_predictions(*arguments, ax=plt.subplots()[1], **options)


def test_rc_params_stay():
    before = dict(plt.rcParams)
    ClassDistanceDisplay.from_predictions(CODES, LABELS, similarity=SIMILARITY)
    BitStatisticsDisplay.from_predictions(CODES)
    assert dict(plt.rcParams) == before

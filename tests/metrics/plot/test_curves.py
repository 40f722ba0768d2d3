"""Displays of curves: hierarchical precision over k, precision against recall over radii."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import RandomProjectionHasher
from skhash.metrics import (
    HierarchicalPrecisionDisplay,
    PrecisionRecallAtKDisplay,
    PrecisionRecallRadiusDisplay,
    hierarchical_precision_score,
    precision_at_k_score,
    precision_recall_curve,
    recall_at_k_score,
)
from skhash.similarity import PrecomputedSimilarity

plt = pytest.importorskip("matplotlib.pyplot")

SIMILARITY = PrecomputedSimilarity(
    [[1, 0.6, 0.1], [0.6, 1, 0.2], [0.1, 0.2, 1]], ["cat", "dog", "tree"]
)
DISPLAYS = [
    (HierarchicalPrecisionDisplay, {"similarity": SIMILARITY}),
    (PrecisionRecallRadiusDisplay, {}),
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def samples():
    generator = np.random.default_rng(0)
    labels = np.repeat(["cat", "dog", "tree"], 20)
    centres = {"cat": 0.0, "dog": 1.0, "tree": 4.0}
    X = np.array([centres[label] for label in labels])[:, None] + generator.normal(size=(60, 5))
    return X, labels


@pytest.fixture(scope="module")
def codes(samples):
    return RandomProjectionHasher(6, random_state=0).fit_transform(samples[0])


def band_edges(band):
    """Lower and upper edge of a filled band, by x."""
    points = band.get_paths()[0].vertices
    xs = np.unique(points[:, 0])
    lower, upper = (
        np.array([choose(points[points[:, 0] == x, 1]) for x in xs]) for choose in (min, max)
    )
    return xs, lower, upper


def test_hierarchical_precision_draws_what_the_metric_returns(codes, samples):
    labels, ks = samples[1], [1, 2, 5, 30, 59]
    options = {"similarity": SIMILARITY, "exclude_self": True}
    display = HierarchicalPrecisionDisplay.from_predictions(codes, labels, k=ks, **options)
    expected = {
        ties: hierarchical_precision_score(codes, labels, k=ks, ties=ties, **options)
        for ties in ("expected", "pessimistic", "optimistic")
    }
    np.testing.assert_array_equal(display.line_.get_xdata(), ks)
    np.testing.assert_array_equal(display.line_.get_ydata(), expected["expected"])
    xs, lower, upper = band_edges(display.band_)
    np.testing.assert_array_equal(xs, ks)
    np.testing.assert_array_equal(lower, expected["pessimistic"])
    np.testing.assert_array_equal(upper, expected["optimistic"])
    # six bits tie, so the bounds are apart; the whole database leaves nothing to order
    assert np.all(upper[:-1] > lower[:-1] + 0.01)
    assert lower[-1] == pytest.approx(1)
    assert upper[-1] == pytest.approx(1)


def test_hierarchical_precision_searches_a_database(codes, samples):
    labels = samples[1]
    display = HierarchicalPrecisionDisplay.from_predictions(
        codes[:10], labels[:10], codes[10:], labels[10:], similarity=SIMILARITY, k=[3, 50]
    )
    expected = hierarchical_precision_score(
        codes[:10], labels[:10], codes[10:], labels[10:], similarity=SIMILARITY, k=[3, 50]
    )
    np.testing.assert_array_equal(display.precision, expected)


@pytest.mark.parametrize(
    ("exclude_self", "database", "largest"), [(True, False, 59), (False, True, 60)]
)
def test_default_cutoffs_reach_the_end_of_the_database(
    codes, samples, exclude_self, database, largest
):
    items = (codes, samples[1]) if database else ()
    display = HierarchicalPrecisionDisplay.from_predictions(
        codes, samples[1], *items, similarity=SIMILARITY, exclude_self=exclude_self
    )
    assert display.k[0] == 1
    assert display.k[-1] == largest
    assert np.all(np.diff(display.k) >= 1)


def test_an_integer_k_is_the_last_cutoff(codes, samples):
    display = HierarchicalPrecisionDisplay.from_predictions(
        codes, samples[1], similarity=SIMILARITY, exclude_self=True, k=7, bounds=False
    )
    assert display.k.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert display.band_ is None
    assert display.optimistic is None


@pytest.mark.parametrize("k", [0, 2.5, True, "all", [1, 60]])
def test_cutoffs_that_cannot_be_are_refused(codes, samples, k):
    with pytest.raises(ValueError, match="k"):
        HierarchicalPrecisionDisplay.from_predictions(
            codes, samples[1], similarity=SIMILARITY, exclude_self=True, k=k
        )


@pytest.mark.parametrize(("scale", "chosen"), [("log", "log"), ("linear", "linear")])
def test_scale_of_cutoffs(codes, samples, scale, chosen):
    display = HierarchicalPrecisionDisplay.from_predictions(
        codes, samples[1], similarity=SIMILARITY, exclude_self=True, k=5, xscale=scale
    )
    assert display.ax_.get_xscale() == chosen
    with pytest.raises(ValueError, match="xscale must be one of 'log', 'linear'"):
        display.plot(xscale="cubic")


def test_queries_without_relevance_warn_once(codes, samples):
    similarity = PrecomputedSimilarity(np.diag([1, 1, 1.0]), ["cat", "dog", "tree"])
    database = samples[1] != "tree"
    with pytest.warns(UserWarning, match="nothing relevant") as record:
        HierarchicalPrecisionDisplay.from_predictions(
            codes, samples[1], codes[database], samples[1][database], similarity=similarity, k=4
        )
    assert len(record) == 1


def test_precision_recall_draws_what_the_metric_returns(codes, samples):
    options = {"exclude_self": True, "average": "micro"}
    display = PrecisionRecallRadiusDisplay.from_predictions(codes, samples[1], **options)
    precision, recall, radius = precision_recall_curve(codes, samples[1], **options)
    np.testing.assert_array_equal(display.line_.get_xdata(), recall)
    np.testing.assert_array_equal(display.line_.get_ydata(), precision)
    np.testing.assert_array_equal(display.radius, radius)
    # within the largest radius lies everything: 19 of 59 are of the class of the query
    assert display.line_.get_xdata()[-1] == 1
    assert display.line_.get_ydata()[-1] == pytest.approx(19 / 59)


def test_radii_stand_at_their_points(codes, samples):
    display = PrecisionRecallRadiusDisplay.from_predictions(
        codes, samples[1], exclude_self=True, label_radii=[1, 4]
    )
    assert [text.get_text() for text in display.texts_] == ["r = 1", "r = 4"]
    for text, radius in zip(display.texts_, (1, 4), strict=True):
        assert text.xy == (display.recall[radius], display.precision[radius])
    assert 1 <= len(display.plot().texts_) <= 5
    assert display.plot(label_radii=False).texts_ == []


@pytest.mark.parametrize(("display", "options"), DISPLAYS)
def test_from_estimator_is_from_predictions_of_its_codes(samples, display, options):
    X, y = samples
    pipeline = make_pipeline(StandardScaler(), RandomProjectionHasher(8, random_state=1)).fit(X)
    a = display.from_estimator(pipeline, X, y, exclude_self=True, **options)
    b = display.from_predictions(pipeline.transform(X), y, exclude_self=True, **options)
    np.testing.assert_array_equal(a.line_.get_xydata(), b.line_.get_xydata())
    assert a.name == "Pipeline"
    assert b.name is None
    a = display.from_estimator(pipeline, X[:9], y[:9], X[9:], y[9:], name="mine", **options)
    codes = pipeline.transform(X)
    b = display.from_predictions(codes[:9], y[:9], codes[9:], y[9:], **options)
    np.testing.assert_array_equal(a.line_.get_xydata(), b.line_.get_xydata())
    assert a.name == "mine"


@pytest.mark.parametrize(("display", "options"), DISPLAYS)
def test_several_on_the_same_axes(codes, samples, display, options):
    options = {**options, "exclude_self": True}
    first = display.from_predictions(codes, samples[1], name="six", **options)
    second = display.from_predictions(
        codes[:, :3], samples[1], name="three", ax=first.ax_, **options
    )
    assert second.ax_ is first.ax_
    assert second.figure_ is first.figure_
    assert len(plt.get_fignums()) == 1
    assert first.line_.get_color() != second.line_.get_color()
    names = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert names[:2] == ["six", "three"]
    if display is HierarchicalPrecisionDisplay:
        assert names[2:] == ["best and worst order of ties"]
        assert tuple(second.band_.get_facecolor()[0, :3]) == pytest.approx(
            plt.matplotlib.colors.to_rgb(second.line_.get_color())
        )
    first.figure_.canvas.draw()


@pytest.mark.parametrize(("display", "options"), DISPLAYS)
def test_style_is_the_users_and_rc_params_stay(codes, samples, display, options):
    before = dict(plt.rcParams)
    shown = display.from_predictions(
        codes, samples[1], exclude_self=True, line_kwargs={"c": "black", "lw": 7}, **options
    )
    assert shown.line_.get_color() == "black"
    assert shown.line_.get_linewidth() == 7
    assert shown.plot(name="again").line_.get_label() == "again"
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize(("display", "options"), DISPLAYS)
def test_axes_that_are_none_are_refused(codes, samples, display, options):
    with pytest.raises(ValueError, match="ax must be one matplotlib Axes, got ndarray"):
        display.from_predictions(
            codes, samples[1], exclude_self=True, ax=plt.subplots(1, 2)[1], **options
        )


@pytest.mark.parametrize(("display", "options"), DISPLAYS)
def test_queries_among_themselves_must_be_said(codes, samples, display, options):
    with pytest.raises(ValueError, match="exclude_self=True"):
        display.from_predictions(codes, samples[1], **options)


def test_precision_and_recall_at_k_draw_what_the_metrics_return(codes, samples):
    labels, ks = samples[1], [1, 2, 5, 30, 59]
    display = PrecisionRecallAtKDisplay.from_predictions(codes, labels, k=ks, exclude_self=True)
    metrics = (precision_at_k_score, recall_at_k_score)
    for metric, line, band in zip(metrics, display.lines_, display.bands_, strict=True):
        low, expected, high = (
            metric(codes, labels, k=ks, exclude_self=True, ties=ties)
            for ties in ("pessimistic", "expected", "optimistic")
        )
        np.testing.assert_array_equal(line.get_xdata(), ks)
        np.testing.assert_array_equal(line.get_ydata(), expected)
        xs, lower, upper = band_edges(band)
        np.testing.assert_array_equal(xs, ks)
        np.testing.assert_array_equal(lower, low)
        np.testing.assert_array_equal(upper, high)
        assert np.all(upper[:-1] > lower[:-1])
    # the last of them is the whole database: 19 of 59 are of the class of the query
    assert display.precision["expected"][-1] == pytest.approx(19 / 59)
    assert display.recall["expected"][-1] == pytest.approx(1)


def test_precision_and_recall_at_k_of_an_estimator_on_given_axes(samples):
    X, y = samples
    hasher = RandomProjectionHasher(5, random_state=0).fit(X)
    options = {"k": 7, "bounds": False, "exclude_self": True}
    first = PrecisionRecallAtKDisplay.from_estimator(hasher, X, y, **options)
    assert first.k.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert first.bands_ == [None, None]
    second = PrecisionRecallAtKDisplay.from_predictions(
        hasher.transform(X), y, name="again", ax=first.ax_, **options
    )
    assert second.figure_ is first.figure_
    for ax, line in zip(first.ax_, second.lines_, strict=True):
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert names == ["RandomProjectionHasher", "again"]
        np.testing.assert_array_equal(line.get_ydata(), ax.get_lines()[0].get_ydata())
    first.figure_.canvas.draw()
    with pytest.raises(ValueError, match="xscale must be one of"):
        first.plot(xscale="cubic")


def test_precision_and_recall_at_k_warn_once(codes, samples):
    database = samples[1] != "tree"
    with pytest.warns(UserWarning, match="nothing relevant") as record:
        PrecisionRecallAtKDisplay.from_predictions(
            codes, samples[1], codes[database], samples[1][database], k=4
        )
    assert len(record) == 1

"""Intervals of reports, drawn."""

import numpy as np
import pytest

from skhash.metrics import RetrievalReport, ScoreIntervalDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def reports():
    rng = np.random.default_rng(0)
    values = rng.random(200)
    return {
        "good": RetrievalReport({"map": values, "only here": values}, {}),
        "close": RetrievalReport({"map": values - 0.02 * rng.random(200)}, {}),
        "bad": RetrievalReport({"map": values**3}, {}),
    }


def drawn_intervals(display):
    (segments,) = (bars.get_segments() for bars in display.errorbar_.lines[2])
    return np.array([segment[:, 0] for segment in segments])


def test_scores_with_intervals(reports):
    display = ScoreIntervalDisplay.from_reports(reports, score="map", random_state=0)
    np.testing.assert_array_equal(
        display.errorbar_.lines[0].get_xdata(), [report["map"] for report in reports.values()]
    )
    expected = [report.confidence_interval("map", random_state=0) for report in reports.values()]
    np.testing.assert_allclose(drawn_intervals(display), expected, atol=1e-12)
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["good", "close", "bad"]
    # the first is on top
    bottom, top = display.ax_.get_ylim()
    assert bottom > top
    assert display.line_ is None
    assert display.ax_.get_xlabel() == "map"


def test_differences_to_a_reference(reports):
    display = ScoreIntervalDisplay.from_reports(
        reports, score="map", reference="good", confidence_level=0.9, random_state=0
    )
    assert display.names == ["close", "bad"]
    for place, name in enumerate(display.names):
        table = reports[name].compare(reports["good"], 0.9, 0, scores=["map"])
        assert display.values[place] == table["difference"][0] < 0
        np.testing.assert_allclose(
            drawn_intervals(display)[place], [table["low"][0], table["high"][0]], atol=1e-12
        )
    assert display.line_.get_xdata()[0] == 0
    assert display.ax_.get_xlabel() == "map, difference to good"


def test_on_given_axes_in_a_given_style(reports):
    ax = plt.figure().subplots()
    display = ScoreIntervalDisplay.from_reports(
        reports, score="map", ax=ax, errorbar_kwargs={"c": "red"}, random_state=0
    )
    assert display.ax_ is ax
    assert display.errorbar_.lines[0].get_color() == "red"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reports": {}, "score": "map"}, "reports must be a dict of reports by name, got {}"),
        ({"score": "mAP"}, "name must be one of 'map', 'only here', got 'mAP'"),
        ({"score": "map", "reference": "best"}, "reference must be one of .*, got 'best'"),
        ({"score": "only here"}, "name must be one of 'map', got 'only here'"),
        (
            {"score": "only here", "reference": "bad"},
            "name must be one of 'map', got 'only here'",
        ),
    ],
)
def test_bad_arguments(reports, options, message):
    with pytest.raises(ValueError, match=message):
        ScoreIntervalDisplay.from_reports(**({"reports": reports} | options))

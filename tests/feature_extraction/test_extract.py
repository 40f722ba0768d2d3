"""Order, bounds and errors of work done ahead."""

import threading
import time

import pytest

from skhash.feature_extraction._extract import prefetch


def test_order_is_kept_though_the_first_takes_longest():
    def work(item):
        time.sleep(0.02 if item == 0 else 0)
        return item

    assert list(prefetch(work, range(20), n_threads=4)) == list(range(20))


@pytest.mark.parametrize("n_threads", [1, 3])
def test_no_further_ahead_than_two_a_thread(n_threads):
    started = []
    results = prefetch(lambda item: started.append(item), range(100), n_threads)
    for taken in range(1, 6):
        next(results)
        time.sleep(0.02)
        assert len(started) <= taken + 2 * n_threads
    results.close()
    assert len(started) < 100


def test_an_error_arrives_in_its_place_and_ends_the_work():
    def work(item):
        if item == 3:
            raise KeyError("three")
        return item

    results = prefetch(work, range(1000), n_threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three"):
        next(results)
    assert not [t for t in threading.enumerate() if t.name.startswith("skhash-images")]

"""Near-duplicates against the comparison of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from skhash import ITQHasher
from skhash.datasets import load_captions
from skhash.neighbors import PackedCodes, _duplicates, find_duplicates, pack_codes

WAYS = ("tables", "comparison", "chosen")


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """How pairs are found; the result must not depend on it."""
    if request.param == "tables":
        monkeypatch.setattr(_duplicates, "_COMPARISON_COST", 1e9)
    elif request.param == "comparison":
        monkeypatch.setattr(_duplicates, "_COMPARISON_COST", 0)
    return request.param


def by_all_pairs(codes, radius):
    distances = cdist(codes, codes, "cityblock").astype(int)
    near = np.triu(distances <= radius, 1)
    labels = connected_components(near, directed=False)[1]
    # numbered by first rows
    first = {label: number for number, label in enumerate(dict.fromkeys(labels.tolist()))}
    return np.argwhere(near), distances[near], [first[label] for label in labels.tolist()]


def draw(n_codes, n_bits, seed):
    """Codes in clusters, with equal ones among them, in no order."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(2, size=(max(2, n_codes // 8), n_bits))
    codes = centres[rng.integers(len(centres), size=n_codes)]
    return (codes ^ (rng.random(codes.shape) < rng.choice([0, 0.05], (n_codes, 1)))).astype(int)


@pytest.mark.parametrize("n_bits", [1, 3, 13, 64, 65, 130])
@pytest.mark.parametrize("radius", [0, 1, 3, 9, 200])
@pytest.mark.parametrize("n_codes", [1, 70])
def test_all_pairs_are_found_once(way, n_codes, n_bits, radius, monkeypatch):
    # blocks end within runs, and links are joined in between
    monkeypatch.setattr(_duplicates, "_BLOCK_PAIRS", 7)
    monkeypatch.setattr(_duplicates, "_MIN_QUERIES", 1)
    monkeypatch.setattr(_duplicates, "_MAX_LINKS", 5)
    codes = draw(n_codes, n_bits, seed=n_bits + radius)
    pairs, distances, groups = by_all_pairs(codes, radius)
    found = find_duplicates(codes, radius)
    np.testing.assert_array_equal(found.pairs, pairs.reshape(-1, 2))
    np.testing.assert_array_equal(found.distances, distances)
    np.testing.assert_array_equal(found.groups, groups)
    packed = find_duplicates(pack_codes(codes, return_n_bits=True), radius, return_pairs=False)
    np.testing.assert_array_equal(packed.groups, groups)
    assert packed.pairs is packed.distances is None


@pytest.mark.parametrize("n_equal", [1, 2, 3, 4, 5])
def test_any_number_of_equal_parts_finds_all(n_equal, monkeypatch):
    codes = draw(200, 24, seed=1)
    pairs = by_all_pairs(codes, 3)[0]
    # tables cost nothing but where they have another number of parts
    real = _duplicates._n_suggested
    calls = []

    def suggested(keys):
        calls.append(real(keys))
        return -1e15 if len(calls) == n_equal else 1e15

    monkeypatch.setattr(_duplicates, "_n_suggested", suggested)
    monkeypatch.setattr(_duplicates, "_COMPARISON_COST", 1e9)
    np.testing.assert_array_equal(find_duplicates(codes, 3).pairs, pairs)
    assert len(calls) == n_equal


def test_keys_that_collide_bring_no_wrong_pair(monkeypatch):
    codes = draw(150, 100, seed=2)
    pairs = by_all_pairs(codes, 4)[0]
    monkeypatch.setattr(_duplicates, "_COMPARISON_COST", 1e9)
    real = _duplicates._Keys.of
    monkeypatch.setattr(
        _duplicates._Keys, "of", lambda self, parts, n_parts: real(self, parts, n_parts) % 3
    )
    np.testing.assert_array_equal(find_duplicates(codes, 4).pairs, pairs)


def test_captions_with_and_without_what_is_near():
    captions = load_captions()
    vectors = captions.target[:1500]
    codes = ITQHasher(64, random_state=0).fit_transform(vectors)
    found = find_duplicates(codes, 6)
    pairs, _, groups = by_all_pairs(codes, 6)
    np.testing.assert_array_equal(found.pairs, pairs)
    np.testing.assert_array_equal(found.groups, groups)
    cosines = np.einsum("ij,ij->i", *vectors[found.pairs.T])
    assert cosines.mean() > 0.8
    # of what is kept, nothing is near
    kept = np.unique(found.groups, return_index=True)[1]
    assert 0 < len(codes) - len(kept) < len(codes) / 2
    assert len(find_duplicates(codes[kept], 6).pairs) == 0


@pytest.mark.parametrize(
    ("codes", "radius", "message"),
    [
        ([[0, 1]], -1, "radius must be a number of bits, at least 0, got -1"),
        ([[0, 1]], "1", "radius must be a number of bits, at least 0, got '1'"),
        ([[0, 1]], float("nan"), "radius must be a number of bits"),
        ([[0, 1]], True, "radius must be a number of bits, at least 0, got True"),
        ([[0, 1, 0, 1]], 0.25, "share of the 4 bits: that is 1.0 bits"),
        ([[0, 2]], 1, "codes must hold only 0 and 1, got 2"),
        ([], 1, "codes must have shape"),
        (PackedCodes(np.empty((0, 1), np.uint8), 8), 1, "codes is empty"),
    ],
)
def test_errors(codes, radius, message):
    with pytest.raises(ValueError, match=message):
        find_duplicates(codes, radius)

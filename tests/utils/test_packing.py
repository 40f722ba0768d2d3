"""Packing of codes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from skhash.neighbors import PackedCodes, asymmetric_distances, pack_codes, unpack_codes
from skhash.utils._packing import _as_words


@given(st.integers(1, 200), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_round_trip_and_distances(n_bits, n_samples, seed):
    codes = np.random.default_rng(seed).integers(0, 2, (n_samples, n_bits), dtype=np.uint8)
    packed = pack_codes(codes)
    assert packed.shape == (n_samples, -(-n_bits // 8))
    np.testing.assert_array_equal(unpack_codes(packed, n_bits), codes)

    words = _as_words(codes)
    differing = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2, dtype=int)
    np.testing.assert_array_equal(differing, (codes[:, None] != codes[None]).sum(axis=2))


@given(st.integers(1, 200), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_bytes_are_filled_up_with_zeros_that_no_distance_notices(n_bits, n_samples, seed):
    codes = np.random.default_rng(seed).integers(0, 2, (n_samples, n_bits), dtype=np.uint8)
    packed = pack_codes(codes)
    # each byte read as a number in base 2, most significant bit first
    spare = -n_bits % 8
    filled = np.pad(codes, ((0, 0), (0, spare))).reshape(n_samples, -1, 8)
    np.testing.assert_array_equal(packed, filled @ 2 ** np.arange(8)[::-1])
    differing = np.bitwise_count(packed[:, None] ^ packed[None]).sum(axis=2, dtype=int)
    np.testing.assert_array_equal(differing, (codes[:, None] != codes[None]).sum(axis=2))


@given(st.integers(1, 200), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_number_of_bits_travels_with_the_bytes(n_bits, n_samples, seed):
    codes = np.random.default_rng(seed).integers(0, 2, (n_samples, n_bits), dtype=np.uint8)
    packed = pack_codes(codes, return_n_bits=True)
    assert packed.n_bits == n_bits
    np.testing.assert_array_equal(packed.data, pack_codes(codes))
    for same in (packed, pickle.loads(pickle.dumps(packed)), PackedCodes(packed.data, n_bits)):
        np.testing.assert_array_equal(unpack_codes(same), codes)
        np.testing.assert_array_equal(unpack_codes(same, n_bits), codes)
    values = codes[:2] - 0.4
    expected = asymmetric_distances(values, codes)
    np.testing.assert_array_equal(asymmetric_distances(values, packed), expected)


@pytest.mark.parametrize(
    "rows", [slice(2, 5), slice(None, None, -2), [6, 0, 6], np.arange(7) % 3 == 0, slice(0, 0)]
)
def test_packed_codes_are_a_table_of_bits(rows):
    codes = np.random.default_rng(0).integers(0, 2, (7, 11), dtype=np.uint8)
    packed = pack_codes(codes, return_n_bits=True)
    assert packed.shape == np.shape(packed) == codes.shape
    assert len(packed) == 7
    np.testing.assert_array_equal(packed, codes)
    taken = packed[rows]
    assert isinstance(taken, PackedCodes)
    assert taken.shape == codes[rows].shape
    np.testing.assert_array_equal(unpack_codes(taken), codes[rows])
    assert np.asarray(packed, dtype=np.float32).dtype == np.float32


def test_packed_codes_can_be_split():
    codes = np.random.default_rng(0).integers(0, 2, (20, 11), dtype=np.uint8)
    labels = np.arange(20)
    packed = pack_codes(codes, return_n_bits=True)
    train, _, y_train, _ = train_test_split(packed, labels, random_state=0)
    np.testing.assert_array_equal(unpack_codes(train), codes[y_train])


def test_packed_codes_refuse_what_they_cannot_be():
    data = np.zeros((3, 2), np.uint8)
    with pytest.raises(ValueError, match=r"data must be uint8 of shape \(n_samples, 1\)"):
        PackedCodes(data, 8)
    with pytest.raises(ValueError, match="data must be uint8"):
        PackedCodes(data.astype(int), 16)
    packed = PackedCodes(data, 16)
    for rows in (1, (slice(None), 0)):
        with pytest.raises(IndexError, match="rows must be a slice"):
            packed[rows]
    with pytest.raises(TypeError, match="not iterable"):
        list(packed)
    with pytest.raises(AttributeError):
        packed.n_bits = 15


def test_packed_codes_keep_a_memory_map(tmp_path):
    np.save(tmp_path / "codes.npy", np.zeros((3, 2), np.uint8))
    packed = PackedCodes(np.load(tmp_path / "codes.npy", mmap_mode="r"), 16)
    assert isinstance(packed.data, np.memmap)
    assert isinstance(packed[1:].data, np.memmap)


def test_first_bit_is_the_highest():
    np.testing.assert_array_equal(pack_codes([[1] + 8 * [0] + [1]]), [[128, 64]])


def test_codes_of_any_type_and_layout():
    codes = np.random.default_rng(0).integers(0, 2, (6, 11))
    expected = pack_codes(codes)
    for same in (codes.tolist(), codes.astype(bool), codes.astype(np.float32)):
        np.testing.assert_array_equal(pack_codes(same), expected)
    np.testing.assert_array_equal(pack_codes(np.asfortranarray(codes)), expected)
    np.testing.assert_array_equal(pack_codes(codes[::-1])[::-1], expected)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([[0, 2]], "only 0 and 1, got 2"),
        ([[-1, 1]], "only 0 and 1, got -1"),
        ([[0.0, np.nan]], "only 0 and 1, got nan"),
        ([0, 1], r"shape \(n_samples, n_bits\)"),
        (np.zeros((0, 8)), "empty"),
        (np.zeros((3, 0)), "empty"),
        ([["0", "1"]], "dtype"),
    ],
)
def test_what_is_no_code_is_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        pack_codes(codes)


@pytest.mark.parametrize(
    ("packed", "n_bits"),
    [
        (np.zeros((3, 2), np.uint8), 17),
        (np.zeros((3, 2), np.uint8), 8),
        (np.zeros((3, 2)), 16),
        (np.zeros(2, np.uint8), 16),
    ],
)
def test_bytes_must_be_those_of_the_bits(packed, n_bits):
    with pytest.raises(ValueError, match=f"codes of {n_bits} bits"):
        unpack_codes(packed, n_bits)


def test_number_of_bits_must_be_known_and_right():
    data = np.zeros((3, 2), np.uint8)
    with pytest.raises(ValueError, match="does not tell the number of bits"):
        unpack_codes(data)
    with pytest.raises(ValueError, match="codes of 11 bits, but n_bits is 12"):
        unpack_codes(PackedCodes(data, 11), 12)
    with pytest.raises(ValueError, match="at least 1"):
        unpack_codes(data[:, :0], 0)
    with pytest.raises(ValueError, match="codes of 11 bits, but n_bits is 12"):
        asymmetric_distances(np.ones((1, 12)), PackedCodes(data, 11))


def test_packed_codes_are_rows_in_memory():
    codes = np.random.default_rng(0).integers(2, size=(20, 19), dtype=np.uint8)
    packed = pack_codes(np.asfortranarray(codes))
    assert packed.flags.c_contiguous
    np.testing.assert_array_equal(packed, pack_codes(codes))

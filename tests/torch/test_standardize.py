"""Standardisation: mean and scale of the training rows, as float64 has them."""

import numpy as np
import pytest
import torch
from scipy import sparse

from skhash._torch import data
from skhash._torch.data import Rows
from skhash._torch.networks import Standardize

CPU = torch.device("cpu")


@pytest.mark.filterwarnings("ignore:X varies by")  # what float32 holds of it is asked here
@pytest.mark.parametrize("mean", [0, 1000, -3e5])
@pytest.mark.parametrize("spread", [0.07, 1e20, 1e-23])
@pytest.mark.parametrize("source", ["resident", "streamed", "sparse"])
def test_statistics_are_those_of_the_rows(source, spread, mean, monkeypatch):
    monkeypatch.setattr(data, "_BLOCK_ELEMENTS", 200)  # many blocks, the last a smaller one
    random = np.random.default_rng(0)
    X = (random.normal(size=(107, 9)) * spread + mean).astype(np.float32)
    if source == "streamed":
        monkeypatch.setattr(data, "_resident_bytes", lambda device: 0)
    if source == "sparse":
        X = sparse.csr_array(X * (random.uniform(size=X.shape) < 0.3))
    part = Standardize(9)
    part.fit(Rows(X, CPU))
    X = (X.toarray() if source == "sparse" else X).astype(np.float64)
    np.testing.assert_allclose(part.mean.numpy(), X.mean(axis=0), rtol=1e-6)
    scale = np.sqrt(np.square(X - X.mean(axis=0)).mean())
    # rounded to float32, some of these rows do not vary
    np.testing.assert_allclose(part.scale.item(), scale if np.ptp(X) else 1, rtol=1e-6)

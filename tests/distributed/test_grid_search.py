"""A search over the workers of a cluster finds what a search in one process does."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import get_scorer
from skhash.similarity import TaxonomySimilarity


def test_grid_search(client):
    cifar = load_cifar100_features()
    rows = cifar.train_indices[:1500]
    X, y = cifar.data[rows], cifar.target_names[cifar.target[rows]]
    search = GridSearchCV(
        make_pipeline(StandardScaler(with_std=False), ITQHasher(random_state=0)),
        {"itqhasher__n_bits": [8, 32], "standardscaler__with_std": [False, True]},
        cv=StratifiedKFold(2),
        scoring=get_scorer(["map", "mahp@100"], similarity=TaxonomySimilarity("cifar100")),
        refit="mahp@100",
    )
    serial = search.fit(X, y).cv_results_
    with joblib.parallel_config(backend="dask"):
        search.fit(X, y)
    found = search.cv_results_
    # the cluster has done it
    assert "_fit_and_score" in str(client.run_on_scheduler(_kinds_of_tasks))
    assert found["params"] == serial["params"]
    scores = [name for name in serial if "_test_" in name]
    assert len(scores) == 10
    for name in scores:
        np.testing.assert_allclose(found[name], serial[name], rtol=1e-9, err_msg=name)
    assert search.best_params_["itqhasher__n_bits"] == 32


def _kinds_of_tasks(dask_scheduler):
    return list(dask_scheduler.task_prefixes)

"""Utterances to a home assistant with their sentence embeddings, small enough to ship."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import normalize
from sklearn.utils import Bunch

from skhash.similarity import Taxonomy

from ._resources import DATA_MODULE, data_file, read_description

_FILE = "intents.npz"


def load_intents(*, return_X_y=False):
    """Load utterances to a home assistant, with their intents and sentence embeddings.

    The set ships inside the package. Its rows are utterances drawn at random from HWU64, as many of
    every intent; ``vectors`` holds their embeddings by all-MiniLM-L6-v2, kept as 8-bit integers.
    The description in ``DESCR`` says how they were made, and the terms.

    =====================   ==============
    Classes (intents)                   64
    Scenarios                           18
    Samples per class                   36
    Samples total                    2,304
    Features                          text
    Dimensions of vectors              384
    =====================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these attributes.

        data : ndarray of shape (2304,), dtype str
            The utterances, all different.
        vectors : ndarray of shape (2304, 384), dtype float32
            The embedding of each, a unit vector.
        target : ndarray of shape (2304,), dtype int64
            Intent of each utterance, 0 to 63. ``target_names[target]`` gives names.
        target_names : ndarray of shape (64,), dtype str
            Names of the intents, in alphabetical order.
        scenario : ndarray of shape (2304,), dtype int64
            Scenario of each utterance, 0 to 17.
        scenario_names : ndarray of shape (18,), dtype str
            Names of the scenarios.
        taxonomy : Taxonomy
            The names of the intents below those of their scenarios.
        train_indices : ndarray of shape (1728,), dtype int64
            Rows to train on and to search in, 27 of each intent, ascending.
        query_indices : ndarray of shape (576,), dtype int64
            Rows to query with, 9 of each intent, ascending.
        DESCR : str
            Origin, making and terms of the data.
        filename, data_module : str
            Name of the data file, and of the module where it lies.

    (data, target) : tuple if `return_X_y` is True
        The two entries described above.

    References
    ----------
    X. Liu, A. Eshghi, P. Swietojanski & V. Rieser (2019). Benchmarking Natural Language
    Understanding Services for building Conversational Agents. IWSDS. arXiv:1903.05566.

    Examples
    --------
    >>> from skhash.datasets import load_intents
    >>> intents = load_intents()
    >>> print(intents.data[0], "|", intents.target_names[intents.target[0]])
    alarm status | alarm_query
    >>> intents.taxonomy.lcs("alarm_query", "alarm_set")
    'alarm'
    """
    with data_file(_FILE).open("rb") as file, np.load(file, allow_pickle=False) as pack:
        arrays = dict(pack)
    data = np.array(arrays["text"].tobytes().decode("utf-8").split("\n"))
    target = arrays["intent"].astype(np.int64)
    if return_X_y:
        return data, target
    names, scenario_names = arrays["intent_names"], arrays["scenario_names"]
    paths = zip(scenario_names[arrays["intent_scenario"]].tolist(), names.tolist())
    query_indices = arrays["query_indices"].astype(np.int64)
    return Bunch(
        data=data,
        vectors=normalize(arrays["vectors"] * arrays["scale"]),
        target=target,
        target_names=names,
        scenario=arrays["intent_scenario"].astype(np.int64)[target],
        scenario_names=scenario_names,
        taxonomy=Taxonomy.from_paths(paths),
        train_indices=np.setdiff1d(np.arange(len(data)), query_indices, assume_unique=True),
        query_indices=query_indices,
        DESCR=read_description("intents.rst"),
        filename=_FILE,
        data_module=DATA_MODULE,
    )

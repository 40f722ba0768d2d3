"""Nearest neighbours by Hamming distance, with scikit-learn's interface."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skhash.neighbors import _index, _store
from skhash.neighbors._exact import faiss_threads, has_faiss
from skhash.neighbors._graphs import NeighborGraphs
from skhash.neighbors._ids import check_ids, check_new_ids, rows_of
from skhash.neighbors._inputs import packed_codes
from skhash.neighbors._rerank import check_vectors
from skhash.neighbors._row_search import RowSearch
from skhash.neighbors._searcher import Searcher
from skhash.utils._locks import changing, reading
from skhash.utils._whole_fit import WholeFit

# up to this many codes, and for codes this short, "auto" looks at all of them
_MAX_BRUTE_CODES = 2**20
_MAX_BRUTE_BITS = 32


class HammingNeighbors(WholeFit, NeighborGraphs, RowSearch, BaseEstimator):
    """Nearest neighbours of binary codes by Hamming distance.

    The neighbour interface of scikit-learn (``kneighbors``, ``radius_neighbors``,
    ``kneighbors_graph``) over the binary indexes of faiss. Rows can be added and removed, and go
    by ids of the caller's choosing. It is a transformer too: ``transform`` gives the sparse graph
    that estimators with ``metric="precomputed"`` take.

    Distances are numbers of differing bits. (Those of scikit-learn's ``metric="hamming"`` are
    fractions of them.) What is equally far comes in the order in which it was added; of what is
    equally far as the last neighbour, "brute" keeps the first, and an index any.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours of a query, unless a method is told otherwise.
    radius : int, default=2
        Distance, in bits, up to which `radius_neighbors` goes.
    algorithm : {"auto", "brute", "ivf", "hnsw", "multihash"}, default="auto"
        How to search:

        - "brute" compares all codes, and is exact. It searches as ``IndexBinaryFlat`` of faiss
          does, without a copy of the codes; without faiss by numpy, slower, with the same results.
        - "ivf" compares the codes of the ``n_probe`` nearest of ``n_lists`` clusters.
        - "hnsw" walks a graph of neighbours (M, ef_construction, ef_search). Its time grows
          least with the number of codes; by far the slowest to fit.
        - "multihash" looks into ``n_hashes`` tables, each of ``bits_per_hash`` bits of the codes,
          for the buckets up to ``n_flips`` bits away. Made for small radii.
        - "auto" takes "brute" for up to 1,048,576 codes, for codes of up to 32 bits and where
          faiss is missing, else "ivf".

        All but "brute" are approximate and need faiss. They hold the codes twice. A query for
        which they find fewer rows than requested is searched exactly.
    n_bits : int, default=None
        Number of bits of a code. Needed only to fit packed codes that do not come as a
        `~skhash.neighbors.PackedCodes`.
    binarize : float, default=None
        Threshold above which a value is a bit of 1, as in
        `~sklearn.naive_bayes.BernoulliNB`. None takes codes of 0 and 1, and nothing else.
    n_lists : int, default=None
        Number of clusters of "ivf"; None takes the square root of the number of codes fitted.
    n_probe : int, default=None
        Number of clusters that a query looks into; None takes an eighth of them.
    M : int, default=16
        Number of links of a code in the graph of "hnsw", at most 1024.
    ef_construction : int, default=100
        Number of candidates when a code is linked.
    ef_search : int, default=128
        Number of candidates when a query walks the graph.
    n_hashes : int, default=4
        Number of tables of "multihash".
    bits_per_hash : int, default=None
        Bits that a table goes by; None takes the logarithm of the number of codes to base 2, and
        no more than ``n_bits // n_hashes``.
    n_flips : int, default=1
        Number of bits that may differ in a table, at most 5. A search by radius misses nothing if
        it is at least ``radius // n_hashes``.
    vector_metric : {"euclidean", "cosine"}, default="euclidean"
        Distance by which candidates are re-ranked, where real vectors are stored (see `fit`).
    n_jobs : int, default=None
        Number of threads of faiss, for the calls of this estimator only, and no more than there
        are processors; -1 means all of them. None leaves faiss as it is set, by default to all
        processors.
    random_state : int, RandomState instance or None, default=None
        Draws the first centres of the clusters of "ivf".

    Attributes
    ----------
    algorithm_ : str
        The algorithm that "auto" stands for.
    n_bits_ : int
        Number of bits of a code.
    ids_ : ndarray of shape (n_samples_fit_,)
        Id of each row, int64 or strings.
    n_samples_fit_ : int
        Number of rows, with those added and without those removed.
    n_features_in_ : int
        The same as `n_bits_`.
    feature_names_in_ : ndarray of shape (n_bits_,)
        Names of the columns of X, where it had names.

    See Also
    --------
    HashRetriever : A hasher and this in one estimator.
    asymmetric_rerank : What `rerank` sorts by.

    Notes
    -----
    ``n_probe``, ``ef_search``, ``n_flips``, ``n_neighbors``, ``radius``, ``vector_metric`` and
    ``n_jobs`` may be changed after ``fit`` by ``set_params``.

    `skhash.save` keeps an index, and ``skhash.load(path, mmap=True)`` leaves codes, ids, vectors
    and the index of faiss in their file, which several processes then share.

    Clusters are learned when "ivf" is fitted and stay as they are when rows are added. The graph of
    "hnsw" depends on the order of threads; give ``n_jobs=1`` for the same one in every fit.

    References
    ----------
    .. [1] M. Norouzi, A. Punjani and D. J. Fleet, "Fast exact search in Hamming space with
       multi-index hashing", IEEE Trans. Pattern Anal. Mach. Intell. 36(6), 2014.
    .. [2] Y. A. Malkov and D. A. Yashunin, "Efficient and robust approximate nearest neighbor
       search using hierarchical navigable small world graphs", IEEE Trans. Pattern Anal. Mach.
       Intell. 42(4), 2020.
    .. [3] M. Douze et al., "The Faiss library", arXiv:2401.08281, 2024.

    Examples
    --------
    >>> from skhash.neighbors import HammingNeighbors
    >>> codes = [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
    >>> index = HammingNeighbors(n_neighbors=2).fit(codes, ids=["a", "b", "c"])
    >>> distances, ids = index.kneighbors([[0, 0, 0, 1], [1, 1, 1, 1]])
    >>> distances
    array([[0, 1],
           [1, 3]], dtype=int32)
    >>> ids
    array([['a', 'c'],
           ['b', 'a']], dtype='<U1')
    >>> index.remove(["a"]).kneighbors([[0, 0, 0, 1]], return_distance=False)
    array([['c', 'b']], dtype='<U1')
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="left")],
        "algorithm": [StrOptions({"auto", "brute", *_index.INDEXES})],
        "n_bits": [Interval(Integral, 1, None, closed="left"), None],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "n_lists": [Interval(Integral, 1, None, closed="left"), None],
        "n_probe": [Interval(Integral, 1, None, closed="left"), None],
        "M": [Interval(Integral, 2, 1024, closed="both")],
        "ef_construction": [Interval(Integral, 1, None, closed="left")],
        "ef_search": [Interval(Integral, 1, None, closed="left")],
        "n_hashes": [Interval(Integral, 1, None, closed="left")],
        "bits_per_hash": [Interval(Integral, 1, 62, closed="both"), None],
        "n_flips": [Interval(Integral, 0, 5, closed="both")],
        "vector_metric": [StrOptions({"euclidean", "cosine"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        radius=2,
        algorithm="auto",
        n_bits=None,
        binarize=None,
        n_lists=None,
        n_probe=None,
        M=16,
        ef_construction=100,
        ef_search=128,
        n_hashes=4,
        bits_per_hash=None,
        n_flips=1,
        vector_metric="euclidean",
        n_jobs=None,
        random_state=None,
    ):
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.n_bits = n_bits
        self.binarize = binarize
        self.n_lists = n_lists
        self.n_probe = n_probe
        self.M = M
        self.ef_construction = ef_construction
        self.ef_search = ef_search
        self.n_hashes = n_hashes
        self.bits_per_hash = bits_per_hash
        self.n_flips = n_flips
        self.vector_metric = vector_metric
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y=None, *, ids=None, vectors=None):
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits), PackedCodes, or uint8 of bytes
            Codes of 0 and 1 (any values under `binarize`); or packed codes, as a
            `~skhash.neighbors.PackedCodes` or, under ``n_bits``, as an array of shape
            (n_samples, ceil(n_bits / 8)). Packed codes are not copied, so that they may be a
            memory map.
        y : None
            Not used.
        ids : array-like of shape (n_samples,), default=None
            Integers or strings that stand for the rows in results, none twice. None takes 0, 1, 2
            and so on.
        vectors : array-like of shape (n_samples, n_features), default=None
            Real vectors that candidates may be sorted by (see `kneighbors`). They are not copied,
            and may be a memory map.

        Returns
        -------
        self : HammingNeighbors
        """
        self._validate_params()
        algorithm = self.algorithm
        codes, n_bits = packed_codes(self, X, self.n_bits, reset=True)
        if algorithm == "auto":
            few = len(codes) <= _MAX_BRUTE_CODES or n_bits <= _MAX_BRUTE_BITS
            algorithm = "brute" if few or not has_faiss() else "ivf"
        own_ids = np.arange(len(codes)) if ids is None else check_ids(ids, len(codes))
        vectors = None if vectors is None else check_vectors(vectors, len(codes))
        index = None
        if algorithm != "brute":
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            with faiss_threads(self.n_jobs):
                index = _index.make_index(
                    algorithm, codes, n_bits, self.get_params(deep=False), seed
                )
        self.algorithm_ = algorithm
        self.n_bits_ = n_bits
        self.ids_ = own_ids
        self._vectors = vectors
        self._searcher = Searcher(codes, index)
        self._next_id = 0
        self._count_rows(own_ids)
        return self

    @changing
    def add(self, X, ids=None, *, vectors=None):
        """Add rows after those that are there.

        Each call copies the codes (8 MB for a million of 64 bits): add many rows at a time.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits), PackedCodes, or uint8 of bytes
            Codes, as for `fit`.
        ids : array-like of shape (n_samples,), default=None
            Ids of the rows, of the same kind as those of `fit`, and new. None goes on from the
            greatest id that there ever was.
        vectors : array-like of shape (n_samples, n_features), default=None
            Needed if `fit` was given vectors.

        Returns
        -------
        self : HammingNeighbors
        """
        check_is_fitted(self)
        codes, _ = packed_codes(self, X, self.n_bits_, reset=False)
        if ids is None and self.ids_.dtype.kind == "U":
            raise ValueError("ids of this index are strings: add needs the ids of the new rows")
        ids = np.arange(self._next_id, self._next_id + len(codes)) if ids is None else ids
        ids = check_new_ids(ids, len(codes), self.ids_)
        if (vectors is None) != (self._vectors is None):
            raise ValueError("vectors must be given to add if, and only if, fit was given them")
        if vectors is not None:
            vectors = check_vectors(vectors, len(codes), self._vectors.shape[1])
            self._vectors = np.concatenate([self._vectors, vectors], dtype=self._vectors.dtype)
        with faiss_threads(self.n_jobs):
            self._searcher.add(codes)
        self.ids_ = np.concatenate([self.ids_, ids])
        self._count_rows(ids)
        return self

    @changing
    def remove(self, ids):
        """Remove rows.

        Indexes of faiss keep what was removed until it is a fifth of what they hold, and are then
        refilled, which for "hnsw" takes as long as a fit.

        Parameters
        ----------
        ids : array-like of shape (n_removed,), int or str
            Ids of the rows.

        Returns
        -------
        self : HammingNeighbors

        Raises
        ------
        ValueError
            If an id is not in the index; then nothing is removed.
        """
        self._remove_rows(self._rows_of(ids))
        return self

    @reading
    def kneighbors(
        self, X=None, n_neighbors=None, return_distance=True, *, rerank=None, vectors=None
    ):
        """The nearest rows of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), PackedCodes, or uint8 of bytes, default=None
            Codes of the queries. None asks for the neighbours of every fitted row, itself left
            out.
        n_neighbors : int, default=None
            How many; None takes the parameter.
        return_distance : bool, default=True
            Whether to return distances too.
        rerank : int, default=None
            Number of nearest rows by Hamming distance that are re-ranked, at least
            `n_neighbors`: by asymmetric distance, where X holds the real values of the bits, 1
            above zero (`decision_function` of a hasher), or by the distance of `vectors`.
        vectors : array-like of shape (n_queries, n_features), default=None
            Vectors of the queries, to sort by their distance to those that `fit` was given. Where
            X is None, rows have theirs.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Hamming distances in bits (int32), or what was sorted by (float). Only if
            `return_distance`.
        ids : ndarray of shape (n_queries, n_neighbors)
            Ids of the rows, nearest first; of the same distance, in the order in which they were
            added.
        """
        distances, rows = self._nearest_rows(X, n_neighbors, rerank, vectors)
        ids = self.ids_[rows]
        return (distances, ids) if return_distance else ids

    @reading
    def radius_neighbors(self, X=None, radius=None, return_distance=True):
        """All rows up to a distance from each query.

        Under "hnsw" all codes are compared, since a graph has no such search.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), PackedCodes, or uint8 of bytes, default=None
            Codes of the queries; None asks for every fitted row, itself left out.
        radius : int, default=None
            The greatest distance, in bits; None takes the parameter.
        return_distance : bool, default=True
            Whether to return distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries,) of arrays, dtype int32
            Hamming distances in bits. Only if `return_distance`.
        ids : ndarray of shape (n_queries,) of arrays
            Ids of the rows, nearest first; of the same distance, in the order in which they were
            added.
        """
        limits, distances, rows = self._rows_within(X, radius)
        ids = _split(self.ids_[rows], limits)
        return (_split(distances, limits), ids) if return_distance else ids

    @reading
    def _rows_of(self, ids):
        check_is_fitted(self)
        return rows_of(ids, self.ids_)

    @changing
    def _remove_rows(self, rows):
        with faiss_threads(self.n_jobs):
            self._searcher.remove(rows)
        self.ids_ = np.delete(self.ids_, rows)
        if self._vectors is not None:
            self._vectors = np.delete(self._vectors, rows, axis=0)
        self._count_rows(self.ids_)

    def _count_rows(self, new_ids):
        self.n_samples_fit_ = len(self.ids_)
        if new_ids.dtype.kind == "i" and new_ids.size:
            self._next_id = max(self._next_id, int(new_ids.max()) + 1)

    @reading
    def __getstate__(self):
        return _store.to_state(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(_store.from_state(state))


def _split(values, limits):
    parts = np.empty(len(limits) - 1, dtype=object)
    parts[:] = np.split(values, limits[1:-1])
    return parts

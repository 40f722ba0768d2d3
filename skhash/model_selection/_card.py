"""The page of a hasher: what it is, how good its codes are, and where they are not."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass
from html import escape
from importlib import resources
from numbers import Integral
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import sklearn
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.pairwise import cosine_distances
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _num_samples, check_consistent_length, check_random_state

import skhash
from skhash._persist._write import new_file
from skhash.hashers._itq import ITQHasher
from skhash.metrics import (
    BitStatisticsDisplay,
    ClassDistanceDisplay,
    ScoreIntervalDisplay,
    bit_balance,
    code_entropy,
    mean_bit_correlation,
    n_distinct_codes,
    retrieval_report,
)
from skhash.metrics._fold import fitted_attribute, last_step
from skhash.model_selection import _card_parts as parts
from skhash.neighbors import HammingNeighbors
from skhash.similarity import resolve_similarity, takes_levels
from skhash.utils._labels import check_target

# by these, if the labels have them, and the first of them is the one to sort by
_SCORES = ("mahp@{k}", "ndcg@{k}", "map", "precision@{k}")
_N_WORST = 8
_MAX_REPR = 20_000
_FEATURES, _ITQ = "features, cosine", "ITQ"


@dataclass(frozen=True)
class _Judged:
    """What the sections are made of."""

    name: str
    codes: np.ndarray
    labels: np.ndarray
    is_class: bool
    similarity: Any
    reports: dict
    scores: list[str]
    k: int
    seed: int


def hasher_card(
    hasher,
    X,
    y,
    path=None,
    *,
    similarity="estimator",
    k=10,
    items=None,
    features=None,
    X_train=None,
    title=None,
    description="",
    n_examples=5,
    random_state=None,
    overwrite=False,
) -> str:
    """A page about a fitted hasher, to go with it where it is saved or published.

    One file of HTML that loads nothing from elsewhere: what the hasher is and how it was fitted,
    its scores with their intervals beside those of the uncompressed features and of ITQ, how its
    bits are used, how far apart classes are in codes and in meaning, the worst classes, and what
    some queries find, from the best to the worst.

    Parameters
    ----------
    hasher : transformer
        A fitted hasher, or a pipeline that ends in one.
    X : array-like of n_samples rows
        Rows to judge by, which it was not fitted on. Each searches all others (leave-one-out): some
        thousands are enough.
    y : array-like of n_samples labels
        Their labels.
    path : str or os.PathLike, default=None
        The file to write; None only returns the page. It is complete or not there at all.
    similarity : "estimator", "auto" or callable, default="estimator"
        The similarity target to judge by: what the hasher learned from, if it did from one, else
        "auto", what goes with the kind of y.
    k : int, default=10
        The cut-off of the scores, and the number of neighbours of an example.
    items : sequence of n_samples str, images or arrays of them, default=None
        What to show of a row: its text, or its picture as an array of shape (height, width) or
        (height, width, 3), of bytes or of floats in [0, 1], or as a PIL image. None takes X where
        it holds texts or images.
    features : array-like of shape (n_samples, n_features), default=None
        The uncompressed features to compare with. None takes what the steps before the hasher make
        of X; X itself where there are none.
    X_train : array-like of n_train rows, default=None
        Rows like those of X that ITQ is fitted on, those that the hasher was fitted on. None fits
        it on X, which favours it, and the page says so. They are features where these are given.
    title : str, default=None
        Heading of the page; None takes the name of the hasher's class.
    description : str, default=""
        What else there is to say, such as what the data are and what the hasher is meant for;
        paragraphs are separated by empty lines.
    n_examples : int, default=5
        Number of queries to show, at equal steps from the best score to the worst.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples of the intervals, and the rotation that ITQ begins with.
    overwrite : bool, default=False
        Whether to replace a file at `path`.

    Returns
    -------
    page : str
        The HTML.

    Raises
    ------
    TypeError
        If the hasher is no transformer.
    ValueError
        If an argument is invalid, or there are not more rows than `k`.
    FileExistsError
        If there is anything at `path`, with ``overwrite=False``.
    ImportError
        If matplotlib is missing.

    See Also
    --------
    skhash.save : Saves the hasher itself.
    retrieval_evaluate : Fits hashers, and judges them on seen and unseen classes.

    Notes
    -----
    All text is escaped, so labels, texts and descriptions appear as they are. Texts and pictures of
    the examples are in the page: publish it only if you may publish them.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import CCAITQHasher
    >>> from skhash.model_selection import hasher_card
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = CCAITQHasher(n_bits=16, random_state=0).fit(X[:1600], y[:1600])
    >>> page = hasher_card(
    ...     hasher, X[1600:], y[1600:], items=X[1600:].reshape(-1, 8, 8) / 16, X_train=X[:1600]
    ... )
    >>> "<h1>CCAITQHasher</h1>" in page
    True
    """
    check_matplotlib_support("hasher_card")
    from matplotlib import rc_context

    while isinstance(hasher, FrozenEstimator):
        hasher = hasher.estimator
    if not hasattr(hasher, "transform"):
        hint = ": pass its hasher_" if hasattr(hasher, "hasher_") else ""
        raise TypeError(f"hasher must be a fitted transformer to codes, got {hasher!r}{hint}")
    check_consistent_length(X, y, *(part for part in (items, features) if part is not None))
    n_samples = _num_samples(X)
    for name, value, least in (("k", k, 1), ("n_examples", n_examples, 0)):
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} must be an integer, at least {least}, got {value!r}")
    if n_samples <= k:
        raise ValueError(f"k must be below the {n_samples} rows of X, got {k}")
    path = None if path is None else Path(os.path.abspath(path))
    if path is not None and not overwrite and os.path.lexists(path):
        raise FileExistsError(f"{path} exists; overwrite=True replaces it")
    if similarity == "estimator":
        similarity = fitted_attribute(hasher, "similarity_")
    similarity = resolve_similarity("auto" if similarity is None else similarity, y)
    kind, labels = check_target(y, levels=takes_levels(similarity))
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))

    last, before = last_step(hasher, X)
    name = type(last).__name__
    codes = hasher.transform(X)
    baseline = before if features is None else features
    train = X_train
    if X_train is not None and features is None:
        train = last_step(hasher, X_train)[1]
    options = {"k": k, "similarity": similarity, "exclude_self": True, "no_relevant": "skip"}
    reports = {name: retrieval_report(codes, labels, **options)}
    vectors = _as_vectors(baseline, "X" if features is None else "features")
    if vectors is not None:
        reports |= _baselines(vectors, labels, train, codes.shape[1], seed, options)
    wanted = [score.format(k=k) for score in _SCORES]
    judged = _Judged(
        name=name,
        codes=codes,
        labels=labels,
        is_class=kind == "class",
        similarity=similarity,
        reports=reports,
        scores=[score for score in wanted if score in reports[name]],
        k=k,
        seed=seed,
    )
    # labels are no formulas, dollars or not
    with rc_context({"text.parse_math": False}):
        body = [
            _introduction(judged, description, hasher),
            _scores(judged, fitted_on_train=X_train is not None),
            _examples(judged, X if items is None else items, n_examples),
            _worst_classes(judged),
            _class_distances(judged),
            _bits(judged),
            _making(hasher, last),
        ]
    page = Template(resources.files(__package__).joinpath("_card.html").read_text("utf-8"))
    text = page.substitute(
        title=escape(name if title is None else title),
        body="\n".join(part for part in body if part),
        version=escape(skhash.__version__),
        date=datetime.date.today().isoformat(),
    )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path) as file:
            file.write(text.encode("utf-8"))
    return text


def _as_vectors(baseline, name):
    """Rows of numbers to compare with; None where X holds images or texts itself."""
    if issparse(baseline):
        return baseline.tocsr()
    vectors = np.asarray(baseline)
    if vectors.ndim == 2 and vectors.dtype.kind in "biuf":
        return vectors
    if name == "features":
        raise ValueError(f"features must be rows of numbers, got shape {vectors.shape}")
    return None


def _baselines(vectors, labels, train, n_bits, seed, options):
    sparse = issparse(vectors)
    ranked = cosine_distances(vectors) if sparse else vectors
    reports = {
        _FEATURES: retrieval_report(
            ranked, labels, metric="precomputed" if sparse else "cosine", **options
        )
    }
    learned = vectors if train is None else train if issparse(train) else np.asarray(train)
    # it has no more bits than there are principal components
    n_bits = min(n_bits, *learned.shape)
    codes = ITQHasher(n_bits, random_state=seed).fit(learned).transform(vectors)
    reports[f"{_ITQ}, {n_bits} bits"] = retrieval_report(codes, labels, **options)
    return reports


def _introduction(judged, description, hasher):
    n_bits = judged.codes.shape[1]
    pairs = [("bits", str(n_bits)), ("bytes an item", str(-(-n_bits // 8)))]
    classes = fitted_attribute(hasher, "classes_")
    if classes is not None:
        pairs.append(("classes learned", f"{len(classes):,}"))
    pairs.append(("rows judged", f"{len(judged.codes):,}"))
    main = judged.scores[0]
    pairs.append((main, f"{judged.reports[judged.name][main]:.3f}"))
    texts = [text.strip() for text in description.split("\n\n")]
    return "\n".join([*(parts.paragraph(text, "lead") for text in texts), parts.facts(pairs)])


def _scores(judged, fitted_on_train):
    from matplotlib.figure import Figure

    rows = []
    for name, report in judged.reports.items():
        intervals = [report.confidence_interval(s, random_state=judged.seed) for s in judged.scores]
        cells = [
            (f"{report[score]:.3f}", f"{low:.3f} to {high:.3f}")
            for score, (low, high) in zip(judged.scores, intervals)
        ]
        rows.append((name, *cells))
    caption = (
        f"Each of {len(judged.codes):,} rows searches all others. Below each score its 95 % "
        "bootstrap interval over the queries. Ties count by expectation. Similarity: "
        f"{' '.join(repr(judged.similarity).split())}."
    )
    if len(rows) > 2 and not fitted_on_train:
        caption += " ITQ was fitted on the rows that it is judged by, which favours it."
    table = parts.table(["", *judged.scores], rows, caption, own=judged.name)
    if len(rows) < 2:
        return parts.section("How good the codes are", table)
    drawn = []
    for score in judged.scores[:2]:
        figure = Figure(figsize=(5.4, 1.4 + 0.35 * len(rows)), layout="constrained")
        ScoreIntervalDisplay.from_reports(
            judged.reports, score=score, random_state=judged.seed, ax=figure.subplots()
        )
        drawn.append((figure, f"{score} with its interval"))
    differences = [_difference(judged, other) for other in list(judged.reports)[1:]]
    return parts.section(
        "How good the codes are",
        table,
        parts.figures(drawn),
        parts.paragraph(" ".join(differences)),
    )


def _difference(judged, other):
    main = judged.scores[0]
    table = judged.reports[judged.name].compare(
        judged.reports[other], random_state=judged.seed, scores=[main]
    )
    difference, low, high = (table[column][0] for column in ("difference", "low", "high"))
    return f"{main} minus that of {other}: {difference:+.3f} ({low:+.3f} to {high:+.3f})."


def _examples(judged, items, n_examples):
    main = judged.scores[0]
    values = judged.reports[judged.name].per_query[main]
    queries = np.flatnonzero(~np.isnan(values))
    ranking = queries[np.argsort(-values[queries], kind="stable")]
    n_examples = min(n_examples, len(ranking))
    if not n_examples:
        return ""
    chosen = ranking[np.linspace(0, len(ranking) - 1, n_examples).round().astype(int)]
    # the first neighbours are enough to look at
    k = min(judged.k, 5)
    found = HammingNeighbors(k + 1).fit(judged.codes)
    distances, rows = found.kneighbors(judged.codes[chosen])
    blocks = []
    for query, near, away in zip(chosen, rows, distances):
        others = near != query
        # many others may be at distance 0 before itself
        near, away = near[others][:k], away[others][:k]
        neighbours = [
            (
                "1 bit" if distance == 1 else f"{distance} bits",
                _item(judged, items, row),
                _label(judged, row),
                judged.is_class and bool(judged.labels[row] == judged.labels[query]),
            )
            for row, distance in zip(near.tolist(), away.tolist())
        ]
        note = f"{_label(judged, query)} · {main} {values[query]:.2f}".removeprefix(" · ")
        blocks.append(parts.example(_item(judged, items, query), note, neighbours))
    text = (
        f"{n_examples} queries at equal steps from the best {main} to the worst, with their "
        "nearest rows: the bits that differ, what was found, and its label, bold where it is the "
        "query's."
    )
    return parts.section("What queries find", parts.paragraph(text, "soft"), *blocks)


def _item(judged, items, row):
    item = items.iloc[row] if hasattr(items, "iloc") else items[row]
    is_features = np.ndim(item) == 1 or issparse(item)
    return escape(f"row {row}") if is_features else parts.shown(item, f"row {row}")


def _label(judged, row):
    return str(judged.labels[row]) if judged.is_class else ""


def _worst_classes(judged):
    if not judged.is_class:
        return ""
    main = judged.scores[0]
    table = judged.reports[judged.name].by_group(main)
    if len(table) < 2:
        return ""
    near = HammingNeighbors(judged.k).fit(judged.codes).kneighbors(return_distance=False)
    rows = []
    for place, label in enumerate(table.rows[:_N_WORST]):
        found = judged.labels[near[judged.labels == label]]
        others, counts = np.unique(found[found != label], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:2]
        taken = ", ".join(f"{others[i]} {counts[i] / found.size:.0%}" for i in order)
        error = table["standard error"][place]
        cells = (f"{table['score'][place]:.3f}", f"± {error:.3f}")
        rows.append((label, cells, table["queries"][place], taken))
    head = ["class", main, "queries", f"other classes among the {judged.k} nearest"]
    caption = "Means and standard errors over the queries of a class."
    return parts.section("The worst classes", parts.table(head, rows, caption))


def _class_distances(judged):
    if not judged.is_class or len(np.unique(judged.labels)) < 3:
        return ""
    from matplotlib.figure import Figure

    drawn = [Figure(figsize=(5.4, 4.8), layout="constrained") for _ in range(2)]
    try:
        display = ClassDistanceDisplay.from_predictions(
            judged.codes,
            judged.labels,
            similarity=judged.similarity,
            ax=[figure.subplots() for figure in drawn],
        )
    except ValueError:
        # all classes are equally similar: there is nothing to compare the distances with
        return ""
    texts = ("mean Hamming distances between classes", "dissimilarities of classes")
    return parts.section(
        "Distances of classes, in codes and in meaning",
        parts.paragraph(
            f"Rank correlation of the two {display.correlation:.2f}: 1 would mean that classes are "
            "ordered alike by both. Classes are in the same order in both, similar ones together.",
            "soft",
        ),
        parts.figures(zip(drawn, texts)),
    )


def _bits(judged):
    from matplotlib.figure import Figure

    balance, n_codes = bit_balance(judged.codes), len(judged.codes)
    pairs = [
        ("different codes", f"{n_distinct_codes(judged.codes):,} of {n_codes:,}"),
        ("entropy of codes", f"{code_entropy(judged.codes):.1f} bits"),
        ("mean imbalance", f"{np.abs(balance - 0.5).mean():.3f}"),
        ("constant bits", str(int(((balance == 0) | (balance == 1)).sum()))),
    ]
    if judged.codes.shape[1] > 1:
        pairs.append(("mean |correlation|", f"{mean_bit_correlation(judged.codes):.3f}"))
    drawn = [Figure(figsize=(5.4, 4.4), layout="constrained") for _ in range(2)]
    BitStatisticsDisplay.from_predictions(judged.codes, ax=[figure.subplots() for figure in drawn])
    texts = ("share of ones of each bit", "correlation of every two bits")
    return parts.section("Bits", parts.facts(pairs), parts.figures(zip(drawn, texts)))


def _making(hasher, last):
    rows = [
        (name, value)
        for name, value in sorted(vars(last).items())
        if name.endswith("_") and not name.startswith("_") and isinstance(value, _PLAIN)
    ]
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, scikit-learn "
    text = f"Judged with {versions}{sklearn.__version__}, skhash {skhash.__version__}."
    return parts.section(
        "How it was made",
        f"<pre>{escape(hasher.__repr__(N_CHAR_MAX=_MAX_REPR))}</pre>",
        parts.table(["fitted", ""], rows) if rows else "",
        parts.paragraph(text, "soft"),
    )


_PLAIN = (bool, int, float, str, np.integer, np.floating)

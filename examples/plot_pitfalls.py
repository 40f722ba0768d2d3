"""
==========================================
Common pitfalls in evaluating hashing
==========================================

Six ways to get a number about codes that does not say what it seems to. Each is shown on real
features, with the same codes judged the flattering way and the honest way. The last figure puts
them side by side.

The measures themselves are defined in :doc:`/guide/judging`.
"""

# %%
# The codes
# ---------
# The data are the CIFAR-100 features that ship with skhash: 80 training rows and 20 query rows of
# each of 100 classes. Three kinds of 64-bit codes are judged, and 16-bit ones where ties are the
# issue. `~skhash.ClassCodeHasher` draws a random code for each class and gives it to every row that
# a classifier assigns to that class: it holds the answer of a classifier and nothing about what is
# alike.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.model_selection import KFold, cross_val_score

from skhash import ClassCodeHasher, ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import (
    get_scorer,
    hierarchical_precision_score,
    mean_average_precision_score,
    precision_at_k_score,
)
from skhash.model_selection import UnseenClassSplit
from skhash.similarity import TaxonomySimilarity

pd.options.display.float_format = "{:.3f}".format

cifar = load_cifar100_features()
names = cifar.target_names[cifar.target]
train, query = cifar.train_indices, cifar.query_indices
X_train, y_train = cifar.data[train], names[train]
X_query, y_query = cifar.data[query], names[query]
similarity = TaxonomySimilarity("cifar100")

hashers = {
    "class codes": ClassCodeHasher(n_bits=64, random_state=0),
    "ITQ": ITQHasher(n_bits=64, random_state=0),
    "semantic": SemanticHasher(n_bits=64, similarity=similarity, max_iter=20, random_state=0),
}
train_codes, query_codes = {}, {}
for name, hasher in hashers.items():
    train_codes[name] = hasher.fit(X_train, y_train).transform(X_train)
    query_codes[name] = hasher.transform(X_query)

flattering, honest = {}, {}  # for the last figure

# %%
# 1. A cut-off below the class size
# ---------------------------------
# Hierarchical precision rewards near misses, but only where there are misses. While k is below the
# 80 database items of a class, the ideal ranking holds nothing but the class of the query, and one
# code per class is all it takes: with a classifier that is never wrong it scores 1.

codebook, classes = hashers["class codes"].codebook_, hashers["class codes"].classes_
train_codes["class codes, never wrong"] = codebook[np.searchsorted(classes, y_train)]
query_codes["class codes, never wrong"] = codebook[np.searchsorted(classes, y_query)]

cutoffs = np.arange(1, 501)
curves = {
    name: hierarchical_precision_score(
        query_codes[name], y_query, codes, y_train, similarity=similarity, k=cutoffs
    )
    for name, codes in train_codes.items()
}
# mAHP@k is the mean of HP@1 to HP@k
print(pd.DataFrame({f"mAHP@{k}": {n: c[:k].mean() for n, c in curves.items()} for k in (25, 500)}))

COLORS = {
    "class codes, never wrong": "#e9a17c",
    "class codes": "#c8553d",
    "ITQ": "#7a8793",
    "semantic": "#14746f",
}
figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, color in COLORS.items():
    ax.plot(cutoffs, curves[name], color=color, linewidth=2)
    ax.annotate(name, (505, curves[name][-1]), color=color, va="center", annotation_clip=False)
ax.axvline(80, color="black", linewidth=0.8, linestyle=":")
ax.annotate("items of a class", (80, 0.98), (88, 0.97), fontsize=9)
ax.set(xlabel="k", ylabel="HP@k", xlim=(1, 500), ylim=(0.25, 1.03))
ax.spines[["top", "right"]].set_visible(False)

# %%
# Up to the class size, class codes pass for semantic ones; beyond it they soon fall below ITQ,
# which has never seen a label. Choose k well above the class size, or report the curve, and keep
# class codes in the table.

flattering["cut-off"] = curves["class codes"][:25].mean()
honest["cut-off"] = curves["class codes"].mean()

# %%
# 2. Ties in the order of the database
# ------------------------------------
# There are 17 distances between 16-bit codes, so most items tie with hundreds of others. An
# ``argsort`` resolves a tie by the order of the database. This is the usual evaluation, and it
# misleads:


def naive_average_precision(query_codes, query_labels, database_codes, database_labels):
    """Average precision of each query, with ties as they happen to lie. Not to be used."""
    distances = cdist(query_codes, database_codes, "hamming")
    ranked = database_labels[np.argsort(distances, axis=1, kind="stable")]
    hit = ranked == query_labels[:, None]
    precision = hit.cumsum(axis=1) / np.arange(1, hit.shape[1] + 1)
    return (precision * hit).sum(axis=1) / hit.sum(axis=1)


short = ITQHasher(n_bits=16, random_state=0).fit(X_train)
short_query, short_train = short.transform(X_query), short.transform(X_train)
first_classes = np.isin(y_query, cifar.target_names[:10])
by_class = np.argsort(cifar.target[train], kind="stable")
orders = {
    "argsort, database by class": by_class,
    "argsort, the same backwards": by_class[::-1],
    "argsort, shuffled": np.random.default_rng(0).permutation(len(train)),
}
rows = {
    order: naive_average_precision(short_query, y_query, short_train[rows], y_train[rows])
    for order, rows in orders.items()
}
for ties in ("expected", "optimistic", "pessimistic"):
    rows[f"skhash, {ties}"] = mean_average_precision_score(
        short_query, y_query, short_train, y_train, ties=ties, per_query=True
    )
ties_table = pd.DataFrame(
    {
        "mAP": {row: values.mean() for row, values in rows.items()},
        "of the first ten classes": {r: values[first_classes].mean() for r, values in rows.items()},
    }
)
print(ties_table)

# %%
# Sorting the database by class raises the score, most of all for the classes that come first; the
# codes are the same in all rows. The expectation does not depend on the order, and the bounds show
# how much an order could do. Constant codes make it plain, since they say nothing:

nothing = np.zeros((len(names), 16), dtype=np.uint8)
naive = naive_average_precision(nothing[query], y_query, nothing[train], y_train[by_class]).mean()
expected = mean_average_precision_score(nothing[query], y_query, nothing[train], y_train)
print(
    f"all codes the same, mAP: argsort on the sorted database {naive:.3f}, expected {expected:.3f}"
)

flattering["ties"] = ties_table["mAP"]["skhash, optimistic"]
honest["ties"] = ties_table["mAP"]["skhash, expected"]

# %%
# 3. Dividing by the hits
# -----------------------
# Average precision up to rank k needs a divisor: the number of relevant items ("total"), but at
# most k ("min"), or only the number found ("hits"). The last is common in code for hashing, and it
# ignores what was missed.

columns = {"k=5": 5, "k=25": 25, "k=100": 100, "k=1000": 1000, "whole database": None}
normalizers = pd.DataFrame(
    {
        column: {
            f'"{normalizer}"': mean_average_precision_score(
                query_codes["ITQ"],
                y_query,
                train_codes["ITQ"],
                y_train,
                k=k,
                normalizer=normalizer,
            )
            for normalizer in ("hits", "min", "total")
        }
        for column, k in columns.items()
    }
)
print(normalizers)

# %%
# The same codes score more than twice as much by "hits" as by "min" at k=25, and a smaller k makes
# the number larger. It also prefers the worse of two rankings. Two of four items are relevant; the
# first ranking finds one of them among its first three, the second finds both:

rankings = {"hit, miss, miss | hit": [1, 0, 0, 1], "hit, miss, hit | miss": [1, 0, 1, 0]}
print(
    pd.DataFrame(
        {
            f'AP@3 by "{normalizer}"': {
                ranking: mean_average_precision_score(
                    [[1, 2, 3, 4]],
                    None,
                    metric="precomputed",
                    relevance=[relevance],
                    k=3,
                    normalizer=normalizer,
                )
                for ranking, relevance in rankings.items()
            }
            for normalizer in ("hits", "total")
        }
    )
)

flattering["normaliser"] = normalizers["k=25"]['"hits"']
honest["normaliser"] = normalizers["k=25"]['"min"']

# %%
# 4. Training items as database
# -----------------------------
# A network knows its training items: it can give them cleaner codes than it will ever give to
# anything else. Here 20 training items of each class are searched beside the 20 queries of each
# class, so that nothing else differs between the columns.

random = np.random.default_rng(0)
some = np.concatenate(
    [random.permutation(np.flatnonzero(y_train == name))[:20] for name in cifar.target_names]
)
leave_one_out = {"exclude_self": True}
training = pd.DataFrame(
    {
        name: {
            "train in train": mean_average_precision_score(
                train_codes[name][some], y_train[some], **leave_one_out
            ),
            "held out in train": mean_average_precision_score(
                query_codes[name], y_query, train_codes[name][some], y_train[some]
            ),
            "held out in held out": mean_average_precision_score(
                query_codes[name], y_query, **leave_one_out
            ),
        }
        for name in hashers
    }
).T
print(training)

# %%
# ITQ has too few parameters to memorise anything, and its columns agree. The others lose a good
# part if the items searched are new too, as they will be in any collection that grows. State which
# of the two was searched; a database of training items is legitimate only if the application has
# one.

flattering["training items"] = training["train in train"]["semantic"]
honest["training items"] = training["held out in held out"]["semantic"]

# %%
# 5. Folds of a database sorted by class
# --------------------------------------
# Folders of images come class by class, and ``KFold`` does not shuffle unless told to. Then each
# fold holds classes that were never trained on, and only those.

X_sorted, y_sorted = X_train[by_class], y_train[by_class]
candidates = {
    "class codes": ClassCodeHasher(n_bits=64, random_state=0),
    "semantic, linear": SemanticHasher(
        n_bits=64, similarity=similarity, network="linear", max_iter=5, random_state=0
    ),
}
splits = {
    "sorted folds": (KFold(4), get_scorer("map")),
    "shuffled folds": (KFold(4, shuffle=True, random_state=0), get_scorer("map")),
    "UnseenClassSplit": (
        UnseenClassSplit(4, unseen_size=0.2, random_state=0),
        get_scorer("map", queries="unseen"),
    ),
}
folds = pd.DataFrame(
    {
        column: {
            name: cross_val_score(candidate, X_sorted, y_sorted, cv=cv, scoring=scoring).mean()
            for name, candidate in candidates.items()
        }
        for column, (cv, scoring) in splits.items()
    }
)
print(folds)

# %%
# The first column is not a mAP of known classes, nor of unknown ones, since the 25 classes of a
# fold are searched among themselves: it puts the candidates in the opposite order to the second.
# Shuffle, or stratify; and if new classes are the question, ask it on purpose with
# `~skhash.model_selection.UnseenClassSplit`, where unseen classes are searched among all. If the
# fold searches its training items, nothing is relevant to any query, and skhash refuses to score
# that:

fitted, held_out = next(KFold(4).split(X_sorted))
try:
    mean_average_precision_score(
        train_codes["ITQ"][by_class][held_out],
        y_sorted[held_out],
        train_codes["ITQ"][by_class][fitted],
        y_sorted[fitted],
    )
except ValueError as error:
    print("ValueError:", error)

flattering["folds"] = folds["sorted folds"]["semantic, linear"]
honest["folds"] = folds["shuffled folds"]["semantic, linear"]

# %%
# 6. The query in the database
# ----------------------------
# Searching a collection with its own items finds each of them first, at distance 0.

with_itself = pd.DataFrame(
    {
        name: {
            f"P@{k}, {row}": precision_at_k_score(codes, y_query, *database, k=k, **options)
            for k in (1, 5)
            for row, database, options in (
                ("query found", (codes, y_query), {}),
                ("query left out", (), {"exclude_self": True}),
            )
        }
        for name, codes in query_codes.items()
        if name in hashers
    }
).T
print(with_itself.to_string())

# %%
# Finding the query makes codes learned without labels nearly perfect at k=1. skhash does not guess:
# it refuses to rank queries among themselves unless you say ``exclude_self=True``, and the ideal
# ranking that a score is measured against leaves the query out as well.

flattering["query"] = with_itself["P@1, query found"]["ITQ"]
honest["query"] = with_itself["P@1, query left out"]["ITQ"]

# %%
# All six
# -------
# The two ends of a line are the same codes; of the folds, the same estimator.

PITFALLS = {
    "cut-off": ("A cut-off below the class size", "class codes, mAHP@25 for mAHP@500"),
    "ties": ("Ties in a lucky order", "16-bit ITQ, mAP: best order for expectation"),
    "normaliser": ("Dividing by the hits", 'ITQ, mAP@25: "hits" for "min"'),
    "training items": ("Training items as database", "semantic codes, mAP: training for new items"),
    "folds": ("Folds sorted by class", "linear semantic codes, mAP: sorted for shuffled"),
    "query": ("The query in the database", "ITQ, P@1: query found for left out"),
}
figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
for row, (pitfall, (title, detail)) in enumerate(PITFALLS.items()):
    low, high = honest[pitfall], flattering[pitfall]
    ax.plot([low, high], [row, row], color="#d9d4cc", linewidth=5, solid_capstyle="round", zorder=1)
    ax.scatter(
        high, row, s=110, color="#c8553d", zorder=2, label="as deceived" if not row else None
    )
    ax.scatter(low, row, s=110, color="#14746f", zorder=2, label="as it is" if not row else None)
    ax.annotate(f"{high:.2f}", (high + 0.02, row), va="center", color="#c8553d", fontsize=11)
    ax.annotate(
        f"{low:.2f}", (low - 0.02, row), va="center", ha="right", color="#14746f", fontsize=11
    )
    ax.annotate(
        title,
        (-0.02, row - 0.12),
        ha="right",
        va="center",
        fontsize=11,
        fontweight="bold",
        annotation_clip=False,
    )
    ax.annotate(
        detail,
        (-0.02, row + 0.22),
        ha="right",
        va="center",
        fontsize=8.5,
        color="#666666",
        annotation_clip=False,
    )
ax.set(xlim=(0, 1.08), ylim=(len(PITFALLS) - 0.5, -0.6), yticks=[], xticks=np.linspace(0, 1, 6))
ax.spines[["top", "right", "left"]].set_visible(False)
ax.grid(axis="x", color="#eeeeee", zorder=0)
ax.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.73), fontsize=11)
figure.suptitle("Six flattering numbers, and the same codes judged honestly", fontsize=14)
plt.show()

# sphinx_gallery_thumbnail_number = -1

"""
========
Tutorial
========

From features to codes, from codes to search, and from search to evaluation. If you know
``PCA().fit_transform(X)``, you know most of it.
"""

# %%
# The data
# --------
# A hasher starts from features: rows of numbers, such as the output of a pretrained network. The
# package ships 256 features of each of the 10,000 test images of CIFAR-100, with a fixed split:
# 8,000 rows to train on and to search, 2,000 to query with.

import pickle

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import HierarchicalPrecisionDisplay, retrieval_report
from skhash.similarity import TaxonomySimilarity, load_taxonomy

cifar = load_cifar100_features()
X, y = cifar.data, cifar.target_names[cifar.target]
train, query = cifar.train_indices, cifar.query_indices
print(X.shape, X.dtype, *y[:5])

# %%
# Codes without labels
# --------------------
# `~skhash.ITQHasher` rotates the principal components so that their signs lose little. It is a
# transformer with ``fit`` and ``transform``, and codes are arrays of 0 and 1.

itq = ITQHasher(n_bits=64, random_state=0).fit(X[train])
itq_codes = itq.transform(X[train])
print(itq_codes.shape, itq_codes.dtype)
print(itq_codes[0])

# %%
# ``decision_function`` gives the real value of each bit before its threshold at 0. In memory or on
# disk, codes can be packed, one bit per bit: 8 bytes for these, where the features take 1,024.

print(np.array_equal(itq_codes, itq.decision_function(X[train]) > 0))
print(np.packbits(itq_codes, axis=1).nbytes // len(train), "bytes instead of", X[0].nbytes)

# %%
# What similar means
# ------------------
# A pear is not an apple, but it is a better answer than a bus. A *similarity target* says so in
# numbers between 0 and 1; here they come from a taxonomy of the classes. There are targets for
# plain classes, for several labels per item, for embeddings and for anything that a function can
# compute: see :doc:`/guide/similarity`.

taxonomy = load_taxonomy("cifar100")
similarity = TaxonomySimilarity(taxonomy)
print(taxonomy)
print(
    taxonomy.lcs("apple", "pear"),
    similarity(["apple"], ["apple", "pear", "oak_tree", "bus"]).round(2),
)

# %%
# Codes that follow it
# --------------------
# `~skhash.SemanticHasher` makes codes whose Hamming distances follow these similarities. For
# classes it trains a network to tell them apart, on a GPU if there is one, and reads the bits off
# what the network predicts for an image and off the features. ``loss_terms_`` records what it
# minimised. Half the default number of epochs keeps this page quick.

hasher = SemanticHasher(n_bits=64, similarity=similarity, max_iter=20, random_state=0)
hasher.fit(X[train], y[train])
codes, query_codes = hasher.transform(X[train]), hasher.transform(X[query])
for term, values in hasher.loss_terms_.items():
    print(f"{term:15} {values[0]:.3f} in the first epoch, {values[-1]:.3f} in the last")

# %%
# Search
# ------
# scikit-learn searches codes by ``metric="hamming"``, which is the share of bits that differ. The
# thumbnails show queries on the left and the nearest other query images beside them; a green frame
# is the same class, and a paler one a less similar class.

neighbours = NearestNeighbors(n_neighbors=8, metric="hamming").fit(query_codes)
shown = np.flatnonzero(np.isin(y[query], ["apple", "bus", "dolphin", "oak_tree"]))[::11][:5]
distances, found = neighbours.kneighbors(query_codes[shown])
for i, row, nearest in zip(shown, distances, found, strict=True):
    others = nearest[nearest != i][:4]
    print(f"{y[query][i]:>10}: {', '.join(y[query][others])}; within {64 * row.max():.0f} bits")

figure, axes = plt.subplots(len(shown), 8, figsize=(8, 1.15 * len(shown)), layout="constrained")
for i, nearest, row in zip(shown, found, axes, strict=True):
    # ties at distance 0 may put another image before the query itself
    images = [i, *nearest[nearest != i][:7]]
    alike = similarity(y[query][[i]], y[query][images])[0]
    for ax, image, value in zip(row, images, alike, strict=True):
        ax.imshow(cifar.thumbnails[image])
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(linewidth=3, color=plt.get_cmap("BuGn")(0.05 + 0.8 * value))
    row[0].spines[:].set(color="black", linewidth=1.5)
plt.show()

# %%
# Judge the codes
# ---------------
# `~skhash.metrics.retrieval_report` searches once and computes every measure. Tied distances count
# with their exact expectation, so the numbers do not depend on the order of the database. mAHP is
# the mean average hierarchical precision: how similar, in the taxonomy, the first k items are to
# the query, relative to the best possible ranking. k is above the 80 training items of a class;
# :doc:`/guide/judging` says why.

report = retrieval_report(query_codes, y[query], codes, y[train], similarity=similarity, k=250)
print(report)

# %%
# A number means something only next to others. The band of the display spans the worst and the best
# order of ties.

ax = None
for name, candidate in {"SemanticHasher": hasher, "ITQ": itq}.items():
    display = HierarchicalPrecisionDisplay.from_predictions(
        candidate.transform(X[query]),
        y[query],
        candidate.transform(X[train]),
        y[train],
        similarity=similarity,
        k=500,
        name=name,
        ax=ax,
    )
    ax = display.ax_
plt.show()

# %%
# Like any other estimator
# ------------------------
# Hashers go into pipelines, name their outputs and pickle. They keep only NumPy arrays, so a model
# fitted on a GPU loads anywhere. :doc:`/guide/searching` tunes their parameters.

pipeline = make_pipeline(StandardScaler(), ITQHasher(n_bits=16, random_state=0))
frame = pipeline.set_output(transform="pandas").fit(X[train]).transform(X[query])
print(frame.iloc[:3, :5])

stored = pickle.dumps(hasher)
print(
    len(stored) // 1024,
    "KiB",
    np.array_equal(pickle.loads(stored).transform(X[query]), query_codes),
)

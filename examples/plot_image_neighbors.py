"""
What the codes find, in pictures
================================

A score says how good the neighbours of a code are on average. This page shows them: real images of
CIFAR-100, each with the ten images whose codes are nearest, mistakes included. The queries are
chosen by a rule, from the best to the worst, not by hand.

The codes come from features of a pretrained network that ship with the package; none of the images
shown was trained on. It takes about half a minute on one processor core and needs no download.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch, Rectangle
from scipy.spatial.distance import cdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skhash import ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

N_BITS, N_NEIGHBORS = 64, 10

# %%
# Codes of 2,000 images
# ---------------------
# The hasher learns from 8,000 images and a tree of their 100 classes. It then encodes 2,000 others,
# 20 of each class, and every one of them searches the other 1,999. ITQ learns from the same
# features without labels, for comparison.

cifar = load_cifar100_features()
train, query = cifar.train_indices, cifar.query_indices
names = cifar.target_names[cifar.target]
tree = TaxonomySimilarity(load_taxonomy("cifar100"), measure="lcs_height")

hashers = {
    "SemanticHasher": SemanticHasher(N_BITS, similarity=tree, device="cpu", random_state=0),
    "ITQ": ITQHasher(N_BITS, random_state=0),
}
codes = {
    name: hasher.fit(cifar.data[train], names[train]).transform(cifar.data[query])
    for name, hasher in hashers.items()
}
y, superclass, pictures = names[query], cifar.coarse[query], cifar.thumbnails

# %%
# The score of each query is its hierarchical precision at 10: the summed similarity of the ten
# neighbours to the query, divided by the largest sum that ten images could have. It is 1 if all ten
# are of the query's class. Ties at the tenth place count by expectation.


def score(codes):
    """HP@10 of each image among the others."""
    return hierarchical_precision_score(
        codes, y, similarity=tree, k=N_NEIGHBORS, exclude_self=True, per_query=True
    )


def nearest(codes, rows):
    """Rows and Hamming distances of the images nearest to given ones, excluding themselves."""
    distances = cdist(codes[rows], codes, "cityblock").astype(int)
    distances[np.arange(len(rows)), rows] = N_BITS + 1
    # where distances tie, in the order of the data set
    order = np.argsort(distances, axis=1, kind="stable")[:, :N_NEIGHBORS]
    return order, np.take_along_axis(distances, order, axis=1)


scores = {name: score(each) for name, each in codes.items()}
for name, values in scores.items():
    print(
        f"{name:<15} HP@{N_NEIGHBORS}: mean {values.mean():.3f}, median {np.median(values):.3f}, "
        f"1 in {np.sum(values > 1 - 1e-9)} and 0 in {np.sum(values < 1e-9)} of {len(values):,}"
    )

# %%
# How pictures are drawn
# ----------------------
# The frame tells what a neighbour is: green for the class of the query, amber for another class of
# its superclass (other trees for a maple), red for anything else. Below each is its class, and the
# number of bits in which its code differs from that of the query.

COLORS = {"same class": "#1a9850", "same superclass": "#f5a623", "neither": "#d73027"}
LABELS = list(COLORS)


def kinds(row, found):
    """0 for neighbours of the same class as the image in a row, 1 of the superclass, 2 others."""
    return np.where(y[found] == y[row], 0, np.where(superclass[found] == superclass[row], 1, 2))


def draw_picture(ax, row, x, top, color, caption):
    """A thumbnail in a frame, one unit wide, and a line below."""
    ax.imshow(pictures[row], extent=(x, x + 1, top + 1, top), interpolation="bicubic")
    ax.add_patch(Rectangle((x, top), 1, 1, fill=False, edgecolor=color, linewidth=3.5))
    ax.text(x + 0.5, top + 1.06, caption, ha="center", va="top", fontsize=7.5, color="#333333")


def draw_row(ax, row, codes, top, note):
    """An image, its caption, and its neighbours."""
    draw_picture(ax, row, 1.75, top, "#444444", readable(y[row]))
    ax.text(1.6, top + 0.5, note, ha="right", va="center", fontsize=9, linespacing=1.4)
    found, distances = (part[0] for part in nearest(codes, [row]))
    for place, (other, distance, kind) in enumerate(zip(found, distances, kinds(row, found))):
        caption = f"{readable(y[other])}, {distance}"
        draw_picture(ax, other, 3.2 + 1.16 * place, top, COLORS[LABELS[kind]], caption)


def readable(name):
    return name.replace("_", " ")


def new_sheet(n_rows, title, subtitle):
    """Axes for rows of pictures, with titles and the meaning of the frames."""
    width, height = 3.2 + 1.16 * N_NEIGHBORS, 1.42 * n_rows
    scale = 12 / width
    figure, ax = plt.subplots(figsize=(12, scale * height + 1.4), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)
    ax.set(xlim=(0, width), ylim=(height - 0.1, -0.35), aspect="equal")
    ax.axis("off")
    ax.text(2.25, -0.12, "query", ha="center", fontsize=10, fontweight="bold")
    header = "nearest codes: class, and number of bits that differ"
    ax.text(3.2, -0.12, header, fontsize=10, fontweight="bold")
    ax.set_title(subtitle, fontsize=10.5, color="#333333")
    figure.suptitle(title, fontsize=15, fontweight="bold")
    handles = [
        Patch(facecolor="white", edgecolor=color, linewidth=3, label=label)
        for label, color in COLORS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure, ax


# %%
# From the best query to the worst
# --------------------------------
# All 2,000 queries are sorted by their scores; the rows are the first, the last, and five at equal
# steps between. Half of all queries do better than the fourth row, half worse.
#
# Amber mistakes are the ones that codes are meant to make: trees for a tree, flowers for a flower.
# Classes that the features hardly tell apart may even share a code; the images of all of them are
# then at distance 0, in no order of merit. Red ones come mostly from the network behind the
# features. Where it takes a glass bowl for a green pepper, so do the codes, since they find what
# the features see.


def summary(name):
    """The average over all queries, in one line."""
    found, _ = nearest(codes[name], np.arange(len(y)))
    kind = np.stack([kinds(row, others) for row, others in enumerate(found)])
    shares = [
        f"{100 * np.mean(kind == number):.1f} % {label}" for number, label in enumerate(LABELS)
    ]
    return f"{name}: mean HP@{N_NEIGHBORS} {scores[name].mean():.3f}; {', '.join(shares)}"


ranking = np.argsort(-scores["SemanticHasher"], kind="stable")
places = np.linspace(0, len(ranking) - 1, 7).round().astype(int)
titles = ["best", "", "", "median", "", "", "worst"]

figure, ax = new_sheet(
    len(places),
    f"Codes of {N_BITS // 8} bytes an image: best, median and worst of 2,000 queries",
    f"All queries, {summary('SemanticHasher')}",
)
for i, (place, title) in enumerate(zip(places, titles)):
    row = ranking[place]
    value = scores["SemanticHasher"][row]
    note = f"{title or f'{place + 1:,} of 2,000'}\nHP@{N_NEIGHBORS} {value:.2f}"
    draw_row(ax, row, codes["SemanticHasher"], 1.42 * i, note)

# %%
# Beside codes that know no classes
# ---------------------------------
# The same queries, searched with the codes of SemanticHasher and of ITQ, again chosen by a rule:
# the query that gains most, one of median difference, and the one that loses most.

gain = scores["SemanticHasher"] - scores["ITQ"]
by_gain = np.argsort(-gain, kind="stable")
chosen = {
    "largest gain": by_gain[0],
    "median": by_gain[len(gain) // 2],
    "largest loss": by_gain[-1],
}

figure, ax = new_sheet(
    2 * len(chosen),
    f"The same features as {N_BITS} bits: learned from the tree, and without labels",
    f"All queries, {summary('SemanticHasher')}\n{summary('ITQ')}",
)
for i, (title, row) in enumerate(chosen.items()):
    for j, name in enumerate(codes):
        note = f"{title if j == 0 else ''}\n{name}\nHP@{N_NEIGHBORS} {scores[name][row]:.2f}"
        draw_row(ax, row, codes[name], 1.42 * (2 * i + j), note)

# %%
# All queries at once
# -------------------
# A handful of queries shows what mistakes look like, but not how many there are. These are the
# shares over all 2,000 queries, at each place of the ranking.

figure, axes = plt.subplots(1, 2, figsize=(12, 4), sharey=True, layout="constrained")
for ax, (name, each) in zip(axes, codes.items()):
    found, _ = nearest(each, np.arange(len(y)))
    kind = np.stack([kinds(row, others) for row, others in enumerate(found)])
    shares = np.stack([(kind == number).mean(axis=0) for number in range(3)])
    bottom = np.zeros(N_NEIGHBORS)
    for share, (label, color) in zip(shares, COLORS.items()):
        bars = ax.bar(np.arange(1, 11), share, bottom=bottom, color=color, label=label, width=0.85)
        ax.bar_label(bars, [f"{100 * value:.0f}" for value in share], label_type="center")
        bottom += share
    ax.set(title=name, xlabel="place in the ranking", xticks=np.arange(1, 11))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("share of queries")
handles, labels = axes[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
figure.suptitle("What the ten nearest codes are", fontsize=14, fontweight="bold")

# %%
# Learned codes are decisive: more queries than with ITQ find nothing but their class, and more find
# nothing similar at all. How many of the red neighbours could codes of these features have avoided?
# A linear classifier of the same features tells where the features themselves mislead.

classifier = LinearDiscriminantAnalysis().fit(cifar.data[train], cifar.coarse[train])
misread = classifier.predict(cifar.data[query]) != superclass
found, _ = nearest(codes["SemanticHasher"], np.arange(len(y)))
red = superclass[found] != superclass[:, None]
explained = (misread[:, None] | misread[found])[red].mean()
at_random = 1 - (1 - misread.mean()) ** 2
print(
    f"The classifier takes an image of the pair for another superclass in {100 * explained:.0f} % "
    f"of the red pairs of SemanticHasher, and in {100 * at_random:.0f} % of pairs drawn at random."
)

plt.show()

# %%
# For your own pictures, begin with `~skhash.feature_extraction.ImageFeatures`:
# ``make_pipeline(ImageFeatures("timm/resnet50.a1_in1k"), SemanticHasher())`` takes paths or arrays.

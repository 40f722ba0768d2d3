"""
Pictures found by typing a word
===============================

A hasher that learned from the similarity of classes can give a code to a *word*: to a class, to a
class that it never met, and to a word for several classes at once. The pictures whose codes are
nearest are what it takes the word for.

The codes come from features of a pretrained network that ship with the package. It takes about half
a minute on one processor core and needs no download.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch, Rectangle

from skhash import SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import mean_average_precision_score
from skhash.neighbors import HammingNeighbors
from skhash.similarity import TaxonomySimilarity, WordNetSimilarity, load_taxonomy

N_SHOWN = 10

# %%
# A hasher that never saw some of the classes
# -------------------------------------------
# It learns from the 100 classes of CIFAR-100 and a tree of them, but for five classes whose
# pictures are left out. The tree has these too: a leopard is a feline, as lions and tigers are.

UNSEEN = ["leopard", "tulip", "bus", "maple_tree", "whale"]

cifar = load_cifar100_features()
X, y = cifar.data, cifar.target_names[cifar.target]
train, query = cifar.train_indices, cifar.query_indices
train = train[~np.isin(y[train], UNSEEN)]
target = TaxonomySimilarity("cifar100")
hasher = SemanticHasher(n_bits=64, similarity=target, max_iter=20, device="cpu", random_state=0)
hasher.fit(X[train], y[train])

# %%
# 2,000 other pictures, 20 of each class, are searched. ``transform_labels`` gives the codes of
# words, which the index takes like those of pictures.

codes, pictures, classes = hasher.transform(X[query]), cifar.thumbnails, y[query]
index = HammingNeighbors(n_neighbors=N_SHOWN).fit(codes)
words = ["sunflower", "leopard", "bus", "blooming", "tree", "fish"]
distances, rows = index.kneighbors(hasher.transform_labels(words))

# %%
# What it finds
# -------------
# *sunflower* is a class of the training. *leopard* and *bus* are classes that the hasher never met;
# what the tree says of them leads to their relatives, and to themselves among these. The last
# three words are nodes of the tree above several classes; *blooming* is its word for flowers.

MEANT, OTHER, UNKNOWN = "#1a9850", "#d73027", "#888888"


def show(words, distances, rows, classes, pictures, color_of):
    """A line of pictures for each word; the frame is ``color_of(word, class)``."""
    width, height = 2.7 + 1.12 * N_SHOWN, 1.36 * len(words)
    figure, ax = plt.subplots(figsize=(11, 0.9 + 11 / width * height), layout="constrained")
    for i, word in enumerate(words):
        note = "\n(left out)" if word in UNSEEN else ""
        ax.text(2.5, 1.36 * i + 0.5, f"{word}{note}", ha="right", va="center", fontsize=11)
        for place, (row, distance) in enumerate(zip(rows[i], distances[i])):
            left, top = 2.7 + 1.12 * place, 1.36 * i
            ax.imshow(pictures[row], extent=(left, left + 1, top + 1, top), interpolation="bicubic")
            color = color_of(word, classes[row])
            ax.add_patch(Rectangle((left, top), 1, 1, fill=False, edgecolor=color, linewidth=3))
            caption = f"{classes[row].replace('_', ' ')}, {distance}"
            ax.text(left + 0.5, top + 1.05, caption, ha="center", va="top", fontsize=7)
    ax.set(xlim=(0, width), ylim=(height, -0.1), aspect="equal")
    ax.axis("off")
    return figure


tree = load_taxonomy("cifar100")


def color_in_tree(word, found):
    """Green for a picture of what the word says."""
    return MEANT if word == found or word in tree.ancestors(found) else OTHER


figure = show(words, distances, rows, classes, pictures, color_in_tree)
figure.suptitle("The nearest pictures to a word: class, and number of bits that differ")
handles = [
    Patch(facecolor="white", edgecolor=color, linewidth=3, label=label)
    for label, color in {"what the word says": MEANT, "something else": OTHER}.items()
]
figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)

# %%
# All classes at once
# -------------------
# Six words are an anecdote. Average precision says how early the pictures of a class come when its
# name is asked for; a random ranking has .010. A class that was left out comes with its relatives:
# under this tree the code of a leopard says that it is a feline, and nothing else.

for title, labels in (
    ("classes of the training", np.setdiff1d(y, UNSEEN)),
    ("classes left out of it", np.array(UNSEEN)),
):
    score = mean_average_precision_score(hasher.transform_labels(labels), labels, codes, classes)
    print(f"{title}: mean average precision {score:.3f}")

# %%
# Any noun
# --------
# The words of a taxonomy are those that are in it.
# `~skhash.similarity.WordNetSimilarity` compares all nouns of WordNet, so that a hasher which
# learned under it has a code for each. Here it learns 33 kinds of animals, and is asked for
# others. WordNet does not come with the package; where it is missing, a message says how to get
# it.

SYNSETS = {
    "bear": "bear.n.01",
    "bee": "bee.n.01",
    "beetle": "beetle.n.01",
    "butterfly": "butterfly.n.01",
    "camel": "camel.n.01",
    "cattle": "cattle.n.01",
    "chimpanzee": "chimpanzee.n.01",
    "cockroach": "cockroach.n.01",
    "crab": "crab.n.01",
    "crocodile": "crocodile.n.01",
    "dolphin": "dolphin.n.02",
    "elephant": "elephant.n.01",
    "flatfish": "flatfish.n.02",
    "fox": "fox.n.01",
    "hamster": "hamster.n.01",
    "kangaroo": "kangaroo.n.01",
    "leopard": "leopard.n.02",
    "lion": "lion.n.01",
    "lizard": "lizard.n.01",
    "mouse": "mouse.n.01",
    "otter": "otter.n.02",
    "rabbit": "rabbit.n.01",
    "raccoon": "raccoon.n.02",
    "ray": "ray.n.07",
    "seal": "seal.n.09",
    "shark": "shark.n.01",
    "snake": "snake.n.01",
    "spider": "spider.n.01",
    "squirrel": "squirrel.n.01",
    "tiger": "tiger.n.02",
    "trout": "trout.n.02",
    "whale": "whale.n.02",
    "wolf": "wolf.n.01",
}
nouns = ["ape.n.01", "dog.n.01", "salmon.n.01", "wasp.n.02", "invertebrate.n.01"]
animals = WordNetSimilarity("wu_palmer", synsets=SYNSETS)
train = cifar.train_indices[np.isin(y[cifar.train_indices], list(SYNSETS))]
shown = np.isin(classes, list(SYNSETS))
try:
    hasher.set_params(similarity=animals).fit(X[train], y[train])
except LookupError as error:
    print(error)
else:
    index = HammingNeighbors(n_neighbors=N_SHOWN).fit(hasher.transform(X[query[shown]]))
    distances, rows = index.kneighbors(hasher.transform_labels(nouns))
    figure = show(
        nouns, distances, rows, classes[shown], pictures[shown], lambda word, found: UNKNOWN
    )
    figure.suptitle("Nouns of WordNet, none of them a class of the training")

plt.show()

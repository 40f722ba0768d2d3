"""
==========================================
What each measure calls similar
==========================================

One hundred classes, compared by six measures. Each picture is the matrix that a hasher would learn
from and that a graded metric would judge by: each row and column is a class, dark means similar.
Where the measures disagree, the choice is yours.

How they are defined is in :doc:`/guide/similarity`.
"""

# %%
# The classes
# -----------
# Those of CIFAR-100, ordered by their 20 superclasses, and these by kind: animals, plants, things,
# and outdoor scenes. So similar classes are next to each other in all pictures.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from skhash.similarity import LabelSimilarity, TaxonomySimilarity, load_taxonomy

GROUPS = {
    "animals": [
        "aquatic_mammals",
        "large_carnivores",
        "large_omnivores_and_herbivores",
        "medium_mammals",
        "small_mammals",
        "people",
        "reptiles",
        "fish",
        "insects",
        "non-insect_invertebrates",
    ],
    "plants": ["flowers", "fruit_and_vegetables", "trees"],
    "things": [
        "food_containers",
        "household_electrical_devices",
        "household_furniture",
        "vehicles_1",
        "vehicles_2",
    ],
    "outdoors": ["large_man-made_outdoor_things", "large_natural_outdoor_scenes"],
}
coarse = load_taxonomy("cifar100-coarse")
superclasses = [name for group in GROUPS.values() for name in group]
classes = np.array([name for above in superclasses for name in coarse.children(above)])
assert len(classes) == 100

# %%
# The measures
# ------------
# All taxonomies come with the package. ``"cifar100-wordnet"`` has every hypernym that WordNet 3.0
# gives these classes. With WordNet installed, `~skhash.similarity.WordNetSimilarity` compares any
# nouns in the same way.

measures = {
    "LabelSimilarity": LabelSimilarity(),
    "superclasses, lcs_height": TaxonomySimilarity("cifar100-coarse"),
    "Barz & Denzler's tree, lcs_height": TaxonomySimilarity("cifar100"),
    "WordNet, lcs_height": TaxonomySimilarity("cifar100-wordnet"),
    "WordNet, wu_palmer": TaxonomySimilarity("cifar100-wordnet", "wu_palmer"),
    "WordNet, path": TaxonomySimilarity("cifar100-wordnet", "path"),
}
matrices = {name: measure(classes, classes) for name, measure in measures.items()}

# %%
# Class by class
# --------------
# Lines separate the four groups; the squares along the diagonal of the second picture are
# superclasses.

ends = np.cumsum([5 * len(group) for group in GROUPS.values()])
middles = ends - 5 * np.array([len(group) for group in GROUPS.values()]) / 2
figure, axes = plt.subplots(2, 3, figsize=(12, 7.8), layout="constrained")
for axis, (name, matrix) in zip(axes.flat, matrices.items()):
    image = axis.imshow(matrix, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for end in ends[:-1]:
        axis.axhline(end - 0.5, color="0.4", linewidth=0.6)
        axis.axvline(end - 0.5, color="0.4", linewidth=0.6)
    axis.set_title(name, fontsize=11)
    axis.set_xticks(middles - 0.5, GROUPS, fontsize=8)
    axis.set_yticks(middles - 0.5, GROUPS, rotation=90, va="center", fontsize=8)
    axis.tick_params(length=0)
figure.colorbar(image, ax=axes, shrink=0.6, label="similarity")
plt.show()

# %%
# Equality sees only the diagonal, and no mistake is worse than another. The superclasses see two
# levels: a rose is like a tulip, but no more like an oak than like a bus. The tree of Barz &
# Denzler, which they made from WordNet for this purpose, sees living and lifeless things; more than
# half of all pairs have nothing in common. WordNet as it comes sees something in common everywhere,
# if only that both are physical, and has a mind of its own: a rose is a woody plant and so nearer
# to an oak than to a tulip, sea and mountain have next to nothing in common, and fruit is not a
# plant.

for a, b in [("rose", "oak_tree"), ("rose", "tulip"), ("sea", "mountain"), ("apple", "oak_tree")]:
    cell = np.flatnonzero(classes == a)[0], np.flatnonzero(classes == b)[0]
    tree = matrices["Barz & Denzler's tree, lcs_height"][cell]
    wordnet = matrices["WordNet, lcs_height"][cell]
    print(f"{a} and {b}: {tree:.2f} in the tree, {wordnet:.2f} in WordNet")

# %%
# Their distribution
# ------------------
# The share of pairs of different classes up to each similarity. If nearly all pairs lie close
# together, as under ``"path"``, there is little contrast to learn from: only the nearest classes
# stand out. Under ``"wu_palmer"`` hardly anything is wholly different.

pairs = np.triu_indices(len(classes), k=1)
names = list(matrices)[1:]
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name in names:
    axis.ecdf(matrices[name][pairs], label=name)
axis.set_xlim(0, 1)
axis.set_xlabel("similarity of two different classes")
axis.set_ylabel("share of pairs")
axis.legend(fontsize=9)
plt.show()

# %%
# Whether they agree
# ------------------
# Spearman's correlation over the pairs. A hasher depends on the order more than on the scale.

values = np.column_stack([matrices[name][pairs] for name in names])
pd.DataFrame(spearmanr(values).statistic, names, range(1, len(names) + 1)).round(2)

# %%
# The neighbours of a class
# -------------------------
# The classes that follow a class say most about a measure; ties are in alphabetical order. The
# superclasses run out of relatives after four: what follows is arbitrary.


def nearest(name, matrix, k=5):
    order = np.lexsort((classes, -matrix[classes == name][0]))
    return ", ".join(classes[order][classes[order] != name][:k])


pd.options.display.max_colwidth = None
pd.DataFrame(
    {
        name: [nearest(name, matrices[measure]) for measure in names]
        for name in ("dolphin", "apple", "boy", "bus")
    },
    index=names,
)

# %%
# A dolphin is a mammal to all of them; a fish comes before a bear only in the tree, which has a
# node for what lives in water. Which is right depends on who searches.
# `~skhash.similarity.WeightedSimilarity` mixes measures if one is not enough.

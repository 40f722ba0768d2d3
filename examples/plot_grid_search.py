"""
=======================================
Choose a hasher by classes it never saw
=======================================

A hasher has parameters to tune: what "similar" means, how much the features count beside the
classes, how many bits it takes. Here a grid search tunes three of them in a pipeline on features of
CIFAR-100. Each candidate is trained without a fifth of the classes, and judged by how well queries
of those classes find what is near them in the taxonomy.

Three things keep the comparison honest:

- :class:`~skhash.model_selection.UnseenClassSplit` holds whole classes out of training;
- the scorer is given one fixed similarity target. If it used each candidate's own, every candidate
  would set its own standard;
- the cut-off is far above the number of images of a class in a fold, since up to that number one
  code per class is perfect.
"""

# %%
# The data
# --------
# A part of the shipped features: 2,000 training images, about 20 of each class.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import PosteriorEncoder
from skhash.metrics import MultiRetrievalScorer, get_scorer
from skhash.model_selection import UnseenClassSplit, retrieval_evaluate
from skhash.similarity import TaxonomySimilarity

cifar = load_cifar100_features()
names = cifar.target_names[cifar.target]
rows = cifar.train_indices[:2000]
X, y = cifar.data[rows], names[rows]

# %%
# The search
# ----------
# One scorer gives two scores and encodes each fold once: queries of unseen classes and queries of
# seen ones, both among the held-out images of all classes. It tells them apart by the ``classes_``
# of the fitted hasher. ``refit`` names the score to choose by.
target = TaxonomySimilarity("cifar100")
scorer = MultiRetrievalScorer(
    {
        queries: get_scorer("mahp@100", similarity=target, queries=queries)
        for queries in ("unseen", "seen")
    }
)
pipeline = make_pipeline(
    StandardScaler(),
    SemanticHasher(similarity=target, encoder=PosteriorEncoder(), max_iter=10, random_state=0),
)
grid = {
    "standardscaler__with_std": [False],
    "semantichasher__similarity__measure": ["lcs_height", "wu_palmer"],
    "semantichasher__encoder__feature_weight": [0.0, 0.7, 1.4],
    "semantichasher__n_bits": [16, 64],
}
# The features are principal components. Scaled to unit variance, the noise in the last ones weighs
# as much as the meaning in the first ones; one more candidate shows what that costs.
scaled = {
    "standardscaler__with_std": [True],
    "semantichasher__similarity__measure": ["lcs_height"],
    "semantichasher__encoder__feature_weight": [0.7],
    "semantichasher__n_bits": [64],
}
splitter = UnseenClassSplit(2, n_unseen=0.2, seen_size=0.3, unseen_size=0.3, random_state=0)
search = GridSearchCV(
    pipeline, [grid, scaled], cv=splitter, scoring=scorer, refit="unseen", n_jobs=2
)
search.fit(X, y)

candidates = pd.DataFrame(search.cv_results_["params"])
candidates.columns = candidates.columns.str.split("__").str[-1]
candidates["unseen@all"] = search.cv_results_["mean_test_unseen"]
candidates["seen@all"] = search.cv_results_["mean_test_seen"]
candidates = candidates.sort_values("unseen@all", ascending=False)
print("Mean average hierarchical precision at 100")
print(candidates.to_string(index=False, float_format="{:.3f}".format))

# %%
# Each candidate by both scores; the upper right corner is where to look.
colors = {0.0: "C0", 0.7: "C1", 1.4: "C3"}
figure, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
for candidate in candidates.to_dict("records"):
    ax.scatter(
        candidate["seen@all"],
        candidate["unseen@all"],
        facecolor="none" if candidate["with_std"] else colors[candidate["feature_weight"]],
        edgecolor=colors[candidate["feature_weight"]],
        marker="o" if candidate["measure"] == "lcs_height" else "^",
        s=140 if candidate["n_bits"] == 64 else 40,
        alpha=0.8,
    )
chosen = candidates.iloc[0]
ax.annotate(
    "chosen",
    (chosen["seen@all"], chosen["unseen@all"]),
    xytext=(0, 9),
    textcoords="offset points",
    ha="center",
)
legend = [
    *((f"feature weight {weight:g}", "s", color, 7) for weight, color in colors.items()),
    ("LCS height", "o", "0.4", 7),
    ("Wu-Palmer", "^", "0.4", 7),
    ("16 bits", "o", "0.4", 5),
    ("64 bits", "o", "0.4", 11),
]
handles = [
    plt.Line2D([], [], linestyle="", marker=marker, color=color, markersize=size, label=label)
    for label, marker, color, size in legend
]
handles.append(
    plt.Line2D(
        [], [], linestyle="", marker="o", color="C1", fillstyle="none", label="scaled features"
    )
)
ax.legend(handles=handles, frameon=False)
ax.margins(0.12)
ax.set(
    xlabel="mAHP@100, queries of seen classes",
    ylabel="mAHP@100, queries of unseen classes",
    title="Candidates, trained without a fifth of the classes",
)
plt.show()

# %%
# Judge the choice
# ----------------
# The score by which a candidate was chosen flatters it. So the chosen pipeline is fitted again on
# images that the search did not see, and compared with random codes, one code per class, the
# features themselves and a hasher that uses no labels.
other = cifar.train_indices[2000:4000]
evaluation = retrieval_evaluate(
    {"ITQ": ITQHasher(n_bits=64, random_state=0), "chosen": search.best_estimator_},
    cifar.data[other],
    names[other],
    similarity=target,
    k=100,
    splitter=UnseenClassSplit(1, n_unseen=0.2, seen_size=0.3, unseen_size=0.3, random_state=1),
    random_state=0,
)
print(evaluation)

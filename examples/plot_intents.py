"""
What people want: codes of texts
================================

"Wake me at seven" and "set an alarm for 7 am" share no word and want the same. This page goes from
a list of texts with labels to answers: two ways from texts to codes, words alone and sentence
embeddings, what each finds of intents that it was trained on and of intents that it was not, and a
search that prints texts.

It takes about half a minute on one processor core and needs no download.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skhash import HashRetriever, ITQHasher, SemanticHasher
from skhash.datasets import load_intents
from skhash.feature_extraction import TextFeatures
from skhash.metrics import class_distances, retrieval_report
from skhash.similarity import TaxonomySimilarity

# %%
# Texts and a taxonomy
# --------------------
# The package ships 2,304 utterances to a home assistant: 36 of each of 64 intents, which lie in 18
# scenarios. Two intents of one scenario are half as similar as two utterances of one intent.

intents = load_intents()
texts, y = intents.data, intents.target_names[intents.target]
scenario = intents.scenario_names[intents.scenario]
train, query = intents.train_indices, intents.query_indices

similarity = TaxonomySimilarity(intents.taxonomy)
print(intents.taxonomy)
print(similarity(["alarm_set"], ["alarm_set", "alarm_query", "play_music"]))

# %%
# Two ways to codes
# -----------------
# **Words**: TF-IDF, reduced to 256 columns, then the hasher. **Meaning**: the vectors of a sentence
# encoder, then the hasher. `~skhash.feature_extraction.TextFeatures` takes any model of
# sentence-transformers by its name, and keeps vectors in a file, if it is told to:
#
# .. code-block:: python
#
#    TextFeatures("sentence-transformers/all-MiniLM-L6-v2", cache="vectors.sqlite")
#
# It also takes any function of a list of texts. The one here looks up the vectors of that model,
# which come with the data.

vector_of = dict(zip(texts.tolist(), intents.vectors))
features = {
    "words": make_pipeline(TfidfVectorizer(sublinear_tf=True), TruncatedSVD(256, random_state=0)),
    "meaning": TextFeatures(lambda texts: np.stack([vector_of[text] for text in texts])),
}
hasher = SemanticHasher(n_bits=64, similarity=similarity, device="cpu", random_state=0)
models = {
    name: make_pipeline(clone(of), clone(hasher)).fit(texts[train], y[train])
    for name, of in features.items()
}

# %%
# What is near to what
# --------------------
# Mean Hamming distances between the codes of the 64 intents, on the query utterances, which the
# hashers have not seen. Dark blocks on the diagonal are scenarios: what is near in the taxonomy is
# near in bits.

classes = intents.target_names
scenario_of = dict(zip(y.tolist(), scenario.tolist()))
homes = np.array([scenario_of[name] for name in classes.tolist()])
ends = np.flatnonzero(homes[1:] != homes[:-1]) + 0.5
limits = np.r_[-0.5, ends, len(classes) - 0.5]
# those of one intent are too small for a name
named = np.diff(limits) > 1
middles = (limits[:-1] + limits[1:])[named] / 2
panels = {"the taxonomy: 1 - similarity": 1 - similarity(classes, classes)}
for name, model in models.items():
    distances = class_distances(model.transform(texts[query]), y[query]).distances
    panels[f"64 bits from {name}: Hamming distance"] = distances

figure, axes = plt.subplots(1, 3, figsize=(15, 5.6), layout="constrained")
for ax, (title, values) in zip(axes, panels.items()):
    image = ax.imshow(values, cmap="magma", vmin=0)
    ax.set_title(title, fontsize=13)
    ax.set(xticks=[], yticks=[])
    for end in ends:
        ax.axhline(end, color="white", linewidth=0.4, alpha=0.6)
        ax.axvline(end, color="white", linewidth=0.4, alpha=0.6)
    figure.colorbar(image, ax=ax, shrink=0.8)
axes[0].set_yticks(middles, intents.scenario_names[named], fontsize=9)
axes[0].tick_params(length=0)
figure.suptitle("64 intents of a home assistant, 8 bytes an utterance", fontsize=17)
plt.show()

# %%
# A search that prints texts
# --------------------------
# `~skhash.HashRetriever` puts a hasher and an index together. With a payload it answers with what
# is known of each row. ``FrozenEstimator`` keeps the hasher that is fitted already; without it,
# ``HashRetriever(make_pipeline(...)).fit(texts, y, payload=...)`` fits and indexes in one go.

known = pd.DataFrame({"text": texts, "intent": y, "scenario": scenario}).iloc[train]
retrievers = {
    name: HashRetriever(FrozenEstimator(model), rerank=100).fit(texts[train], payload=known)
    for name, model in models.items()
}

asked = texts[query[[21, 130, 300, 501]]]
for name, retriever in retrievers.items():
    answers = retriever.search(asked, 3)
    print(f"\n--- by {name}")
    for number, found in answers.groupby("query"):
        print(f"\n>>> {asked[number]}")
        print(found[["distance", "text", "intent"]].to_string(index=False, header=False))

# %%
# A filter is a condition on the payload, and the search is exact among what passes:

answers = retrievers["meaning"].search(
    asked[:1], 3, filter="scenario in ['calendar', 'datetime'] and intent != 'calendar_remove'"
)
print(answers[["rank", "distance", "text", "intent"]].to_string(index=False))

# %%
# Intents that nobody trained for
# -------------------------------
# Eight intents are left out of training, each from another scenario, and put into the database all
# the same. `~skhash.ITQHasher`, which knows no labels, and the cosine of the features say what was
# to be had without training. The score is the mean average hierarchical precision at 50.

unseen = classes[4::8]
is_unseen = np.isin(y, unseen)
kept = train[~is_unseen[train]]
print("left out:", ", ".join(unseen))

rows = []
for source, of in features.items():
    fitted = clone(of).fit(texts[kept])
    X = np.asarray(fitted.transform(texts), dtype=np.float32)
    ways = {
        "features, cosine": None,
        "ITQ, 64 bits": ITQHasher(64, random_state=0).fit(X[kept]),
        "SemanticHasher, 64 bits": clone(hasher).fit(X[kept], y[kept]),
    }
    for way, fitted in ways.items():
        codes = X if fitted is None else fitted.transform(X)
        for part, asked_rows in (
            ("seen intents", query[~is_unseen[query]]),
            ("unseen intents", query[is_unseen[query]]),
        ):
            report = retrieval_report(
                codes[asked_rows],
                y[asked_rows],
                codes[train],
                y[train],
                k=50,
                similarity=similarity,
                metric="cosine" if fitted is None else "hamming",
            )
            low, high = report.confidence_interval("mahp@50", random_state=0)
            rows.append((source, way, part, report["mahp@50"], low, high))
table = pd.DataFrame(rows, columns=["from", "way", "part", "mahp@50", "low", "high"])
print(table.round(3).to_string(index=False))

# %%
figure, axes = plt.subplots(1, 2, figsize=(12, 4), sharex=True, sharey=True, layout="constrained")
colors = {"words": "#d55e00", "meaning": "#0072b2"}
for ax, (part, of_part) in zip(axes, table.groupby("part", sort=False)):
    for shift, (source, group) in zip((-0.13, 0.13), of_part.groupby("from", sort=False)):
        places = np.arange(len(group)) + shift
        values = group["mahp@50"].to_numpy()
        ends = [values - group["low"], group["high"] - values]
        color = colors[source]
        ax.errorbar(values, places, xerr=ends, fmt="o", color=color, label=source, capsize=3)
        for value, place in zip(values, places):
            ax.annotate(f"{value:.2f}", (value, place), (0, 6), textcoords="offset points")
    ax.set(title=part, xlabel="mAHP@50, 95 % interval over the queries", xlim=(0, 1))
    ax.set_yticks(np.arange(len(group)), group["way"])
    ax.grid(axis="x", color="#dddddd")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylim(2.5, -0.5)
axes[0].legend(loc="lower left", frameon=False)
figure.suptitle("Intents with training data, and without", fontsize=15)
plt.show()

# %%
# With training data the labels make up for most of what words lack. Without, codes are as good as
# what goes in: those from meaning are far ahead of those from words, learned from labels or not,
# and the full vectors, 192 times as large, find more still. Where intents come and go, take the
# vectors of a sentence encoder, and tell seen from unseen when you judge.

"""
===========================
Captions that mean the same
===========================

Two sentences may mean the same and share no word. Codes can learn to see through the words: the
hasher gets the words of a sentence, and *sentence embeddings* tell it what they mean.
"""

# %%
# Words as features, meaning as labels
# ------------------------------------
# The package ships 8,000 captions of pictures (from Conceptual Captions, by courtesy of Google)
# with the embedding of each, made by a language model. 7,000 serve for training and as the
# database; the other 1,000 are queries.
#
# X is made of the words alone: TF-IDF, reduced to 512 columns. Encoding a new caption needs no
# language model.

import textwrap
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_distances
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skhash import ITQHasher, SemanticHasher
from skhash.datasets import load_captions
from skhash.metrics import ndcg_score
from skhash.neighbors import pack_codes
from skhash.similarity import EmbeddingSimilarity, SentenceSimilarity

captions = load_captions()
texts, vectors = captions.data, captions.target
train, query = captions.train_indices, captions.query_indices

words = TfidfVectorizer(sublinear_tf=True, min_df=2).fit(texts[train])
lsa = make_pipeline(words, TruncatedSVD(512, random_state=0), Normalizer()).fit(texts[train])
X = lsa.transform(texts).astype(np.float32)
print(X.shape, vectors.shape)

# %%
# What similar means
# ------------------
# `~skhash.similarity.EmbeddingSimilarity` takes the cosine of two embeddings, cut at ``floor``, and
# with a ``temperature`` reserves more of the range for what is very similar. Look at the cosines of
# your own data first. Here those of unrelated captions are about 0.1, and few pairs are above 0.5.

cosines = (vectors[query] @ vectors[train].T).ravel()
cosine = np.linspace(-0.5, 1, 200)
unit = np.column_stack([cosine, np.sqrt(1 - cosine**2)])
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(cosines, bins=100, density=True)
left.set(xlabel="cosine of two captions", ylabel="density")
for parameters in ({}, {"floor": 0.3}, {"temperature": 0.5}, {"temperature": 0.1}):
    similarity = EmbeddingSimilarity(**parameters)
    label = ", ".join(f"{name}={value}" for name, value in parameters.items()) or "default"
    right.plot(cosine, similarity(unit, [[1.0, 0.0]])[:, 0], label=label)
right.set(xlabel="cosine", ylabel="similarity")
right.legend(fontsize="small")
plt.show()

# %%
# Codes
# -----
# `~skhash.SemanticHasher` compares the labels of one batch at a time, so hundreds of thousands of
# different ones are no burden. `~skhash.ITQHasher` knows the words only.

similarity = EmbeddingSimilarity()
hasher = SemanticHasher(n_bits=128, similarity=similarity, max_iter=15, random_state=0)
started = time.perf_counter()
hasher.fit(X[train], vectors[train])
print(f"{time.perf_counter() - started:.0f} seconds")
itq = ITQHasher(n_bits=128, random_state=0).fit(X[train])

# %%
# If you have no embeddings, pass the sentences themselves as labels:
# `~skhash.similarity.SentenceSimilarity` encodes each distinct one once, with any function or model
# that turns a list of strings into rows of numbers. Under every other target an array of strings
# holds the names of classes.
#
# .. code-block:: python
#
#    from sentence_transformers import SentenceTransformer
#
#    target = SentenceSimilarity(SentenceTransformer("all-MiniLM-L6-v2"))
#    SemanticHasher(similarity=target).fit(X[train], texts[train])

by_words = SentenceSimilarity(lsa.transform)
print(by_words(["a dog on the beach"], ["dogs at the beach", "a red car"]).round(2))

# %%
# Side by side
# ------------
# The three nearest captions of the training set by the codes of each hasher, 16 bytes per caption,
# and by the cosine of TF-IDF with all its columns. ``=`` marks captions whose embedding has a
# cosine of at least 0.5 with that of the query.


def hamming_distances(hasher):
    """Distances from the query captions to the training captions."""
    codes = hasher.transform(X)
    packed = pack_codes(codes[train])
    return np.array(
        [np.bitwise_count(packed ^ row).sum(axis=1) for row in pack_codes(codes[query])]
    )


distances = {
    "SemanticHasher, 128 bits": hamming_distances(hasher),
    "ITQ, 128 bits": hamming_distances(itq),
    "TF-IDF": cosine_distances(words.transform(texts[query]), words.transform(texts[train])),
}


def print_nearest(number, n_nearest=3, width=34):
    """Print a query caption and the nearest captions by each of the distances."""
    print(f"\n>>> {texts[query][number]}\n")
    columns = []
    for name, values in distances.items():
        lines = [name, ""]
        for row in np.argsort(values[number], kind="stable")[:n_nearest]:
            alike = vectors[query][number] @ vectors[train][row] >= 0.5
            lines += textwrap.wrap(("= " if alike else "  ") + texts[train][row], width) + [""]
        columns.append(lines)
    for row in range(max(map(len, columns))):
        print("  ".join((c[row] if row < len(c) else "").ljust(width) for c in columns).rstrip())


for number in (2, 6, 12, 13, 8):
    print_nearest(number)

# %%
# A combination of elements is recognised as food, and an airline finds aircraft without sharing
# words. The last query shows the limit: its words say more than the codes keep.

# %%
# In numbers
# ----------
# NDCG with the similarity of the embeddings as the degree of relevance: 1 would be the order by the
# embeddings themselves, which a query made of words alone does not have. No full matrix of
# similarities is made; queries are compared one block at a time.

labels = vectors[query], None, vectors[train]
for name, values in distances.items():
    scores = [
        ndcg_score(values, *labels, similarity=similarity, k=k, metric="precomputed")
        for k in (10, 100)
    ]
    print(f"{name:25} NDCG@10 {scores[0]:.3f}   NDCG@100 {scores[1]:.3f}")

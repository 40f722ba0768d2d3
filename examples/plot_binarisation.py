"""
======================================
How outputs turn binary, and its price
======================================

A hasher computes a real output for every bit and rounds it. How much rounding loses depends on how
far the outputs are from 0 and 1. :class:`~skhash.KLBinaryHasher` limits the loss in two ways: it
already rounds bits when it compares neighbours during training ("straight through"), and its KL
term pulls the distribution of the outputs towards a binary one. This example shows both at work on
the CIFAR-100 features, without labels, and what the KL term gains and costs.
"""

# %%
# Outputs during training
# -----------------------
# `KLBinaryHasher` usually begins as ITQ, with outputs that are already far from 1/2. Here a plain
# linear layer begins with outputs of about 1/2, so everything you see is learned. Each call of
# ``partial_fit`` is an epoch; the outputs are those of rows not trained on.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.neighbors import NearestNeighbors

from skhash import ITQHasher, KLBinaryHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import binary_kl, quantization_gap, recall_at_k_score

pd.options.display.float_format = "{:.3f}".format
pd.options.display.width = 100

cifar = load_cifar100_features()
X = cifar.data[cifar.train_indices[:4000]]
X_query = cifar.data[cifar.query_indices[:1000]]


def linear_from_zero(n_features, n_bits):
    """A linear layer with outputs near 1/2."""
    from torch import nn

    layer = nn.Linear(n_features, n_bits)
    nn.init.normal_(layer.weight, std=0.1 / n_features**0.5)
    return nn.Sequential(nn.BatchNorm1d(n_features, affine=False), layer)


def mean_gap(outputs):
    """Mean distance of an output to its bit."""
    return np.abs(outputs - outputs.round()).mean()


EPOCHS = (1, 5, 15)
WEIGHTS = {"without the KL term": 0.0, "with it, weight 1": 1.0}
histograms, rows = {}, {}
for label, kl_weight in WEIGHTS.items():
    hasher = KLBinaryHasher(
        n_bits=64,
        network=linear_from_zero,
        kl_weight=kl_weight,
        batch_size=256,
        learning_rate=5e-3,
        random_state=0,
    )
    for epoch in range(1, EPOCHS[-1] + 1):
        hasher.partial_fit(X)
        if epoch in EPOCHS:
            outputs = expit(hasher.decision_function(X_query))
            histograms[label, epoch] = outputs.ravel()
            rows[label, epoch] = {
                "mean |z - bit|": mean_gap(outputs),
                "KL to binary, nats a bit": binary_kl(outputs, random_state=0),
            }
print(pd.DataFrame(rows).T.rename_axis(["", "epoch"]))

COLORS = {"without the KL term": "#7a8793", "with it, weight 1": "#14746f"}
figure, axes = plt.subplots(
    1, len(EPOCHS), figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained"
)
for ax, epoch in zip(axes, EPOCHS, strict=True):
    for label, color in COLORS.items():
        ax.hist(
            histograms[label, epoch],
            bins=40,
            range=(0, 1),
            density=True,
            histtype="stepfilled",
            color=color,
            alpha=0.55,
            label=label,
        )
    ax.set(title=f"epoch {epoch}", xlabel="output z", xlim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("density")
axes[-1].legend(frameon=False, fontsize=9, loc="upper center")
figure.suptitle("Outputs turn binary")

# %%
# The neighbourhood term sees only rounded bits, so the outputs behind them do not matter to it.
# They do to the KL term: after 15 epochs the outputs gather at 0 and 1, and their divergence from
# independent binary bits is about half of what it is without the term.
#
# What rounding loses
# -------------------
# From its usual start, at 8 to 128 bits: how far outputs are from their bits, and how many of the
# 10 true nearest neighbours are among the first 100, once ranked by the real values (the cosine of
# decision values) and once by the codes, with ITQ for comparison.

neighbors = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X)
relevance = neighbors.kneighbors_graph(X_query).toarray().astype(bool)
variants = {
    "ITQ": lambda n_bits: ITQHasher(n_bits, random_state=0),
    **{
        f"KL weight {weight}": lambda n_bits, weight=weight: KLBinaryHasher(
            n_bits,
            network="linear",
            kl_weight=weight,
            max_iter=10,
            early_stopping=False,
            random_state=0,
        )
        for weight in (0, 0.03, 1)
    },
}
rows = {}
for n_bits in (8, 16, 32, 64, 128):
    for name, make in variants.items():
        hasher = make(n_bits).fit(X)
        values = hasher.decision_function(X_query)
        recall = quantization_gap(
            values,
            None,
            hasher.decision_function(X),
            None,
            score=recall_at_k_score,
            k=100,
            relevance=relevance,
        )
        rows[n_bits, name] = {
            "mean |z - bit|": np.nan if name == "ITQ" else mean_gap(expit(values)),
            "recall, real values": recall.continuous,
            "recall, codes": recall.binary,
            "gap": recall.gap,
        }
table = pd.DataFrame(rows).T.rename_axis(["bits", "method"])
print(table)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
COLORS = dict(zip(variants, ("#c8553d", "#7a8793", "#5aa9a3", "#0b4f4a"), strict=True))
for name, color in COLORS.items():
    part = table.xs(name, level="method")
    left.plot(part.index, part["recall, codes"], color=color, marker="o", label=name)
    right.plot(part.index, part["gap"], color=color, marker="o")
for ax, label in ((left, "10 neighbours among the first 100"), (right, "lost by rounding")):
    ax.set(xscale="log", xlabel="bits", ylabel=label)
    ax.set_xticks(part.index, part.index)
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False)
figure.suptitle("Recall of the codes, and what rounding takes from it")
plt.show()

# %%
# Training with rounded bits is what makes rounding cheaper than in ITQ: all but the strongest KL
# term lose less, at every number of bits. A strong KL term spreads the codes, and the real values
# keep more of the neighbours; only long codes gain from it, not short ones, which have no bits to
# spare. Started from ITQ, outputs are about as binary with the term as without. Hence its small
# default weight of 0.03: raise it for long codes, or if you use the real outputs, as in asymmetric
# search.

"""Recall against bytes, from the runs that benchmarks/embeddings_64_bits.py keeps."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

COLORS = {
    "KLBinaryHasher": "#0b4f4a",
    "ITQHasher": "#c8553d",
    "ITQHasher, factors": "#e39a3b",
    "OPQ of faiss": "#3f5f9e",
    "RaBitQ of faiss": "#8a5fa8",
    "PQ of faiss": "#7a8793",
    "IndexLSH of faiss": "#b9c0c6",
}
PANELS = {
    "Hamming": "by Hamming distance",
    "all codes": "real query, all codes",
    "floats": "floats of 100 candidates",
}

runs = pd.read_json(Path("../../benchmarks/results/embeddings_64_bits.jsonl"), lines=True)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharey=True, layout="constrained")
for method, color in COLORS.items():
    own = runs[runs["method"] == method].groupby("bytes").mean(numeric_only=True)
    chosen = own.filter(like="chosen by: ").dropna(axis=1, how="all")
    if chosen.shape[1]:
        # the values that did best on rows of the fit
        forms = chosen.idxmax(axis=1).str.removeprefix("chosen by: ")
        own["all codes"] = [own.loc[size, f"all codes: {form}"] for size, form in forms.items()]
    for ax, column in zip(axes, PANELS, strict=True):
        shown = own[column].dropna()
        ax.plot(shown.index, shown, marker="o", markersize=4, color=color, label=method)
for ax, title in zip(axes, PANELS.values(), strict=True):
    ax.set(xscale="log", xlabel="bytes an item", title=title)
    ax.set_xticks([8, 16, 32, 50], [8, 16, 32, 50])
    ax.minorticks_off()
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("share of the 10 nearest found")
axes[1].legend(frameon=False, fontsize=8)

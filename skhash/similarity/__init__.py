"""What "similar" means: targets that compare labels, and the taxonomies behind them."""

from skhash.similarity._embedding import EmbeddingSimilarity
from skhash.similarity._evaluate import (
    class_similarity,
    evaluate_similarity,
    resolve_similarity,
)
from skhash.similarity._label import LabelSimilarity
from skhash.similarity._load import load_taxonomy
from skhash.similarity._multilabel import MultilabelSimilarity
from skhash.similarity._precomputed import PrecomputedSimilarity
from skhash.similarity._taxonomic import TaxonomySimilarity
from skhash.similarity._taxonomy import Taxonomy

__all__ = [
    "EmbeddingSimilarity",
    "LabelSimilarity",
    "MultilabelSimilarity",
    "PrecomputedSimilarity",
    "Taxonomy",
    "TaxonomySimilarity",
    "class_similarity",
    "evaluate_similarity",
    "load_taxonomy",
    "resolve_similarity",
]

"""What "similar" means: targets that compare labels, and the taxonomies behind them."""

from skhash.similarity._embedding import EmbeddingSimilarity
from skhash.similarity._evaluate import (
    check_labels,
    class_similarity,
    evaluate_similarity,
    prepare_similarity,
    resolve_similarity,
    takes_levels,
)
from skhash.similarity._label import LabelSimilarity
from skhash.similarity._load import load_taxonomy
from skhash.similarity._mapped import MappedSimilarity
from skhash.similarity._multilabel import MultilabelSimilarity
from skhash.similarity._precomputed import PrecomputedSimilarity
from skhash.similarity._sentence import SentenceSimilarity
from skhash.similarity._taxonomic import TaxonomySimilarity
from skhash.similarity._taxonomy import Taxonomy
from skhash.similarity._weighted import ColumnsSimilarity, WeightedSimilarity
from skhash.similarity._wordnet import WordNetSimilarity

__all__ = [
    "ColumnsSimilarity",
    "EmbeddingSimilarity",
    "LabelSimilarity",
    "MappedSimilarity",
    "MultilabelSimilarity",
    "PrecomputedSimilarity",
    "SentenceSimilarity",
    "Taxonomy",
    "TaxonomySimilarity",
    "WeightedSimilarity",
    "WordNetSimilarity",
    "check_labels",
    "class_similarity",
    "evaluate_similarity",
    "load_taxonomy",
    "prepare_similarity",
    "resolve_similarity",
    "takes_levels",
]

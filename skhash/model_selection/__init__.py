"""Splits for retrieval and unseen classes, and the evaluation that uses both."""

from skhash.model_selection._card import hasher_card
from skhash.model_selection._evaluate import retrieval_evaluate
from skhash.model_selection._evaluation import RetrievalEvaluation
from skhash.model_selection._retrieval_split import RetrievalSplit
from skhash.model_selection._unseen_split import UnseenClassSplit

__all__ = [
    "RetrievalEvaluation",
    "RetrievalSplit",
    "UnseenClassSplit",
    "hasher_card",
    "retrieval_evaluate",
]

"""Class codes: random, far apart, or at distances that follow how unlike the classes are."""

from skhash.codebooks._hadamard import hadamard_codebook
from skhash.codebooks._majority import majority_codes
from skhash.codebooks._make import make_codebook
from skhash.codebooks._maxhd import maxhd_codebook
from skhash.codebooks._random import balanced_codebook, bernoulli_codebook
from skhash.codebooks._report import codebook_rank_correlation, codebook_report
from skhash.codebooks._semantic import semantic_codebook

__all__ = [
    "balanced_codebook",
    "bernoulli_codebook",
    "codebook_rank_correlation",
    "codebook_report",
    "hadamard_codebook",
    "majority_codes",
    "make_codebook",
    "maxhd_codebook",
    "semantic_codebook",
]

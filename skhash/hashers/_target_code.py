"""What hashers share that give each sample a code to meet bit by bit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skhash.codebooks import majority_codes
from skhash.hashers._codebook import CodebookHasher


class TargetCodeHasher(CodebookHasher):
    """Base class of the hashers whose samples have target codes, by their classes or labels.

    The target of a sample of one class is the code of this class; that of a sample of several
    labels the majority of their codes, bit by bit, with ties as `tie_code_` says. A sample
    without a label has none.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        **CodebookHasher._parameter_constraints,
        "codebook": [
            StrOptions({"auto", "hadamard", "bernoulli", "maxhd", "balanced", "semantic"}),
            "array-like",
        ],
    }

    def _draw_codebook(self, random_state):
        super()._draw_codebook(random_state)
        self.tie_code_ = random_state.randint(2, size=int(self.n_bits)).astype(np.uint8)

    def _codebook_kind(self):
        if not (isinstance(self.codebook, str) and self.codebook == "auto"):
            return self.codebook
        n_bits = int(self.n_bits)
        is_power = n_bits & (n_bits - 1) == 0
        return "hadamard" if is_power and len(self.classes_) <= 2 * n_bits else "bernoulli"

    def _target_codes(self, target):
        """Target code of each row: -1 and 1, int8; 0 for rows without a label."""
        target = target.cpu().numpy()
        if target.ndim == 1:
            return (2 * self.codebook_.astype(np.int8) - 1)[target]
        codes = 2 * majority_codes(self.codebook_, target, self.tie_code_).astype(np.int8) - 1
        codes[~target.any(axis=1)] = 0
        return codes

"""The checks behind `skhash.utils.estimator_checks`, by what they look at."""

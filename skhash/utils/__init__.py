"""Helpers shared by the packages, and the estimator checks."""

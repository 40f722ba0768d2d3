"""Rows of the study on CIFAR-100: hashers of the library, and what a practitioner would try.

Each function takes a `Fit` and the number of bits, and returns a function from rows of X to codes.
"""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
from scipy.linalg import eigh
from scipy.special import softmax
from sklearn.base import clone
from sklearn.linear_model import Ridge

import skhash
from skhash import ITQHasher, OrthoHasher, SemanticHasher
from skhash._torch.posterior import classifier_state
from skhash.codebooks import semantic_codebook
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.similarity import class_similarity

# the networks behind the rows named "posterior": name in the row -> parameters
CLASSIFIERS = {
    "linear": {"network": "linear", "dropout": 0.0},
    "MLP": {"dropout": 0.5},
    # no dropout: it has the training rows by heart
    "overfitted MLP": {"dropout": 0.0},
}


# settings of `PosteriorEncoder` that are the same for all data
FIXED = {"temperature": 0.85, "feature_weight": 1.0, "shrinkage": 0.5}


class Fit:
    """Training rows, and what several rows of the table make of them once."""

    def __init__(self, X, y, similarity, seed):
        self.X, self.y, self.target, self.seed = X, y, similarity, seed
        self.classes, self.labels = np.unique(y, return_inverse=True)
        self._networks: dict = {}

    @cached_property
    def similarity(self):
        return class_similarity(self.target, self.classes)

    @cached_property
    def embedding(self):
        """Vectors of the classes with the similarity as inner product, the largest parts first."""
        values, vectors = eigh(self.similarity)
        return (vectors * np.sqrt(values.clip(min=0)))[:, ::-1]

    def logits(self, X, classifier):
        """Logits of a classifier trained by plain cross-entropy."""
        if classifier not in self._networks:
            hasher = SemanticHasher(
                encoder=PosteriorEncoder(label_smoothing=0, mixup=0, **FIXED),
                random_state=self.seed,
                **CLASSIFIERS[classifier],
            )
            self._networks[classifier] = hasher.fit(self.X, self.y)
        hasher = self._networks[classifier]
        return hasher._network_outputs(
            X,
            _of_classifier(hasher.architecture_),
            classifier_state(hasher.network_state_),
            n_outputs=len(self.classes),
            device="auto",
        )

    def posterior(self, X, classifier, temperature):
        return softmax(self.logits(X, classifier) / temperature, axis=1)

    def semantic_hasher(self, n_bits, encoder=None):
        """`SemanticHasher` by its defaults, or with an encoder that differs in how it reads bits.

        The classifiers, that of the fit and that of its trial without some classes, depend neither
        on this nor on the number of bits: they are trained once, and the codes are those of a fit
        of its own.
        """
        fitted = self._networks.get("SemanticHasher")
        if fitted is None:
            # fixed settings leave the trial out of this fit
            fitted = SemanticHasher(
                similarity=self.target,
                encoder=PosteriorEncoder(**FIXED),
                random_state=self.seed,
            )
            self._networks["SemanticHasher"] = fitted.fit(self.X, self.y)
        hasher = SemanticHasher(n_bits, similarity=self.target, random_state=self.seed)
        vars(hasher).update({k: v for k, v in vars(fitted).items() if k.endswith("_")})
        hasher.n_features_in_, hasher.n_bits_ = fitted.n_features_in_, n_bits
        hasher.encoder_ = PosteriorEncoder() if encoder is None else clone(encoder)
        architecture = _of_classifier(fitted.architecture_)
        task = hasher.encoder_._task(hasher._problem(self.X, self.y, "class", self.labels))
        task.settle(self.X, architecture, partial(self._train_aside, hasher, architecture))
        hasher.architecture_, hasher.network_state_ = task.complete(
            self.X, architecture, classifier_state(fitted.network_state_)
        )
        return hasher

    def _train_aside(self, hasher, architecture, *args, **kwargs):
        if "aside" not in self._networks:
            options = hasher._training_options(identity={})
            logits = hasher._train_aside(options, architecture, *args, **kwargs)
            self._networks["aside"] = logits
        return self._networks["aside"]


def _of_classifier(architecture):
    """The part of a posterior encoder's architecture that belongs to its classifier."""
    added = ("n_classes", "temperature")
    return {name: value for name, value in architecture.items() if name not in added}


def constant(fit, n_bits):
    return lambda X: np.zeros((len(X), n_bits), dtype=np.uint8)


def random_codes(fit, n_bits):
    random = np.random.default_rng(fit.seed)
    return lambda X: random.integers(2, size=(len(X), n_bits), dtype=np.uint8)


def ridge_itq(fit, n_bits):
    ridge = Ridge(alpha=100.0).fit(fit.X, fit.embedding[fit.labels, :n_bits])
    values = ridge.predict(fit.X)
    hasher = ITQHasher(min(n_bits, values.shape[1]), random_state=fit.seed).fit(values)
    return lambda X: hasher.transform(ridge.predict(X))


def posterior_codes(fit, n_bits, classifier, temperature):
    codebook = 2.0 * semantic_codebook(fit.similarity, n_bits, random_state=fit.seed) - 1
    mean = (fit.posterior(fit.X, classifier, temperature) @ codebook).mean(axis=0)

    def encode(X):
        return (fit.posterior(X, classifier, temperature) @ codebook > mean).astype(np.uint8)

    return encode


def joined(fit, n_bits, classifier, temperature, weight):
    """Embedding of the classes that the posterior expects, beside the features; PCA, ITQ."""

    def unscaled(X):
        return fit.posterior(X, classifier, temperature) @ fit.embedding

    def moments(values):
        mean = values.mean(axis=0)
        return mean, np.sqrt(np.square(values - mean).sum(axis=1).mean())

    (mean, scale), (x_mean, x_scale) = moments(unscaled(fit.X)), moments(fit.X)

    def values(X):
        return np.hstack([(unscaled(X) - mean) / scale, weight * (X - x_mean) / x_scale])

    hasher = ITQHasher(n_bits, random_state=fit.seed).fit(values(fit.X))
    return lambda X: hasher.transform(values(X))


def unsupervised(fit, n_bits, hasher):
    made = hasher(n_bits)
    if "random_state" in made.get_params():
        made.set_params(random_state=fit.seed)
    return made.fit(fit.X).transform


def supervised(fit, n_bits, hasher, semantic=True, **parameters):
    target = {"similarity": fit.target} if semantic else {}
    fitted = hasher(n_bits, random_state=fit.seed, **target, **parameters).fit(fit.X, fit.y)
    return fitted.transform


def semantic_hasher(fit, n_bits, encoder=None):
    return fit.semantic_hasher(n_bits, encoder).transform


# for related objectives: half the epochs of the defaults, in batches of twice the size
_SHORT = {"max_iter": 20, "batch_size": 256, "semantic": False}


def _relational(similarity, kl, classification, network):
    return partial(
        supervised,
        hasher=SemanticHasher,
        **_SHORT | {"semantic": True},
        encoder=RelationalEncoder(
            similarity_weight=similarity, kl_weight=kl, classification_weight=classification
        ),
        network=network,
    )


def _ortho(codebook, **parameters):
    return partial(supervised, hasher=OrthoHasher, codebook=codebook, **parameters)


SANITY = {"one code for all": constant, "random bits": random_codes}
UNSUPERVISED = {
    "random projection": partial(unsupervised, hasher=skhash.RandomProjectionHasher),
    "PCA": partial(unsupervised, hasher=skhash.PCAHasher),
    "spectral": partial(unsupervised, hasher=skhash.SpectralHasher),
    "ITQ": partial(unsupervised, hasher=skhash.ITQHasher),
    "KLBinaryHasher": partial(unsupervised, hasher=skhash.KLBinaryHasher),
}
CLOSED_FORM = {
    "CCA-ITQ": partial(supervised, hasher=skhash.CCAITQHasher, semantic=False),
    "class codes": partial(supervised, hasher=skhash.ClassCodeHasher, semantic=False),
    "ridge-ITQ": ridge_itq,
}
RELATED = {
    "HashNet": partial(supervised, hasher=skhash.HashNetHasher, **_SHORT),
    "DPSH": partial(supervised, hasher=skhash.DPSHHasher, **_SHORT),
    "GreedyHash": partial(supervised, hasher=skhash.GreedyHasher, **_SHORT),
    "CSQ": partial(supervised, hasher=skhash.CSQHasher, **_SHORT),
    "DPN": partial(supervised, hasher=skhash.DPNHasher, **_SHORT),
    "class anchors": partial(supervised, hasher=skhash.ClassAnchorHasher, **_SHORT),
    "rank consistency": partial(
        supervised, hasher=skhash.RankConsistencyHasher, **_SHORT | {"semantic": True}
    ),
}
ORTHO = {
    "OrthoHash, random codes, linear": _ortho("bernoulli", network="linear"),
    "OrthoHash, random codes, MLP": _ortho("bernoulli"),
    "OrthoHash, MaxHD": _ortho("maxhd"),
    "cosine softmax to semantic codes (s 4, m .3), linear": _ortho(
        "semantic", network="linear", scale=4.0, margin=0.3
    ),
    "OrthoHasher, semantic": _ortho("semantic"),
}
RELATIONAL = {
    "relational only, linear": _relational(1.0, 0.0, 0.0, "linear"),
    "relational only, MLP": _relational(1.0, 0.0, 0.0, "mlp"),
    "relational + .05 classifier, linear": _relational(1.0, 0.0, 0.05, "linear"),
    "relational + .05 classifier, MLP": _relational(1.0, 0.0, 0.05, "mlp"),
    "relational + .05 classifier + .01 KL, linear": _relational(1.0, 0.01, 0.05, "linear"),
}
POSTERIOR = {
    f"posterior codes, T {t}, {name}": partial(posterior_codes, classifier=name, temperature=t)
    for name in CLASSIFIERS
    for t in (1, 2)
} | {
    f"posterior T {t} ({name}) + {label} features, ITQ": partial(
        joined, classifier=name, temperature=t, weight=weight
    )
    for name in ("MLP", "overfitted MLP")
    for t, label, weight in ((1, "half", 0.5), (1, "full", 1.0), (3, "half", 0.5))
}
OURS = {
    "SemanticHasher": semantic_hasher,
    "SemanticHasher, fixed settings": partial(semantic_hasher, encoder=PosteriorEncoder(**FIXED)),
    "SemanticHasher, relational": partial(
        supervised, hasher=SemanticHasher, encoder=RelationalEncoder()
    ),
}
ROWS = SANITY | UNSUPERVISED | CLOSED_FORM | RELATED | ORTHO | RELATIONAL | POSTERIOR | OURS

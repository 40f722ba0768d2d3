"""Hashers as ONNX models."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from numbers import Integral
from pathlib import Path
from uuid import uuid4

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skhash.base import BaseHasher
from skhash.export._compare_onnx import compare_onnx
from skhash.utils._optional import import_optional

_OUTPUTS = ("bits", "packed", "values")
# torch writes no operators before these
_OLDEST_OPSET = 18
# the first type is the default
_DTYPES = {"features": ("float32", "float64"), "images": ("uint8", "float32")}


def to_onnx(hasher, path=None, *, dtype=None, opset_version=18, check=None):
    """Turn a fitted hasher into an ONNX model, for programs without Python or torch.

    The model has one input and three outputs; request only the ones you want.

    ========== ========= ================================= =======================================
    name       type      shape                             what
    ========== ========= ================================= =======================================
    features   `dtype`   (n, n_features)                   the samples, any number of them
    images     `dtype`   (n, height, width, n_channels)    the same, for a hasher of images
    bits       uint8     (n, n_bits)                       0 or 1, as ``transform`` gives them
    packed     uint8     (n, ceil(n_bits / 8))             as `~skhash.neighbors.pack_codes` packs
    values     float32   (n, n_bits)                       as ``decision_function`` gives them
    ========== ========= ================================= =======================================

    For features the bits are those that ``transform`` gives for samples of this type: the model
    computes in float64. Images, and networks of your own, are computed in float32, where a bit may
    differ whose value is within rounding of the threshold. `check` compares them on your own rows.

    Parameters
    ----------
    hasher : estimator
        A fitted hasher; a `~sklearn.pipeline.Pipeline` of
        `~sklearn.preprocessing.StandardScaler`, `~sklearn.preprocessing.Normalizer`,
        `~sklearn.decomposition.PCA` and a hasher; for `~skhash.ClassCodeHasher` its
        classifier must be linear, or such a pipeline that ends in a linear one.
    path : str, path-like or None, default=None
        The file to write. It appears under this name only when it is complete.
    dtype : {"float32", "float64", "uint8"} or None, default=None
        Type of the input. None takes float32 for features, where float64 is possible too, and
        uint8 for images, where float32 is.
    opset_version : int, default=18
        ONNX opset version, 18 or later. Later ones need later runtimes.
    check : array-like of shape (n_samples, ...) or None, default=None
        Rows on which onnxruntime must give every bit as ``transform`` does; otherwise nothing
        is written.

    Returns
    -------
    model : onnx.ModelProto
        The model. Its ``metadata_props`` hold ``skhash.version``, ``skhash.estimator`` (the name
        of its class), ``skhash.n_bits`` and ``skhash.n_features``.

    Raises
    ------
    ImportError
        If an ONNX package is missing: ``pip install onnx onnxscript``, and onnxruntime for `check`.
    TypeError
        If the estimator cannot be exported.
    ValueError
        If dtype or opset_version is invalid.
    FileNotFoundError
        If the directory of path does not exist.
    RuntimeError
        If a bit of `check` differs. The message says how far its value was from the threshold.

    See Also
    --------
    compare_onnx : The check on its own.

    Notes
    -----
    With features of float32, the bits of a closed form are those of
    ``transform(X.astype(np.float32))``. Trained hashers take X as float32 whatever its type.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> from skhash.export import to_onnx
    >>> X = load_digits().data.astype(np.float32)
    >>> hasher = ITQHasher(n_bits=16, random_state=0).fit(X)
    >>> model = to_onnx(hasher, check=X)
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> (packed,) = session.run(["packed"], {"features": X[:5]})
    >>> packed.shape, packed.dtype
    ((5, 2), dtype('uint8'))
    """
    onnx = import_optional("onnx", "to_onnx", "onnx", "onnxscript")
    import_optional("onnxscript", "to_onnx", "onnx", "onnxscript")
    last = hasher.steps[-1][1] if isinstance(hasher, Pipeline) else hasher
    if not isinstance(last, BaseHasher):
        raise TypeError(
            "hasher must be a hasher of skhash or a Pipeline that ends in one, got "
            f"{type(hasher).__name__}"
        )
    check_is_fitted(hasher)
    name, shape = _input_of(hasher, last)
    dtype = _check_dtype(dtype, name)
    if not isinstance(opset_version, Integral) or opset_version < _OLDEST_OPSET:
        raise ValueError(f"opset_version must be at least {_OLDEST_OPSET}, got {opset_version!r}")
    if path is not None and not Path(path).parent.is_dir():
        raise FileNotFoundError(f"there is no directory {str(Path(path).parent)!r} for path")
    model = _trace(hasher, last.n_bits_, name, shape, dtype, opset_version)
    _describe(model, last, hasher.n_features_in_)
    onnx.checker.check_model(model)
    if check is not None:
        _check_bits(model, hasher, check)
    if path is not None:
        _write(model, Path(path))
    return model


def _input_of(hasher, last):
    """Name of the input, and shape of a sample."""
    if hasattr(last, "input_shape_"):
        return "images", last.input_shape_
    return "features", (hasher.n_features_in_,)


def _check_dtype(dtype, name):
    if dtype is None:
        return _DTYPES[name][0]
    wanted = np.dtype(dtype).name
    if wanted not in _DTYPES[name]:
        raise ValueError(f"dtype must be one of {_DTYPES[name]} for {name}, got {dtype!r}")
    return wanted


def _trace(hasher, n_bits, name, shape, dtype, opset_version):
    import torch

    from skhash.export._modules import Coder, to_module

    coder = Coder(to_module(hasher), n_bits).eval()
    # a batch of 1 would be taken for a constant
    example = torch.zeros(2, *shape, dtype=getattr(torch, dtype))
    with _quiet_exporter(), torch.no_grad():
        program = torch.onnx.export(
            coder,
            (example,),
            dynamo=True,
            input_names=[name],
            output_names=list(_OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=opset_version,
            verbose=False,
        )
    return program.model_proto


@contextlib.contextmanager
def _quiet_exporter():
    """Silence torch's exporter on optional packages and its own deprecations."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


def _describe(model, hasher, n_features):
    """Describe the model, and remove what only concerns the machine that made it."""
    import onnx

    import skhash

    graph = model.graph
    parts = [*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for function in model.functions:
        parts += [function, *function.node, *function.value_info]
    for part in parts:
        # stack traces, with the paths of files
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.doc_string = "Bits, packed bytes and bit values of a hasher."
    properties = {
        "skhash.version": skhash.__version__,
        "skhash.estimator": type(hasher).__name__,
        "skhash.n_bits": str(hasher.n_bits_),
        "skhash.n_features": str(n_features),
    }
    onnx.helper.set_model_props(model, properties)


def _check_bits(model, hasher, X):
    comparison = compare_onnx(model, hasher, X)
    if comparison.n_differing_bits:
        raise RuntimeError(
            f"{comparison.n_differing_bits} of {comparison.n_bits} bits of check differ from those "
            f"of transform; their values are up to {comparison.largest_differing_value:.2g} from "
            f"the threshold, and values differ by up to {comparison.largest_difference:.2g}; "
            "nothing was written"
        )


def _write(model, path):
    import onnx

    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        onnx.save_model(model, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

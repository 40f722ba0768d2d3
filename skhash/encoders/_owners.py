"""Errors that say whose a parameter is, where it was given to another."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

_Init = TypeVar("_Init", bound=Callable)


def names_owners(init: _Init) -> _Init:
    """Make a constructor refuse the parameters of the library's encoders by the right name."""
    known = set(inspect.signature(init).parameters)

    @wraps(init)
    def checked(self, *args, **kwargs):
        for name in kwargs:
            if name not in known and owners(name):
                raise TypeError(misplaced(name, self))
        init(self, *args, **kwargs)

    return checked  # type: ignore[return-value]  # the same signature, by wraps


def owners(name):
    """The library's encoders that have a parameter."""
    from skhash.encoders import PosteriorEncoder, RelationalEncoder

    return [
        kind.__name__
        for kind in (PosteriorEncoder, RelationalEncoder)
        if name in kind._get_param_names()
    ]


def misplaced(name, estimator):
    """What to say of a parameter that an encoder has, given to another estimator."""
    owner, kind = owners(name)[0], type(estimator).__name__
    return (
        f"{name} is a parameter of {owner}, not of {kind}: give SemanticHasher "
        f"encoder={owner}({name}=...)"
    )


class NamesOwners:
    """Mixin: ``set_params`` says whose a parameter is."""

    def set_params(self, **params):
        """Set parameters, of the estimator or of those in it.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``encoder__kl_weight`` is that of an encoder.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such parameter. Where it belongs to an encoder, that is named.
        """
        own = self._get_param_names()  # type: ignore[attr-defined]
        for key in params:
            name, _, nested = key.partition("__")
            if name not in own and owners(name):
                raise ValueError(misplaced(name, self))
            encoder = params.get("encoder", getattr(self, "encoder", None))
            if name == "encoder" and nested and isinstance(encoder, str):
                owner = (owners(nested) or ["PosteriorEncoder"])[0]
                raise ValueError(
                    f"{key} asks for an encoder as an object, got encoder={encoder!r}: set "
                    f"encoder={owner}() first"
                )
        return super().set_params(**params)  # type: ignore[misc]

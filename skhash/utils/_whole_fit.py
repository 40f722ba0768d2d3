"""A fit sets all fitted attributes of an estimator, or none."""

from __future__ import annotations

import inspect
from functools import wraps

from skhash.utils._locks import changing

# methods that set fitted attributes from data
_FITTING = ("fit", "partial_fit")


class WholeFit:
    """Mixin: a fit that fails or is interrupted leaves the estimator as it was.

    This holds for `fit` and `partial_fit` of all subclasses. They may set attributes in any order,
    and must not change in place what attributes hold: an array of the last fit, say. Methods that
    are marked as reading the estimator (`skhash.utils._locks`) wait for a fit in another thread.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in _FITTING:
            method = vars(cls).get(name)
            if inspect.isfunction(method):
                setattr(cls, name, _all_or_nothing(method))


class EarlyEnd(KeyboardInterrupt):
    """An interrupt after which a method raises, though it has set all fitted attributes."""


def _all_or_nothing(method):
    @changing
    @wraps(method)
    def whole(self, *args, **kwargs):
        before = self.__dict__
        # the method works on a copy; one assignment, which no interrupt can cut in two, takes back
        # all that it has set, and what it has removed
        self.__dict__ = dict(before)
        try:
            return method(self, *args, **kwargs)
        except EarlyEnd:
            # plain: a method around this one, of a subclass, has not set its own attributes
            raise KeyboardInterrupt from None
        except BaseException:
            self.__dict__ = before
            raise

    return whole

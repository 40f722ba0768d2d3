"""From the plan of a manifest to the model: names are trusted or refused, then objects are made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from skhash._persist._errors import LoadError
from skhash._persist._names import Trust, is_own, resolve, top_package
from skhash._persist._objects import (
    is_estimator_class,
    is_own_value_class,
    is_plain_class,
    make,
    parameter_defaults,
    parameter_names,
)
from skhash._persist._plan import ObjectPlan, Planner, Workshop


def decode(
    records: Any, array_names: Any, trust: Trust, saved_by: str
) -> Callable[[Mapping[str, Any]], Any]:
    """Check the objects of a manifest, and return what makes the model of them.

    Parameters
    ----------
    records : list of dict
        The objects, as `Encoder` lists them.
    array_names : container of str
        The arrays that there are.
    trust : Trust
        Whose code may be imported.
    saved_by : str
        The versions that wrote the manifest, for error messages.

    Returns
    -------
    make_model : callable
        From a mapping of the arrays by name to the model. It raises LoadError if a class or a
        codec refuses what it is given.

    Raises
    ------
    LoadError
        If the objects are not as the encoder writes them, or their code is not trusted, is not
        there, or has other parameters.
    """
    planner = Planner(array_names)
    plans = planner.plan_all(records)
    _check_trust(planner, trust)
    code = {name: resolve(name) for name in sorted(planner.classes | planner.callables)}
    for name in planner.classes:
        _check_class(name, code[name], trust)
    for name in planner.callables:
        if not callable(code[name]):
            raise LoadError(f"{name} cannot be called")
    if not is_estimator_class(code[plans[-1].name or ""]):
        raise LoadError(f"the model must be an estimator, got {plans[-1].name}")
    defaults = [_missing_params(plan, code, saved_by) for plan in plans]

    def make_model(arrays):
        workshop = Workshop(arrays, code, [])
        for number, (plan, missing) in enumerate(zip(plans, defaults)):
            try:
                workshop.objects.append(_make_object(plan, missing, workshop))
            except Exception as error:
                raise LoadError(
                    f"object {number} of the model ({plan.name or 'a value'}) cannot be made: "
                    f"{type(error).__name__}: {error}"
                ) from error
        return workshop.objects[-1]

    return make_model


def _check_trust(planner: Planner, trust: Trust) -> None:
    """Refuse all names that are not trusted at once, before any is imported."""
    untrusted = [name for name in planner.classes if not (trust.allows(name) or is_own(name))]
    untrusted += [name for name in planner.callables if not trust.allows(name)]
    if untrusted:
        raise LoadError(f"the model refers to {', '.join(sorted(untrusted))}. {_advice(untrusted)}")


def _advice(names) -> str:
    modules = sorted({name.partition(":")[0] for name in names})
    return (
        "That is code which the model is not trusted to run. If you know the code, and who made "
        f"the model, load it with trusted={modules}"
    )


def _check_class(name: str, kind: Any, trust: Trust) -> None:
    ours = is_estimator_class(kind) or is_own_value_class(kind)
    if not trust.allows(name) and not ours:
        raise LoadError(f"the model refers to {name}, which is no estimator. {_advice([name])}")
    if not isinstance(kind, type) or not is_plain_class(kind):
        raise LoadError(f"{name} is no class whose objects are made of attributes alone")


def _missing_params(plan: ObjectPlan, code: Mapping[str, Any], saved_by: str) -> dict[str, Any]:
    """Default values of the parameters that the class did not have when the model was saved."""
    if plan.name is None:
        return {}
    kind, given = code[plan.name], set(plan.params)
    known = set(parameter_names(kind)) if is_estimator_class(kind) else set()
    if given - known:
        message = (
            f"{plan.name} has no parameters {sorted(given - known)} in the version that is "
            f"installed; the model was saved by {saved_by}"
        )
        if top_package(plan.name) != "sklearn":
            raise LoadError(message)
        # scikit-learn's classes lose parameters from time to time; its own pickles go on as well
        warnings.warn(message, UserWarning, stacklevel=4)
    defaults = parameter_defaults(kind) if is_estimator_class(kind) else {}
    missing = known - given
    if missing - set(defaults):
        raise LoadError(
            f"the model lacks the parameters {sorted(missing - set(defaults))} of {plan.name}"
        )
    return {name: defaults[name] for name in missing}


def _make_object(plan: ObjectPlan, missing: dict[str, Any], workshop: Workshop) -> Any:
    if plan.value is not None:
        return plan.value(workshop)
    members = {name: member(workshop) for name, member in {**plan.params, **plan.state}.items()}
    return make(workshop.code[plan.name or ""], {**missing, **members})

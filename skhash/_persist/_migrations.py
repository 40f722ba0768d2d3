"""From manifests of older format versions to the present one.

A migration is given the members of a manifest of one version, and returns those of the next. It
knows names and values as they were written then, and no classes of today.
"""

from __future__ import annotations

from typing import Any

_HASHER = "skhash:SemanticHasher"
#: Parameters of the encoders by the name that a `SemanticHasher` of version 1 had them under,
#: with their defaults then.
_POSTERIOR = {
    "label_smoothing": ("label_smoothing", 0.1),
    "mixup": ("mixup", 0.2),
    "temperature": ("temperature", 0.85),
    "feature_weight": ("feature_weight", 1.0),
}
_RELATIONAL = {
    "similarity_weight": ("similarity_weight", 1.0),
    "kl_weight": ("kl_weight", 0.003),
    "classification_weight": ("classification_weight", 0.2),
    "pair_form": ("pair_distance", "product"),
    "pair_gamma": ("pair_gamma", 0.1),
    "pair_rho": ("pair_rho", 1.5),
    "kl_alpha": ("kl_alpha", 0.1),
    "kl_n_draws": ("kl_n_draws", None),
}
_ENCODERS = {
    "posterior": ("skhash.encoders:PosteriorEncoder", _POSTERIOR),
    "direct": ("skhash.encoders:RelationalEncoder", _RELATIONAL),
}


def encoders_as_objects(content: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: the encoder of a `SemanticHasher` is an object, and has its parameters."""
    objects: list[dict[str, Any]] = []
    places: list[int] = []
    for record in content["objects"]:
        record = dict(record)
        for part in ("params", "state"):
            if part in record:
                record[part] = {k: _renumbered(v, places) for k, v in record[part].items()}
        if "value" in record:
            record["value"] = _renumbered(record["value"], places)
        if record.get("class") == _HASHER and "label_smoothing" in record["params"]:
            record = _with_encoders(record, objects)
        places.append(len(objects))
        objects.append(record)
    return content | {"version": 2, "objects": objects}


def _with_encoders(record, objects):
    """A hasher whose encoders have joined the objects, in the order in which it refers to them."""
    params, state = dict(record["params"]), dict(record["state"])
    old = {name: params.pop(name) for name in (*_POSTERIOR, *_RELATIONAL) if name in params}
    chosen, fitted = params["encoder"], state.get("encoder_")
    if chosen == "auto" and _changed(old, fitted or _choice(old)):
        # what it was set to holds for another fit as well
        chosen = fitted or _choice(old)
    if chosen != "auto":
        params["encoder"] = _add(objects, chosen, old)
    if fitted is not None:
        state["encoder_"] = _add(objects, fitted, old)
    return record | {"params": params, "state": state}


def _choice(old):
    """The encoder that "auto" of an unfitted hasher stands for, as far as its parameters tell."""
    relational = old.get("classification_weight") == 0 or not _changed(old, "posterior")
    return "direct" if relational else "posterior"


def _changed(old, encoder):
    """Whether an encoder had other parameters than their defaults."""
    names = _ENCODERS[encoder][1]
    return any(old[name] != default for name, (_, default) in names.items() if name in old)


def _add(objects, encoder, old):
    """Add an encoder to the objects; return how a value refers to it."""
    name, names = _ENCODERS[encoder]
    params = {new: old[before] for before, (new, _) in names.items() if before in old}
    objects.append({"class": name, "params": params, "state": {}})
    return {"object": len(objects) - 1}


def _renumbered(node, places):
    """A value with the numbers of the objects that it refers to as they are now."""
    if isinstance(node, list):
        return [_renumbered(item, places) for item in node]
    if not isinstance(node, dict):
        return node
    ((tag, payload),) = node.items()
    if tag == "object":
        # one that is not there is left for the decoder to refuse
        known = type(payload) is int and 0 <= payload < len(places)
        return {tag: places[payload] if known else payload}
    if tag == "dict":  # its keys are no tags
        return {tag: {name: _renumbered(item, places) for name, item in payload.items()}}
    return {tag: _renumbered(payload, places)}

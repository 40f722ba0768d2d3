"""The files choose no code but estimators of ours, and what the caller trusts by name."""

import sys
from importlib import import_module

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skhash._persist import LoadError, _names, load, save
from skhash.feature_extraction import ImageFeatures
from skhash.similarity import SentenceSimilarity

pytestmark = pytest.mark.usefixtures("nothing_is_made")
makes_objects = pytest.mark.usefixtures("objects_may_be_made")


def refuse(path, match, **options):
    with pytest.raises(LoadError, match=match):
        load(path, **options)


def _set(*keys, to):
    def edit(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return edit


EVIL = """
import pathlib
pathlib.Path(__file__).with_name("imported").touch()
from sklearn.base import BaseEstimator
from os import system
from collections import OrderedDict

class Estimator(BaseEstimator):
    pass

class Plain:
    pass

class Reduced:
    def __reduce__(self):
        return print, ("evil",)

class Holder:
    import os

def function():
    pass

number = 3
"""


@pytest.mark.parametrize("member", ["Estimator", "Plain", "function"])
def test_code_that_is_not_trusted_is_not_imported(
    member, model, tmp_path, change_manifest, user_module
):
    name = user_module(EVIL, "users.evil")
    if member == "function":
        edit = _set("objects", 0, "params", "copy", to={"callable": f"{name}:function"})
    else:
        edit = _set("objects", 0, "class", to=f"{name}:{member}")
    change_manifest(model, edit)
    for trusted in ((), ["users"], ["users.evi"], ["users.evil.more"], ["user."], ["evil"]):
        refuse(model, rf"users\.evil:{member}.* trusted=\['users\.evil'\]", trusted=trusted)
    assert name not in sys.modules
    assert not (tmp_path / "code" / "users" / "imported").exists()


def test_all_that_is_not_trusted_is_named_at_once(model, change_manifest):
    def edit(content):
        content["objects"][0]["params"]["copy"] = {"callable": "os:system"}
        content["objects"][1]["class"] = "subprocess:Popen"

    change_manifest(model, edit)
    refuse(model, "os:system, subprocess:Popen.*trusted=.'os', 'subprocess'.")
    refuse(model, "to subprocess:Popen.*trusted=.'subprocess'.", trusted=["os"])


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.utils:os.system",
        "sklearn:clone",
        "sklearn.base:BaseEstimator.fit",
        "sklearn.utils._bunch:Bunch",
        "skhash:load",
        "skhash._persist._names:Trust",
        "skhash.similarity:Taxonomy",
        "sklearn.datasets:load_svmlight_file",
        "sklearn.preprocessing:Nothing",
        "sklearn.nothing:Nothing",
        "sklearn.base:inspect",
        "sklearn.pipeline:StandardScaler",
        "skhash.base:BaseHasher",
    ],
)
def test_only_estimators_of_our_own_packages(name, model, change_manifest):
    change_manifest(model, _set("objects", 0, "class", to=name))
    refuse(model, "not an estimator|defines no such|cannot be imported|attributes alone")
    change_manifest(model, _set("objects", 0, "params", "copy", to={"callable": name}))
    change_manifest(model, _set("objects", 0, "class", to="sklearn.decomposition:PCA"))
    refuse(model, "not trusted")


@pytest.mark.parametrize(
    "name", ["sklearn.tests.test_base:MyEstimator", "skhashy:X", "sklearny.a:X"]
)
def test_modules_that_only_look_like_ours(name, model, change_manifest):
    change_manifest(model, _set("objects", 0, "class", to=name))
    refuse(model, "not trusted")


@pytest.mark.parametrize(
    "name",
    [
        None,
        3,
        "",
        "os",
        ":",
        "os:",
        ":system",
        "os.path.:x",
        "..os:x",
        "os:a b",
        "os:<lambda>",
        [],
        "a:b:c",
    ],
)
def test_names_that_are_none(name, model, change_manifest):
    change_manifest(model, _set("objects", 0, "class", to=name))
    refuse(model, "wanted 'module:name'", trusted=["os"])
    change_manifest(model, _set("objects", 0, "class", to="sklearn.decomposition:PCA"))
    change_manifest(model, _set("objects", 0, "params", "copy", to={"callable": name}))
    refuse(model, "wanted 'module:name'", trusted=["os"])


@pytest.mark.parametrize(
    "member",
    ["system", "OrderedDict", "pathlib", "number", "Holder.os", "Holder.os.system", "none"],
)
def test_a_trusted_module_lends_only_what_it_defines(member, model, change_manifest, user_module):
    name = user_module(EVIL, "users.lender")
    edit = _set("objects", 0, "params", "copy", to={"callable": f"{name}:{member}"})
    change_manifest(model, edit)
    refuse(model, "defines no such class or function", trusted=[name])


@pytest.mark.parametrize("member", ["Reduced", "function", "Plain"])
def test_classes_that_are_not_made_of_attributes(member, model, change_manifest, user_module):
    name = user_module(EVIL, "users.classes")
    # as the model itself, where no plain object will do
    change_manifest(model, _set("objects", -1, "class", to=f"{name}:{member}"))
    refuse(model, "attributes alone|must be the model", trusted=[name])


@makes_objects
@pytest.mark.parametrize(
    "trusted", [["users.fine"], "users.fine", ["users."], ("os", "users.fine")]
)
def test_code_that_is_trusted(trusted, tmp_path, user_module):
    name = user_module(EVIL, "users.fine")
    module = import_module(name)
    estimator = module.Estimator()
    estimator.function_ = [module.function, module.Estimator]
    save(estimator, tmp_path / "model")
    loaded = load(tmp_path / "model", trusted=trusted)
    assert type(loaded) is module.Estimator
    assert loaded.function_ == [module.function, module.Estimator]


def test_trust_that_is_no_name(model):
    for trusted in ([3], [None], [["os"]]):
        with pytest.raises(TypeError, match="names of modules"):
            load(model, trusted=trusted)
    for trusted in (["*"], [""], ["."], ["os:system"], ["os.*"], "os path"):
        with pytest.raises(ValueError, match="names of modules"):
            load(model, trusted=trusted)


@makes_objects
def test_methods_are_few(tmp_path, change_manifest):
    save(SentenceSimilarity(PCA().transform), tmp_path / "model")
    place = ("objects", -1, "params", "encoder", "method", "dict")
    for name in ("__reduce__", "fit", "set_params", "__class__"):
        change_manifest(tmp_path / "model", _set(*place, "name", to=name))
        refuse(tmp_path / "model", "a method must be one of")


@makes_objects
def test_names_of_what_is_downloaded_are_trusted_or_refused(tmp_path, change_manifest):
    name = "timm/hf-hub:someone/model"
    save(make_pipeline(ImageFeatures(name), PCA()), tmp_path / "model")
    for trusted in ((), ["timm/hf-hub:someone/other"], ["timm"], ["timm."]):
        refuse(tmp_path / "model", "would download 'timm/hf-hub:someone/model'", trusted=trusted)
    assert load(tmp_path / "model", trusted=[name])[0].backbone == name
    # in whatever form the name comes
    scalar = {"scalar": {"dict": {"dtype": "<U0", "value": name}}}
    for place, value in (("params", scalar), ("state", name), ("state", scalar)):
        change_manifest(tmp_path / "model", _set("objects", 0, place, "backbone", to=value))
        refuse(tmp_path / "model", "would download 'timm/hf-hub:someone/model'")
    save(ImageFeatures(np.mean), tmp_path / "function")
    assert load(tmp_path / "function", trusted=["numpy"]).backbone is np.mean


def test_functions_of_numpy_before_they_said_their_module(monkeypatch):
    class Function:
        """As `numpy.log1p` before numpy 2.2."""

        __name__ = "log1p"

    old = Function()
    monkeypatch.setattr(_names.np, "ufunc", Function)
    monkeypatch.setattr(_names.np, "log1p", old)
    monkeypatch.setattr(Function, "__module__", None)
    assert _names.import_name(old) == "numpy:log1p"
    assert _names.resolve("numpy:log1p") is old

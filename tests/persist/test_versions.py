"""Models of older versions keep loading."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import InconsistentVersionWarning

from skhash import ITQHasher, PCAHasher, SemanticHasher
from skhash._persist import LoadError, _manifest, load, save
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.similarity import Taxonomy, TaxonomySimilarity

FIXTURES = Path(__file__).parent / "fixtures"


def read_manifest(folder):
    path = folder / "manifest.json"
    return _manifest.read_manifest(path.read_bytes(), str(path))


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("version", "name", "kind"),
    [
        ("v1", "itq", ITQHasher),
        ("v1", "semantic", SemanticHasher),
        ("v1", "semantic_direct", SemanticHasher),
        ("v2", "semantic", SemanticHasher),
        ("v2", "semantic_relational", SemanticHasher),
    ],
)
def test_older_versions(version, name, kind, mmap):
    X, codes, values = (
        np.load(FIXTURES / file, allow_pickle=False)
        for file in ("v1/X.npy", f"{version}/{name}_codes.npy", f"{version}/{name}_values.npy")
    )
    model = load(FIXTURES / version / name, mmap=mmap)
    assert type(model) is kind
    assert np.array_equal(model.transform(X), codes)
    # other processors round otherwise
    np.testing.assert_allclose(model.decision_function(X), values, rtol=1e-4, atol=1e-5)


def test_version_1_keeps_what_was_learned():
    model = load(FIXTURES / "v1" / "semantic")
    assert model.classes_.tolist() == ["cat", "dog", "oak"]
    assert model.classes_.dtype == "<U3"
    assert model.training_labels_.tolist() == ["cat", "dog", "oak"] * 20
    assert np.array_equal(
        np.unpackbits(model.training_codes_, axis=1)[:, :4],
        np.load(FIXTURES / "v1" / "semantic_codes.npy"),
    )
    assert isinstance(model.similarity, TaxonomySimilarity)
    assert model.similarity.taxonomy == Taxonomy.from_paths(
        [("animal", "cat"), ("animal", "dog"), ("plant", "oak")]
    )
    assert model.class_similarity_.tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    assert model.hidden_layer_sizes == (6,)
    assert (model.random_state, model.device_, model.n_features_in_) == (0, "cpu", 5)


@pytest.mark.parametrize("mmap", [False, True])
def test_version_1_of_a_retriever_and_of_packed_codes(mmap):
    X = np.load(FIXTURES / "v1" / "X.npy")
    retriever = load(FIXTURES / "v1" / "retriever", mmap=mmap)
    ids = np.load(FIXTURES / "v1" / "retriever_ids.npy")
    assert np.array_equal(retriever.kneighbors(X, return_distance=False), ids)
    assert retriever.classes_.tolist() == ["cat", "dog", "oak"]
    packed = load(FIXTURES / "v1" / "packed", mmap=mmap)
    assert packed.shape == (60, 4)
    assert np.array_equal(packed, retriever.hasher_.transform(X))


def semantic_encoders(name):
    model = load(FIXTURES / "v1" / name)
    return model.encoder, model.encoder_


def fixed_posterior(**parameters):
    """With the defaults of then, settings that were the same for all data."""
    return PosteriorEncoder(**{"temperature": 0.85, "feature_weight": 1.0} | parameters)


def test_version_1_had_the_parameters_of_encoders_in_the_hasher():
    encoder, fitted = semantic_encoders("semantic")
    assert encoder == "auto"
    assert fitted.get_params() == fixed_posterior().get_params()
    encoder, fitted = semantic_encoders("semantic_direct")
    wanted = RelationalEncoder(pair_distance="manhattan", kl_weight=0.1, kl_n_draws=20)
    assert encoder.get_params() == fitted.get_params() == wanted.get_params()
    assert encoder is not fitted


@pytest.mark.parametrize(
    ("fitted", "params", "expected"),
    [
        # what "auto" was set to goes with the encoder that it chose
        (True, {"temperature": 2.0}, fixed_posterior(temperature=2.0)),
        (True, {"kl_weight": 2.0}, "auto"),
        (False, {"kl_weight": 2.0}, RelationalEncoder(kl_weight=2.0)),
        (False, {"classification_weight": 0}, RelationalEncoder(classification_weight=0)),
        (False, {"mixup": 0.0}, fixed_posterior(mixup=0.0)),
        (False, {"encoder": "posterior"}, fixed_posterior()),
        (False, {"encoder": "direct", "pair_rho": 3}, RelationalEncoder(pair_rho=3)),
        (False, {}, "auto"),
    ],
)
def test_version_1_encoders_by_their_names(fitted, params, expected, change_manifest, tmp_path):
    def changed(content):
        hasher = content["objects"][-1]
        hasher["params"].update(params)
        if not fitted:
            hasher["state"] = {}

    shutil.copytree(FIXTURES / "v1" / "semantic", tmp_path / "model")
    change_manifest(tmp_path / "model", changed)
    encoder = load(tmp_path / "model").encoder
    assert type(encoder) is type(expected)
    assert repr(encoder) == repr(expected)


def test_version_2_is_what_is_written(tmp_path):
    """A changed format must come with a new number, and a migration from this one."""
    folders = [FIXTURES / "v1" / name for name in ("itq", "semantic", "retriever", "packed")]
    folders += [FIXTURES / "v1" / "semantic_direct"]
    folders += [FIXTURES / "v2" / name for name in ("semantic", "semantic_relational")]
    for number, folder in enumerate(folders):
        model = load(folder)
        save(model, tmp_path / str(number))
        old, new = (read_manifest(path) for path in (folder, tmp_path / str(number)))
        for part in ("format", "version", "arrays", "files"):
            assert old[part] == new[part]
        # a class may have gained parameters since; what it had is written as before
        for one, other in zip(old["objects"], new["objects"], strict=True):
            assert one.get("class") == other.get("class")
            assert one.get("value") == other.get("value")
            assert one.get("params", {}).items() <= other.get("params", {}).items()
            assert one.get("state") == other.get("state")


@pytest.fixture
def model(tmp_path):
    save(PCAHasher(n_bits=3).fit(np.random.RandomState(0).randn(20, 5)), tmp_path / "model")
    return tmp_path / "model"


def test_a_version_0_is_refused_where_nothing_migrates_it(model, change_manifest):
    change_manifest(model, lambda content: content.update(version=0))
    with pytest.raises(LoadError, match="format version 0, which is no longer read"):
        load(model)


def test_a_version_0_is_migrated(model, change_manifest, monkeypatch):
    def to_version_0(content):
        content["version"] = 0
        content["estimators"] = content.pop("objects")

    def from_version_0(content):
        content = dict(content, version=1)
        content["objects"] = content.pop("estimators")
        return content

    change_manifest(model, to_version_0)
    monkeypatch.setitem(_manifest.MIGRATIONS, 0, from_version_0)
    assert load(model).components_.shape == (3, 5)


def test_migrations_follow_each_other(model, change_manifest, monkeypatch):
    def migrate(content):
        seen.append(content["version"])
        return dict(content, version=content["version"] + 1)

    seen = []
    monkeypatch.setattr(_manifest, "VERSION", 4)
    monkeypatch.setitem(_manifest.MIGRATIONS, 2, migrate)
    monkeypatch.setitem(_manifest.MIGRATIONS, 3, migrate)
    assert load(model).n_bits_ == 3
    assert seen == [2, 3]


def test_what_a_migration_makes_is_checked(model, change_manifest, monkeypatch):
    change_manifest(model, lambda content: content.update(version=0))
    monkeypatch.setitem(_manifest.MIGRATIONS, 0, lambda content: {"version": 1})
    with pytest.raises(LoadError, match="damaged: KeyError"):
        load(model)


def test_a_parameter_that_is_new_gets_its_default(model, change_manifest):
    def before_store_codes(content):
        del content["objects"][0]["params"]["store_codes"]

    change_manifest(model, before_store_codes)
    loaded = load(model)
    assert loaded.store_codes is False
    assert repr(loaded) == "PCAHasher(n_bits=3)"


def test_a_parameter_without_default_that_lacks(tmp_path, change_manifest):
    save(TaxonomySimilarity("cifar100"), tmp_path / "target")
    change_manifest(tmp_path / "target", lambda c: c["objects"][0]["params"].pop("taxonomy"))
    with pytest.raises(LoadError, match=r"lacks the parameters \['taxonomy'\] of skhash"):
        load(tmp_path / "target")


def test_a_parameter_that_is_unknown(model, change_manifest):
    def from_the_future(content):
        content["objects"][0]["params"]["whiten"] = True
        content["saved_by"]["skhash"] = "7.2"

    change_manifest(model, from_the_future)
    with pytest.raises(LoadError, match=r"PCAHasher has no parameters \['whiten'\].*skhash 7\.2"):
        load(model)


def test_another_version_of_scikit_learn_warns(tmp_path, change_manifest):
    save(PCA(2).fit(np.random.RandomState(0).randn(9, 3)), tmp_path / "pca")

    def older(content):
        content["objects"][0]["state"]["_sklearn_version"] = "1.6.0"
        content["objects"][0]["params"]["gone"] = "deprecated"

    change_manifest(tmp_path / "pca", older)
    with (
        pytest.warns(UserWarning, match=r"has no parameters \['gone'\]"),
        pytest.warns(InconsistentVersionWarning, match="from version 1.6.0"),
    ):
        loaded = load(tmp_path / "pca")
    assert loaded.components_.shape == (2, 3)


def test_the_versions_are_written_down(model):
    import sklearn

    import skhash

    saved_by = read_manifest(model)["saved_by"]
    assert saved_by == {
        "skhash": skhash.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


def test_a_class_goes_by_its_public_name(model):
    """Files and modules of the package may be renamed, and the model still loads."""
    manifest = read_manifest(model)
    assert [record["class"] for record in manifest["objects"]] == ["skhash:PCAHasher"]


def test_a_copy_of_the_fixture_is_not_needed_whole(tmp_path):
    """What version control adds, or a file browser, is no part of a model."""
    shutil.copytree(FIXTURES / "v1" / "itq", tmp_path / "itq")
    (tmp_path / "itq" / ".gitattributes").touch()
    assert load(tmp_path / "itq").n_bits_ == 4

"""The page of a hasher: what it says, that it says it as text, and that it stands alone."""

from __future__ import annotations

import re
from base64 import b64decode
from html import escape, unescape
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest

plt = pytest.importorskip("matplotlib.pyplot", reason="pages have figures")

from sklearn.decomposition import TruncatedSVD  # noqa: E402 - after the skip
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.frozen import FrozenEstimator  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from skhash import (  # noqa: E402
    CCAITQHasher,
    HashRetriever,
    ITQHasher,
    RandomProjectionHasher,
)
from skhash.datasets import load_intents  # noqa: E402
from skhash.metrics import retrieval_report  # noqa: E402
from skhash.model_selection import _card_parts, hasher_card  # noqa: E402
from skhash.similarity import EmbeddingSimilarity, TaxonomySimilarity  # noqa: E402

EVIL = '<script>alert("$x^$")</script> & $1 ${title} \\'


@pytest.fixture(scope="module")
def data():
    """Vectors, names of ten intents in four scenarios, and texts, of training and query rows."""
    intents = load_intents()
    chosen = np.flatnonzero(intents.target < 10)
    names = intents.target_names[intents.target]
    rows = [np.intersect1d(part, chosen) for part in (intents.train_indices, intents.query_indices)]
    parts = [(intents.vectors[part], names[part], intents.data[part]) for part in rows]
    return *parts, TaxonomySimilarity(intents.taxonomy)


@pytest.fixture(scope="module")
def hasher(data):
    X, y, _ = data[0]
    return CCAITQHasher(n_bits=16, random_state=0).fit(X, y)


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch):
    """What figures show is tested with the displays."""
    monkeypatch.setattr(_card_parts, "_DOTS_PER_INCH", 30)


class Tags(HTMLParser):
    """Tags with what they refer to, and whether they are closed in order."""

    VOID = ("meta", "img")

    def __init__(self, page):
        super().__init__()
        self.names, self.links, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def plain(page):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("</style>")[2])).split())


def test_scores_and_intervals_are_those_of_reports(data, hasher):
    (X_train, _, _), (X, y, texts), target = data
    page = plain(
        hasher_card(
            hasher, X, y, similarity=target, k=12, items=texts, X_train=X_train, random_state=3
        )
    )
    seed = int(np.random.RandomState(3).randint(np.iinfo(np.int32).max))
    itq = ITQHasher(16, random_state=seed).fit(X_train)
    options = {"similarity": target, "k": 12, "exclude_self": True}
    reports = {
        "CCAITQHasher": retrieval_report(hasher.transform(X), y, **options),
        "features, cosine": retrieval_report(X, y, metric="cosine", **options),
        "ITQ, 16 bits": retrieval_report(itq.transform(X), y, **options),
    }
    for name, report in reports.items():
        cells = []
        for score in ("mahp@12", "ndcg@12", "map", "precision@12"):
            low, high = report.confidence_interval(score, random_state=seed)
            cells.append(f"{report[score]:.3f} {low:.3f} to {high:.3f}")
        assert " ".join([name, *cells]) in page
    table = reports["CCAITQHasher"].compare(
        reports["ITQ, 16 bits"], random_state=seed, scores=["mahp@12"]
    )
    assert f"mahp@12 minus that of ITQ, 16 bits: {table['difference'][0]:+.3f}" in page
    worst = reports["CCAITQHasher"].by_group("mahp@12")
    assert f"{worst.rows[0]} {worst['score'][0]:.3f} ± {worst['standard error'][0]:.3f} 9" in page
    assert "which favours it" not in page
    assert "16 bits 2 bytes an item" in page
    assert "CCAITQHasher(n_bits=16, random_state=0)" in page
    assert "n_features_in_ 384" in page


def test_examples_are_the_nearest_rows(data, hasher):
    _, (X, y, texts), target = data
    page = hasher_card(hasher, X, y, similarity=target, items=texts, n_examples=90, k=5)
    blocks = page.split('<div class="query">')[1:]
    assert len(blocks) == len(X) == 90
    codes = hasher.transform(X).astype(int)
    distances = np.abs(codes[:, None] - codes).sum(axis=2)
    np.fill_diagonal(distances, 99)
    for block in blocks:
        query = texts.tolist().index(plain("</style>" + block.partition('<span class="soft"')[0]))
        found = re.findall(r'"bits">(\d+) bits?</span><span class="item">(.*?)</span>', block)
        assert [int(bits) for bits, _ in found] == np.sort(distances[query])[:5].tolist()
        for bits, text in found:
            row = texts.tolist().index(unescape(text))
            assert row != query
            assert distances[query, row] == int(bits)
        same = re.findall(r'"label( same)?">(.*?)</span>', block)
        assert all(bool(mark) == (label == y[query]) for mark, label in same)


def test_all_text_is_text(data, hasher):
    _, (X, y, texts), _ = data
    y = np.where(y == y[0], EVIL, y)
    odd = hasher.set_output(transform="default")
    page = hasher_card(
        odd,
        X,
        y,
        items=[EVIL + text for text in texts],
        title=EVIL,
        description=f"{EVIL}\n\n{EVIL}",
        n_examples=90,
    )
    assert "<script" not in page
    tags = Tags(page)
    assert tags.open == []
    assert "script" not in tags.names
    # heading, title, two paragraphs, 90 queries and their neighbours, labels
    assert page.count(escape(EVIL)) > 500


def test_parameters_are_text_too(data):
    (X, y, _), _, _ = data

    class Named(RandomProjectionHasher):
        def __repr__(self, N_CHAR_MAX=700):
            return EVIL

    hasher = Named(8, random_state=0).fit(X)
    hasher.note_ = EVIL
    assert "<script" not in hasher_card(hasher, X[:50], y[:50])


def test_nothing_is_loaded_from_elsewhere(data, hasher):
    _, (X, y, texts), target = data
    tags = Tags(hasher_card(hasher, X, y, similarity=target, items=texts))
    assert tags.open == []
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(tags.names)
    assert len(tags.links) == 6
    assert all(link.startswith("data:image/png;base64,") for link in tags.links)
    assert plt.get_fignums() == []


def test_pictures(data, hasher):
    _, (X, y, _), _ = data
    pictures = np.random.default_rng(0).integers(256, size=(len(X), 6, 5, 3), dtype=np.uint8)
    grey = pictures[..., 0] / 255
    for items in (pictures, list(pictures), grey, grey[..., None]):
        page = hasher_card(hasher, X, y, items=items, n_examples=1, k=3)
        assert page.count('<div class="query pictures">') == 1
        images = re.findall(r'<img alt="row (\d+)" src="data:image/png;base64,([^"]+)"', page)
        assert len(images) == 4
        for row, content in images:
            drawn = plt.imread(BytesIO(b64decode(content)))[..., :3]
            expected = np.asarray(items[int(row)], dtype=float)
            expected = expected / 255 if items is pictures or type(items) is list else expected
            expected = expected if expected.ndim == 3 else expected[..., None]
            np.testing.assert_allclose(
                drawn, np.broadcast_to(expected, drawn.shape), atol=1.1 / 255
            )


def test_pipelines_show_their_texts_and_compare_their_features(data):
    (_, y_train, train), (_, y, texts), _ = data
    words = make_pipeline(TfidfVectorizer(), TruncatedSVD(32, random_state=0))
    dense = make_pipeline(*words, ITQHasher(8, random_state=0)).fit(train, y_train)
    page = plain(hasher_card(FrozenEstimator(dense), texts, y, X_train=train))
    assert page.startswith("ITQHasher")
    report = retrieval_report(
        dense[:-1].transform(texts), y, k=10, metric="cosine", exclude_self=True
    )
    row = page.partition("features, cosine")[2].partition("ITQ, 8 bits")[0]
    assert f" {report['map']:.3f} " in row
    assert sum(text in page for text in texts) > 10
    sparse = make_pipeline(TfidfVectorizer(), RandomProjectionHasher(8)).fit(train)
    page = plain(hasher_card(sparse, texts.tolist(), y))
    assert "features, cosine" in page
    assert "ITQ, 8 bits" in page


def test_labels_that_are_no_classes(data):
    (X, y, texts), _, _ = data
    hasher = RandomProjectionHasher(8, random_state=0).fit(X)
    page = plain(hasher_card(hasher, X, X, similarity=EmbeddingSimilarity(), items=texts))
    assert "How good the codes are" in page
    assert "The worst classes" not in page
    two = np.isin(y, y[[0, -1]])
    page = plain(hasher_card(hasher, X[two], y[two]))
    assert "The worst classes" in page
    assert "Distances of classes" not in page


def test_the_file_is_whole_or_not_there(data, hasher, tmp_path, monkeypatch):
    _, (X, y, _), _ = data
    path = tmp_path / "new" / "card.html"
    page = hasher_card(hasher, X, y, path, random_state=0)
    assert path.read_text("utf-8") == page
    with pytest.raises(FileExistsError, match="overwrite=True"):
        hasher_card(hasher, X, y, path)
    again = hasher_card(hasher, X, y, path, title="another", random_state=0, overwrite=True)
    assert path.read_text("utf-8") == again != page
    monkeypatch.setattr("os.fsync", lambda handle: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        hasher_card(hasher, X, y, path, overwrite=True)
    assert path.read_text("utf-8") == again
    assert [entry.name for entry in path.parent.iterdir()] == ["card.html"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"k": 0}, "k must be an integer, at least 1, got 0"),
        ({"k": 90}, "k must be below the 90 rows of X, got 90"),
        ({"n_examples": 1.5}, "n_examples must be an integer, at least 0, got 1.5"),
        ({"items": ["a"]}, "inconsistent numbers of samples"),
        ({"features": np.zeros((90, 2, 2))}, "features must be rows of numbers"),
    ],
)
def test_errors(data, hasher, params, message):
    _, (X, y, _), _ = data
    with pytest.raises(ValueError, match=message):
        hasher_card(hasher, X, y, **params)
    with pytest.raises(TypeError, match=r"hasher must be .*: pass its hasher_"):
        hasher_card(HashRetriever(hasher).fit(X, y), X, y)

"""Parts of the page of a hasher: text that is safe in HTML, tables, pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO

import numpy as np

_DOTS_PER_INCH = 150


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if text else ""


def section(title: str, *parts: str) -> str:
    """A heading and what is below it; nothing where there is nothing."""
    content = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(title)}</h2>\n{content}</section>" if content else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Values in large, each with its name."""
    items = [f"<li><b>{escape(value)}</b><span>{escape(name)}</span></li>" for name, value in pairs]
    return f'<ul class="facts">{"".join(items)}</ul>'


def table(head: Sequence[str], rows: Iterable[Sequence], caption: str = "", own: str = "") -> str:
    """A table; cells are text, or text and what stands below it in small. One row may be `own`."""
    body = ""
    for name, *cells in rows:
        kind = ' class="own"' if own and name == own else ""
        body += f"<tr{kind}><th>{escape(str(name))}</th>{''.join(map(_cell, cells))}</tr>"
    heads = "".join(f"<th>{escape(title)}</th>" for title in head)
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{paragraph(caption, 'soft')}"
    )


def _cell(cell) -> str:
    if isinstance(cell, tuple):
        value, below = cell
        return f'<td class="number">{escape(str(value))}<small>{escape(str(below))}</small></td>'
    return f"<td>{escape(str(cell))}</td>"


def figures(drawn: Iterable[tuple]) -> str:
    """Figures of matplotlib beside each other, as pictures in the page, with what they show."""
    parts = []
    for figure, text in drawn:
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH)
        parts.append(f"<figure>{_image(buffer.getvalue(), text)}</figure>")
    return f'<div class="figures">{"".join(parts)}</div>'


def example(query: str, note: str, found: Iterable[tuple[str, str, str, bool]]) -> str:
    """A query and its neighbours: distance, item, label, and whether the label is the query's."""
    rows = "".join(
        f'<li><span class="bits">{escape(distance)}</span><span class="item">{item}</span>'
        f'<span class="label{" same" if same else ""}">{escape(label)}</span></li>'
        for distance, item, label, same in found
    )
    head = f'<header><span class="item">{query}</span><span class="soft">{escape(note)}</span>'
    kind = "query pictures" if query.startswith("<img") else "query"
    return f'<div class="{kind}">{head}</header><ol>{rows}</ol></div>'


def shown(item, name: str) -> str:
    """An item as HTML: a picture, or its text."""
    if isinstance(item, str):
        return escape(item)
    pixels = np.asarray(item)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or pixels.dtype.kind not in "uf":
        return escape(str(item))
    from matplotlib.image import imsave

    buffer = BytesIO()
    limits = (0, 255) if pixels.dtype == np.uint8 else (0, 1)
    imsave(buffer, pixels, format="png", cmap="gray", vmin=limits[0], vmax=limits[1])
    return _image(buffer.getvalue(), name)


def _image(content: bytes, text: str) -> str:
    data = b64encode(content).decode("ascii")
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">'

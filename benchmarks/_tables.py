"""Tables of the benchmarks: means over seeds, and Markdown files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"


def markdown(table: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table; the index of the frame is left out."""
    rows = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    rows += [list(map(str, row)) for row in table.itertuples(index=False)]
    return [f"| {' | '.join(row)} |" for row in rows]


def write_table(name, *parts):
    """Write docs/benchmarks/<name>.md from frames and lines of text, a blank line between."""
    blocks = ["\n".join(markdown(p)) if isinstance(p, pd.DataFrame) else p for p in parts]
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.md"
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    print(f"wrote {path.name}")


def mean_and_spread(runs: pd.DataFrame, by) -> pd.DataFrame:
    """Mean ± standard deviation over the other rows of each group, as text, in order."""
    grouped = runs.groupby(by, sort=False)
    mean, spread = grouped.mean(), grouped.std(ddof=0)
    return (mean.map("{:.3f}".format) + " ± " + spread.map("{:.3f}".format)).reset_index()

"""Pictures: matplotlib figures as PNG bytes, and how an asset's page shows them.

Uses figures without matplotlib's global state, so that runs in one process do not mix. What is drawn is decided elsewhere
(pipelines/models/plots.py, pipelines/checks/plots.py).
"""

from __future__ import annotations

import base64
import io

__all__ = ["as_markdown", "new_figure", "plain", "png_of"]


def new_figure(width: float, height: float):
    """An empty figure, in inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - a second that only runs with pictures pay

    return Figure(figsize=(width, height), layout="constrained")


def plain(text: str) -> str:
    """The text so that matplotlib takes its dollars as dollars, not as the marks of a formula."""
    return text.replace("$", r"\$")


def png_of(figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def as_markdown(png: bytes, title: str) -> str:
    """An image that Dagster's page shows where it stands."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"

"""A report as one HTML file that needs nothing else: pictures inside, no script, prints on A4."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from cacnet.anatomy import Vessel
from cacnet.files import replacing
from cacnet.overview import COLORS
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.page import TITLE, page_of

TEMPLATE = Path(__file__).with_name("report_template.html")


def write_html(path: Path, report: CaseReport) -> None:
    """Write the page; every text is escaped.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    text = html_of(report)
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def html_of(report: CaseReport) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"png": _data_uri, "colour": _colour}
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    content: dict[str, Any] = {"title": TITLE, "page": page_of(report), "views": report.pictures.views}
    return template.render(content)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _colour(vessel: Vessel | None) -> str:
    return "transparent" if vessel is None else "#" + "".join(f"{round(c * 255):02x}" for c in COLORS[vessel])

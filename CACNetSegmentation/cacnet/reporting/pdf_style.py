"""Type, colours and the running foot of the PDF."""

from __future__ import annotations

import io
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from cacnet.anatomy import Vessel
from cacnet.overview import COLORS

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

MM = 72 / 25.4
PAGE_WIDTH, PAGE_HEIGHT = 210 * MM, 297 * MM
MARGIN = 16 * MM
WIDTH = PAGE_WIDTH - 2 * MARGIN
INK, GREY, LINE = "#1b2530", "#5c6b78", "#ccd4da"
WARNING, WARNING_FILL = "#d97706", "#fff4e0"
BADGES = {"open": "#b45309", "part": "#1d5f8a", "done": "#1c7c4a"}
REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
FALLBACK, FALLBACK_BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""For what Helvetica has no sign for (≥, Greek, Cyrillic …); they come with matplotlib."""

BARE = (
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
)

# name: size, leading, bold, colour, right-aligned, space before, space after
STYLES: dict[str, tuple[float, float, bool, str, bool, float, float]] = {
    "title": (17, 21, True, INK, False, 0, 1),
    "label": (9.5, 12, False, GREY, False, 0, 0),
    "right": (8, 11, False, GREY, True, 4, 0),
    "badge": (8.5, 10.5, True, "#ffffff", False, 0, 0),
    "headline": (42, 46, True, INK, False, 0, 0),
    "headline_words": (26, 32, True, INK, False, 0, 0),
    "caption": (8.5, 11, False, GREY, False, 0, 0),
    "term": (7.5, 10, False, GREY, False, 0, 0),
    "value": (9.5, 12, True, INK, False, 0, 0),
    "section": (10, 13, True, INK, False, 0, 2.5),
    "body": (7.8, 10, False, INK, False, 0, 0),
    "note": (7.8, 10.2, False, INK, False, 0, 1.5),
    "warning_title": (8.5, 11, True, WARNING, False, 0, 0),
    "warning": (8.2, 10.6, False, INK, False, 0, 0),
    "head": (7.5, 9.5, True, GREY, False, 0, 0),
    "cell": (8.5, 10.5, False, INK, False, 0, 0),
    "muted": (8.5, 10.5, False, "#95a1ab", False, 0, 0),
    "total": (8.5, 10.5, True, INK, False, 0, 0),
    "remainder": (7.8, 10, False, GREY, False, 3, 0),
    "picture_name": (8, 10, True, INK, False, 2, 0),
    "picture": (7.5, 9.5, False, GREY, False, 1, 0),
}


def paragraph(text: str, name: str) -> Flowable:
    """Text in one of STYLES, or of one followed by '_right'; nothing in the text is taken for markup."""
    from reportlab.platypus import Paragraph

    style = _style(name)
    return Paragraph(_markup(text, style.fontName == BOLD), style)


def text_width(text: str, name: str) -> float:
    """Width in points of text on one line."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    style = _style(name)
    return stringWidth(text, style.fontName, style.fontSize)


def image(png: bytes, width: float, height: float) -> Flowable:
    """A picture at a size in points."""
    from reportlab.platypus import Image

    return Image(io.BytesIO(png), width, height, hAlign="LEFT")


def space(height: float) -> Flowable:
    """White space in points."""
    from reportlab.platypus import Spacer

    return Spacer(0, height)


def vessel_colour(vessel: Vessel) -> Any:
    """The artery's colour, as in pictures and segments."""
    from reportlab.lib.colors import Color

    return Color(*COLORS[vessel])


@cache
def register_fonts() -> None:
    """Make the fallback fonts known; once for each process."""
    import matplotlib
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (FALLBACK, FALLBACK_BOLD):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))


@cache
def _style(name: str) -> ParagraphStyle:
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    size, leading, bold, colour, right, before, after = STYLES[name.removesuffix("_right")]
    return ParagraphStyle(
        name,
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=leading,
        textColor=colour,
        alignment=TA_RIGHT if right or name.endswith("_right") else TA_LEFT,
        spaceBefore=before,
        spaceAfter=after,
        # A word without blanks, such as a long label, breaks rather than run over the margin.
        splitLongWords=1,
    )


def _markup(text: str, bold: bool) -> str:
    """Escaped text, with runs that Helvetica cannot show in the fallback font."""
    font = FALLBACK_BOLD if bold else FALLBACK
    runs = ((known, escape("".join(run))) for known, run in groupby(text, _in_helvetica))
    return "".join(run if known else f'<font name="{font}">{run}</font>' for known, run in runs)


def _in_helvetica(character: str) -> bool:
    return character.encode("cp1252", "ignore") != b""


def numbered_canvas(foot: str, software: str) -> type:
    """A canvas class that writes the foot and 'page x of y' on every page once it knows y."""
    from reportlab.pdfgen.canvas import Canvas

    class NumberedCanvas(Canvas):
        """Keeps the pages until the last is drawn."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802, reportlab's name
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self._pages, start=1):
                self.__dict__.update(state)
                self._foot(number, len(self._pages))
                super().showPage()
            super().save()

        def _foot(self, number: int, of: int) -> None:
            self.setStrokeColor(LINE)
            self.setLineWidth(0.5)
            self.line(MARGIN, 12.5 * MM, PAGE_WIDTH - MARGIN, 12.5 * MM)
            self.setFillColor(WARNING)
            self.setFont(BOLD, 8)
            self.drawString(MARGIN, 8.5 * MM, foot)
            self.setFillColor(GREY)
            self.setFont(REGULAR, 8)
            self.drawRightString(PAGE_WIDTH - MARGIN, 8.5 * MM, f"{software}   ·   page {number} of {of}")

    return NumberedCanvas

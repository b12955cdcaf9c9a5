"""A report as PDF: one to two A4 pages to read, sign and file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cacnet.files import replacing
from cacnet.reporting import pdf_style as style
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.page import TITLE, Page, PageTable, Picture, Section, page_of
from cacnet.reporting.pdf_style import MM, WIDTH, image, paragraph
from cacnet.reporting.pictures import View

if TYPE_CHECKING:
    from reportlab.platypus import Flowable, Table

PICTURES_IN_A_ROW = 6
LONGEST_LARGE = 7
"""Characters of the headline that fit at its full size."""
GAP = 2.5 * MM
VIEW_HEIGHT = 62 * MM
FRAME_PADDING = 6
"""Points that reportlab keeps free inside a page's margins."""
LESION_WIDTHS = (0.05, 0.12, 0.155, 0.10, 0.12, 0.095, 0.085, 0.075, 0.20)


def write_pdf(path: Path, report: CaseReport) -> None:
    """Write the report; text that is long makes it longer, never cut.

    Raises:
        UnwritableOutputError: nothing was written.
    """
    from reportlab.platypus import SimpleDocTemplate

    style.register_fonts()
    page = page_of(report)
    with replacing(path) as temporary:
        document = SimpleDocTemplate(
            str(temporary),
            pagesize=(style.PAGE_WIDTH, style.PAGE_HEIGHT),
            leftMargin=style.MARGIN - FRAME_PADDING,
            rightMargin=style.MARGIN - FRAME_PADDING,
            topMargin=13 * MM,
            bottomMargin=17 * MM,
            title=TITLE,
            author=page.software,
            subject=page.footer,
            creator=page.software,
        )
        document.build(_story(page, report), canvasmaker=style.numbered_canvas(page.footer, page.software))


def _story(page: Page, report: CaseReport) -> list[Flowable]:
    from reportlab.platypus import KeepTogether, Spacer

    story: list[Flowable] = [_heading(page), Spacer(0, 3 * MM), _score(page), Spacer(0, 3 * MM)]
    if page.warnings:
        story += [_warnings(page.warnings), Spacer(0, 3 * MM)]
    story += [_vessels(page.vessels), Spacer(0, 4 * MM)]
    if report.pictures.views:
        story += [_views(report.pictures.views), Spacer(0, 4 * MM)]
    story += _lesions(page)
    if page.pictures:
        story += [KeepTogether([_title("Largest lesions of each artery"), _pictures(page.pictures)]), Spacer(0, 3 * MM)]
    method, *others = page.sections
    story += [KeepTogether(_section(method, WIDTH)), Spacer(0, 4 * MM), _columns(others), Spacer(0, 4 * MM)]
    if page.notes:
        story += [_title("Notes"), *(paragraph(note, "note") for note in page.notes), Spacer(0, 3 * MM)]
    return [*story, KeepTogether(_signature(page))]


def _table(rows: Sequence[Sequence[Any]], widths: Sequence[float], commands: Iterable[tuple], **options: Any) -> Table:
    from reportlab.platypus import Table, TableStyle

    return Table(rows, colWidths=widths, style=TableStyle([*style.BARE, *commands]), hAlign="LEFT", **options)


def _in_rows(cells: Sequence[Any], across: int) -> list[list[Any]]:
    """The cells in rows, the last one filled up with empty ones."""
    filled = [*cells, *[""] * (-len(cells) % across)]
    return [filled[at : at + across] for at in range(0, len(filled), across)]


def _title(text: str) -> Flowable:
    return paragraph(text, "section")


def _heading(page: Page) -> Flowable:
    left = [paragraph(TITLE, "title")]
    if page.label:
        left.append(paragraph(page.label, "label"))
    right = [_badge(page), paragraph(page.created, "right")]
    return _table(
        [[left, right]],
        [WIDTH * 0.58, WIDTH * 0.42],
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("ALIGN", (1, 0), (1, 0), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, -1), 1.1, style.INK),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ],
    )


def _badge(page: Page) -> Flowable:
    colour = style.BADGES[page.badge.kind]
    width = min(style.text_width(page.badge.text, "badge") + 16, WIDTH * 0.42)
    badge = _table(
        [[paragraph(page.badge.text, "badge")]],
        [width],
        [
            ("BACKGROUND", (0, 0), (-1, -1), colour),
            ("ROUNDEDCORNERS", [4, 4, 4, 4]),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
        ],
    )
    badge.hAlign = "RIGHT"
    return badge


def _score(page: Page) -> Flowable:
    size = "headline" if len(page.headline) <= LONGEST_LARGE else "headline_words"
    big = [paragraph(page.headline, size), paragraph(page.caption, "caption")]
    cells = [[paragraph(term, "term"), paragraph(value, "value")] for term, value in page.facts]
    across = 1 if len(cells) == 1 else 3
    rows = _in_rows(cells, across)
    width = WIDTH * 0.66 - 10
    facts = _table(
        rows, [width / across] * across, [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 5)]
    )
    return _table(
        [[big, facts]],
        [WIDTH * 0.34, width + 10],
        [
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LINEAFTER", (0, 0), (0, 0), 0.6, style.LINE),
            ("LEFTPADDING", (1, 0), (1, 0), 10),
        ],
    )


def _warnings(warnings: Sequence[str]) -> Flowable:
    rows = [[paragraph("Read before use", "warning_title")], *([paragraph(text, "warning")] for text in warnings)]
    return _table(
        rows,
        [WIDTH],
        [
            ("BACKGROUND", (0, 0), (-1, -1), style.WARNING_FILL),
            ("LINEBEFORE", (0, 0), (0, -1), 2.5, style.WARNING),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ],
    )


def _rows_of(table: PageTable) -> list[list[Flowable]]:
    head = [paragraph(title, "head" if at in table.left else "head_right") for at, title in enumerate(table.titles)]
    rows = [head]
    for number, row in enumerate(table.rows):
        total = table.has_total and number == len(table.rows) - 1
        kind = "muted" if number in table.muted else "total" if total else "cell"
        rows.append([paragraph(text, kind if at in table.left else f"{kind}_right") for at, text in enumerate(row)])
    return rows


def _ruled(table: PageTable) -> list[tuple]:
    commands: list[tuple] = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, style.INK),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, style.LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("LEFTPADDING", (0, 0), (0, -1), 6),
        ("LEFTPADDING", (1, 0), (-1, -1), 6),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ]
    for number, vessel in enumerate(table.vessels, start=1):
        if vessel is not None:
            commands.append(("LINEBEFORE", (0, number), (0, number), 3, style.vessel_colour(vessel)))
    if table.has_total:
        commands += [("LINEABOVE", (0, -1), (-1, -1), 0.8, style.INK), ("LINEBELOW", (0, -1), (-1, -1), 0.8, style.INK)]
    return commands


def _vessels(table: PageTable) -> Flowable:
    others = (WIDTH - 32 * MM) / (len(table.titles) - 1)
    return _table(_rows_of(table), [32 * MM, *[others] * (len(table.titles) - 1)], _ruled(table))


def _lesions(page: Page) -> list[Flowable]:
    from reportlab.platypus import Spacer

    story: list[Flowable] = [_title("Lesions")]
    if page.lesions.rows:
        widths = [WIDTH * share for share in LESION_WIDTHS]
        story.append(_table(_rows_of(page.lesions), widths, _ruled(page.lesions), repeatRows=1))
    if page.remainder:
        story.append(paragraph(page.remainder, "remainder"))
    return [*story, Spacer(0, 3 * MM)]


def _views(views: Sequence[View]) -> Flowable:
    """All views in a row at one scale, as high as the width allows."""
    room = WIDTH - GAP * (len(views) - 1)
    height = min(VIEW_HEIGHT, room / sum(view.aspect for view in views))
    cells = [[image(view.png, view.aspect * height, height), paragraph(view.title, "picture")] for view in views]
    widths = [view.aspect * height + GAP for view in views]
    return _table([cells], widths, [("VALIGN", (0, 0), (-1, -1), "TOP")])


def _pictures(pictures: Sequence[Picture]) -> Flowable:
    size = (WIDTH - GAP * (PICTURES_IN_A_ROW - 1)) / PICTURES_IN_A_ROW
    cells = [
        [image(p.picture.png, size, size), paragraph(p.name, "picture_name"), paragraph(p.score, "picture")]
        for p in pictures
    ]
    rows = _in_rows(cells, PICTURES_IN_A_ROW)
    return _table(
        rows,
        [size + GAP] * PICTURES_IN_A_ROW,
        [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 5)],
    )


def _section(section: Section, width: float) -> list[Flowable]:
    rows = [[paragraph(term, "term"), paragraph(text, "body")] for term, text in section.facts]
    if not rows:
        return [_title(section.heading)]
    facts = _table(
        rows,
        [20 * MM, width - 20 * MM],
        [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5)],
    )
    return [_title(section.heading), facts]


def _columns(sections: Sequence[Section]) -> Flowable:
    width = (WIDTH - 2 * GAP * (len(sections) - 1)) / len(sections)
    widths = [width + 2 * GAP] * (len(sections) - 1) + [width]
    return _table([[_section(s, width) for s in sections]], widths, [("VALIGN", (0, 0), (-1, -1), "TOP")])


def _signature(page: Page) -> list[Flowable]:
    line = ("LINEABOVE", (0, 0), (0, 0), 0.6, style.INK), ("LINEABOVE", (2, 0), (2, 0), 0.6, style.INK)
    return [
        style.space(10 * MM),
        _table(
            [[paragraph("Reader", "term"), "", paragraph("Date and signature", "term")]],
            [WIDTH * 0.42, WIDTH * 0.06, WIDTH * 0.52],
            [*line, ("TOPPADDING", (0, 0), (-1, -1), 3)],
        ),
    ]

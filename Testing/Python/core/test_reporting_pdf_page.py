"""The PDF: its text, its pages, and that nothing runs over the paper's edge."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from cacnet.findings import Finding, Severity
from cacnet.reporting import pdf_style
from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.pdf_page import write_pdf
from cacnet.reporting.pdf_style import MARGIN, MM
from report_cases import empty_report, found_report, reviewed_report


def many_lesions() -> CaseReport:
    """40 lesions, a very high score, long words and texts, signs of other scripts."""
    report = found_report()
    one = report.summary.lesions[0]
    totals = replace(report.summary.totals, agatston=12345.6, volume_mm3=23456.7, very_high=True)
    lesions = tuple(replace(one, id=number, agatston=300.0) for number in range(1, 41))
    warning = Finding("w", Severity.WARNING, "A sentence that goes on and on. " * 12)
    return replace(
        report,
        summary=replace(report.summary, lesions=lesions, totals=totals),
        findings=(warning,) * 4,
        label="W" * 90 + " <b>& Жук ≥ Ψ",
        acquisition=replace(report.acquisition, contrast_agent="A" * 200),
    )


REPORTS = {"found": found_report, "reviewed": reviewed_report, "empty": empty_report, "many": many_lesions}


@pytest.fixture(scope="module", params=REPORTS)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    write_pdf(path, REPORTS[request.param]())
    document = pypdfium2.PdfDocument(path)
    yield document
    document.close()


def text_of(document) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in document]


def test_every_page_says_what_it_is_for_and_which_it_is(document) -> None:
    pages = text_of(document)
    for number, text in enumerate(pages, start=1):
        assert "Research use only, not for diagnosis." in text
        assert f"page {number} of {len(pages)}" in text


def test_it_is_a4_and_nothing_is_printed_in_the_margins(document) -> None:
    for page in document:
        assert page.get_size() == pytest.approx((210 * MM, 297 * MM), abs=0.1)
        grey = page.render(scale=1).to_numpy()[..., :3].min(-1)
        edge = int(MARGIN) - 3
        assert (grey[:, :edge] == 255).all()
        assert (grey[:, -edge:] == 255).all()


def test_an_ordinary_case_takes_at_most_two_pages(tmp_path: Path) -> None:
    for report in (found_report(), reviewed_report(), empty_report()):
        write_pdf(tmp_path / "report.pdf", report)
        assert len(pypdfium2.PdfDocument(tmp_path / "report.pdf")) <= 2


def test_it_says_score_review_model_and_names_nobody(tmp_path: Path) -> None:
    write_pdf(tmp_path / "report.pdf", reviewed_report())
    text = " ".join(text_of(pypdfium2.PdfDocument(tmp_path / "report.pdf")))
    for words in ("12.0", "Approved by AB", "rejected: stent", "tiny", "simulated", "men of 62 years", "=1+1"):
        assert words in text
    assert "DOE" not in text
    assert b"DOE" not in (tmp_path / "report.pdf").read_bytes()


def test_markup_in_a_label_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    write_pdf(tmp_path / "report.pdf", many_lesions())
    text = " ".join(text_of(pypdfium2.PdfDocument(tmp_path / "report.pdf")))
    assert "<b>&Жук≥Ψ" in "".join(text.split())


def test_signs_outside_latin_get_a_font_that_has_them() -> None:
    assert pdf_style._markup("a≥b<", bold=False) == 'a<font name="DejaVuSans">≥</font>b&lt;'


def test_the_score_is_printed_large(tmp_path: Path) -> None:
    write_pdf(tmp_path / "report.pdf", found_report())
    page = pypdfium2.PdfDocument(tmp_path / "report.pdf")[0]
    grey = page.render(scale=1).to_numpy()[..., :3].min(-1)
    left = grey[: int(120 * MM), : int(80 * MM)]
    rows = np.flatnonzero((left < 120).sum(1) > 20)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    assert max(len(run) for run in runs) > 20  # a headline of 42 pt stands about 30 points high

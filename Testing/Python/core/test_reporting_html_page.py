"""The HTML page: self-contained, escaped, with the same words as the PDF."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cacnet.findings import Finding, Severity
from cacnet.reporting.html_page import html_of, write_html
from cacnet.reporting.page import page_of
from report_cases import empty_report, found_report, reviewed_report

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Reader(HTMLParser):
    """Collects tags with their attributes, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(report) -> Reader:
    reader = Reader()
    reader.feed(html_of(report))
    return reader


def test_hostile_text_is_shown_and_never_run() -> None:
    hostile = replace(
        found_report(),
        label=HOSTILE,
        findings=(Finding("x", Severity.WARNING, HOSTILE),),
        acquisition=replace(found_report().acquisition, kernel=HOSTILE),
    )
    reader = read(hostile)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert sum(HOSTILE in words for words in ("".join(reader.words),)) == 1
    assert "".join(reader.words).count("<script>alert(1)</script>") == 4  # title, label, warning and kernel


def test_it_needs_nothing_from_elsewhere() -> None:
    reader = read(found_report())
    sources = [attributes["src"] for tag, attributes in reader.tags if tag == "img"]
    assert len(sources) == 6  # three views, three lesions
    for source in sources:
        head, _, data = source.partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert not re.search(r"https?://", html_of(found_report()))


@pytest.mark.parametrize("report", [found_report, reviewed_report, empty_report])
def test_it_has_every_word_of_the_page(report) -> None:
    text = "".join(read(report()).words)
    page = page_of(report())
    table = [text for row in (*page.vessels.rows, *page.lesions.rows) for text in row]
    facts = [value for section in page.sections for _, value in section.facts]
    for words in (page.headline, page.badge.text, page.footer, *table, *facts, *page.warnings, *page.notes):
        assert words in text


def test_no_name_is_in_the_file(tmp_path: Path) -> None:
    write_html(tmp_path / "report.html", reviewed_report())
    assert "DOE" not in (tmp_path / "report.html").read_text("utf-8")

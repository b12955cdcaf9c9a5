"""Numbers are rounded in one place, so that text, cells and differences agree to the last digit."""

import pytest
from cacnet.reporting import figures
from cacnet.reporting.figures import Figure


@pytest.mark.parametrize(("value", "text"), [(0.05, "0.1"), (2.25, "2.2"), (1234.56, "1234.6"), (-0.04, "0.0")])
def test_text_and_rounded_value_are_the_same_number(value: float, text: str) -> None:
    assert figures.AGATSTON.text(value) == text
    assert figures.AGATSTON.rounded(value) == float(text)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_no_zero(value: float | None) -> None:
    assert figures.MASS.text(value) == "–"
    assert figures.MASS.rounded(value) is None


def test_the_unit_stands_with_the_number() -> None:
    assert figures.VOLUME.with_unit(33.4) == "33.4\u00a0mm³"
    assert figures.VOLUME.with_unit(None) == "–"
    assert Figure("", 0).with_unit(3.4) == "3"


def test_a_difference_is_that_of_the_numbers_shown() -> None:
    assert figures.AGATSTON.difference(10.04, 5.06) == "+4.9"  # 10.0 − 5.1
    assert figures.AGATSTON.difference(5.06, 10.04) == "-4.9"


def test_a_spreadsheet_shows_as_many_decimals() -> None:
    assert figures.AREA.spreadsheet_format == "0.00"
    assert figures.HU.spreadsheet_format == "0"


def test_what_is_shown_without_decimals_is_a_whole_number_in_files() -> None:
    assert repr(figures.HU.rounded(1156.6)) == "1157"
    assert figures.HU.text(1156.6) == "1157"
    assert figures.HU.text(-0.2) == "0"

"""JSON of others: values that a program can go on with, or a ValueError."""

import pytest
from cacnet.plain_json import parse_json


def test_values_come_back_as_they_were_written() -> None:
    assert parse_json('{"a": [1, -2.5, true, null, "x"]}') == {"a": [1, -2.5, True, None, "x"]}
    assert parse_json("-9223372036854775807") == -9223372036854775807
    assert parse_json(b"[1]") == [1]


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", "-Infinity", "1e999", "9223372036854775808", "9" * 5000, "[" * 100_000, '{"a":' * 100_000],
    ids=["empty", "cut", "nan", "infinity", "float", "integer", "digits", "deep list", "deep table"],
)
def test_what_no_program_can_use_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the callers name the file
        parse_json(text)

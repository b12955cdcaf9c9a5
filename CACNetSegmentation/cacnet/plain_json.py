"""JSON from files that may be damaged or forged: whatever is wrong with it is a ValueError."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

LARGEST_INTEGER = 2**63 - 1


def parse_json(text: str | bytes) -> Any:
    """The values in a JSON text, every number one that 64 bits hold.

    Raises:
        ValueError: it is no JSON (RFC 8259, which has no NaN), is nested too deeply, or holds too large a number.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_bounded)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the value {constant}")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:20]}")
    return value


def _bounded(digits: str) -> int:
    value = int(digits) if len(digits) <= 20 else LARGEST_INTEGER + 1
    if abs(value) > LARGEST_INTEGER:
        raise ValueError(f"the number {digits[:20]}…")
    return value

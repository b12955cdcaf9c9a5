"""Damage on purpose: to bytes, numbers in headers, and the structure of JSON; all of it follows from `rng`."""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any

INTEGERS = (0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**64, 10**30)
NUMBERS = (
    *(b"0", b"-1", b"1", b"3", b"65535", b"100000", b"2147483647", b"4294967296", b"9223372036854775807"),
    *(b"99999999999999999999999", b"-0.0", b"1e308", b"1e-320", b"1e999", b"nan", b"inf", b"", b"0x10", b"1 2"),
)
TEXTS = ("", "../../x", "/etc/passwd", "C:\\x", "=1+1", "<b>&x;", "a\u0000b", "\ud800", "x" * 5000, "M", "nan")
PACKED = (("<h", 15), ("<H", 16), (">H", 16), ("<i", 31), (">i", 31), ("<q", 63))
FLOATS = (0.0, -1.0, 1e-38, 1e38, float("nan"), float("inf"))


def damage_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four of: flipped bits, numbers overwritten, parts cut, doubled, moved or zeroed."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(BYTE_CHANGES)(data, rng) or b"\0"
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 16))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _number(data: bytes, rng: random.Random) -> bytes:
    """A binary number of interest, mostly within the first kilobyte, where headers are."""
    layout, bits = rng.choice(PACKED)
    value = rng.choice([n for n in INTEGERS if -(2**bits) <= n < 2**bits and (n >= 0 or layout[1].islower())])
    packed = (
        struct.pack(rng.choice("<>") + "f", rng.choice(FLOATS)) if rng.random() < 0.3 else struct.pack(layout, value)
    )
    at = rng.randrange(max(1, min(len(data), rng.choice((352, 1024, 1 << 30)))))
    return data[:at] + packed + data[at + len(packed) :]


def _digits(data: bytes, rng: random.Random) -> bytes:
    """A number written in text, within the first kilobytes."""
    found = list(re.finditer(rb"[-+]?\d+(?:\.\d+)?", data[:4096]))
    if not found:
        return _flip(data, rng)
    match = rng.choice(found)
    return data[: match.start()] + rng.choice(NUMBERS) + data[match.end() :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _remove(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 2, 8, 64, 512)) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    part = data[at : at + rng.choice((1, 4, 32, 256))]
    return data[:at] + part * rng.choice((2, 3, 200)) + data[at:]


def _splice(data: bytes, rng: random.Random) -> bytes:
    source, target = rng.randrange(len(data)), rng.randrange(len(data))
    part = data[source : source + rng.choice((4, 16, 128))]
    return data[:target] + part + data[target + len(part) :]


def _fill(data: bytes, rng: random.Random) -> bytes:
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 32, 256))
    return data[:at] + bytes([rng.choice((0, 32, 255))]) * min(length, len(data) - at) + data[at + length :]


def _line(data: bytes, rng: random.Random) -> bytes:
    """A line of a text header left out, doubled or moved."""
    lines = data.split(b"\n")
    chosen = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.choice((0, 1, 2))):
        lines.insert(rng.randrange(len(lines) + 1), chosen)
    return b"\n".join(lines)


BYTE_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _number, _number, _digits, _digits, _cut, _remove, _repeat, _splice, _fill, _line),
)


def damage_gzip(data: bytes, rng: random.Random) -> bytes:
    """Damage to the packed bytes, or to what they hold."""
    if rng.random() < 0.3:
        return damage_bytes(data, rng)
    return gzip.compress(damage_bytes(gzip.decompress(data), rng), compresslevel=1, mtime=0)


def damage_json(data: bytes, rng: random.Random) -> bytes:
    """One to three places of the tree replaced, removed, doubled, renamed or wrapped; now and then damaged text."""
    if rng.random() < 0.15:
        return damage_bytes(data, rng)
    tree = [json.loads(data)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(tree, rng)
    text = json.dumps(tree[0] if tree else None)
    if rng.random() < 0.5:
        text = text.replace("Infinity", "1e999")
    return text.encode()


def damage_json_lines(data: bytes, rng: random.Random) -> bytes:
    """As `damage_json`, in one line; or lines cut, lost, doubled or in another order."""
    lines = data.split(b"\n")
    filled = [i for i, line in enumerate(lines) if line]
    if rng.random() < 0.3:
        return rng.choice((_line, _cut))(data, rng) or b"\n"
    at = rng.choice(filled)
    lines[at] = damage_json(lines[at], rng)
    return b"\n".join(lines)


def _change(tree: list[Any], rng: random.Random) -> None:
    holder, key = rng.choice(list(_places(tree)))
    value = holder[key]
    action = rng.random()
    if action < 0.6 or holder is tree:
        holder[key] = _other(value, rng)
    elif action < 0.75:
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    else:
        holder[rng.choice(TEXTS)] = holder.pop(key)


def _places(node: Any) -> Any:
    keys = range(len(node)) if isinstance(node, list) else list(node)
    for key in keys:
        yield node, key
        if isinstance(node[key], (list, dict)):
            yield from _places(node[key])


def _other(value: Any, rng: random.Random) -> Any:
    near = {
        int: (value + 1, -value, value * 1000) if isinstance(value, int) else (),
        float: (value * 1e6, -value) if isinstance(value, float) else (),
        str: (value.upper(), value[:-1], f"../{value}") if isinstance(value, str) else (),
        list: (value[:-1], [*value, *value], [value]) if isinstance(value, list) else (),
    }.get(type(value), ())
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    anything = (None, True, False, [], {}, [None], {"a": 1}, *INTEGERS, *FLOATS, *TEXTS, float("inf"), 1e300, deep)
    return rng.choice(near) if near and rng.random() < 0.4 else rng.choice(anything)

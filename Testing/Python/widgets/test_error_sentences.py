"""An error that the panel shows says what to do about it."""

import ast

import pytest
from product_paths import PRODUCT

SENTENCES = {"NothingToLearnFromError", "RunFailedError", "SelfTestError"}
"""Raised with a whole sentence of somebody else's, or for developers."""
PYTHONS_OWN = {"ValueError", "RuntimeError", "TypeError"}


def raised(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            yield node.exc.func.id, node.exc


def test_every_error_of_the_panel_says_what_to_do():
    silent = []
    for path in sorted((PRODUCT / "CACNetSegmentationLib").rglob("*.py")):
        for name, call in raised(path):
            if not name.endswith("Error") or name in SENTENCES | PYTHONS_OWN:
                continue
            if len(call.args) < 3 and "action" not in {keyword.arg for keyword in call.keywords}:
                silent.append(f"{path.name}:{call.lineno} {ast.unparse(call)}")
    assert silent == []


def test_a_damaged_review_says_what_to_do():
    from cacnet.edits.stored_json import from_text
    from cacnet.edits.stored_review import ReviewFileError

    with pytest.raises(ReviewFileError, match="no JSON.*Take a copy from before the damage, or review the result anew"):
        from_text("{")

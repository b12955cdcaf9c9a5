"""Where the product lies, for tests that look at its files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "CACNetSegmentation"

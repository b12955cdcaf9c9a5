"""Writes the lists of scripts and resources in CACNetSegmentation/CMakeLists.txt from the files on disk.

Run it after adding, renaming or removing a file: `python Testing/list_scripts.py`. A test fails where it was forgotten.
"""

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "CACNetSegmentation"
MODULE_SCRIPT = "CACNetSegmentation.py"


def scripts() -> list[str]:
    """Every script that is shipped, relative to the module's folder; the module file first."""
    packages = [path for name in ("CACNetSegmentationLib", "cacnet") for path in (MODULE / name).rglob("*.py")]
    return [MODULE_SCRIPT, *sorted(path.relative_to(MODULE).as_posix() for path in packages)]


def resources() -> list[str]:
    """Every resource, and every file of the packages that is no script."""
    folders = [MODULE / name for name in ("Resources", "CACNetSegmentationLib", "cacnet")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    shipped = [path for path in files if path.suffix not in (".py", ".pyc") and not path.name.startswith(".")]
    return sorted(path.relative_to(MODULE).as_posix() for path in shipped)


def with_list(cmake: str, variable: str, names: list[str]) -> str:
    """The text of a CMakeLists.txt with the list `variable` replaced."""
    lines = "".join(f"  {name}\n" for name in names)
    return re.sub(rf"set\({variable}\n.*?  \)", f"set({variable}\n{lines}  )", cmake, count=1, flags=re.DOTALL)


def listed(cmake: str, variable: str) -> list[str]:
    """What the list `variable` holds now."""
    [body] = re.findall(rf"set\({variable}\n(.*?)  \)", cmake, flags=re.DOTALL)
    return body.split()


if __name__ == "__main__":
    path = MODULE / "CMakeLists.txt"
    text = with_list(path.read_text(encoding="utf-8"), "MODULE_PYTHON_SCRIPTS", scripts())
    path.write_text(with_list(text, "MODULE_PYTHON_RESOURCES", resources()), encoding="utf-8")

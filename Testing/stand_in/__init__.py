"""The application's Python side for tests: `qt` and `ctk` on PySide6, and the parts of `slicer` that need Qt.

The stand-in behaves as PythonQt does, never the other way round, and offers only names that the application has
(`application_names.json`), so that shipped code cannot come to rely on something that only PySide6 has.
"""

import sys


def install() -> None:
    """Put `qt`, `ctk` and the missing `slicer` modules where `import` finds them."""
    from stand_in import ctk, qt, slicer_application

    sys.modules["qt"], sys.modules["ctk"] = qt, ctk
    slicer_application.install()

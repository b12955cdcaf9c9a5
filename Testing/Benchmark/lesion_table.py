"""How long the lesion table takes to follow a change: `python Testing/Benchmark/lesion_table.py [lesions]`.

It runs the shipped widgets on PySide6, so figures in 3D Slicer differ; what matters is that they stay far below 100 ms.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 20
LESIONS = 200

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for folder in (ROOT / "CACNetSegmentation", ROOT / "Testing" / "Python", ROOT / "Testing"):
    sys.path.insert(0, str(folder))


def milliseconds(work) -> float:
    """Median CPU time of `work(n)`, painting included; what else runs on the machine does not count."""
    from PySide6.QtWidgets import QApplication

    times = []
    for n in range(REPEATS):
        start = time.process_time()
        work(n)
        QApplication.processEvents()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def measurements(panel, summaries) -> dict[str, float]:
    """Time of refreshing the whole panel and the table alone, sorted and filtered."""
    import qt

    first, one_changed, all_changed = summaries
    table, listener = panel.corrections.table, panel._show
    orders = (qt.Qt.AscendingOrder, qt.Qt.DescendingOrder)
    timed = {
        "panel, one lesion accepted": lambda n: listener((first, one_changed)[n % 2]),
        "panel, every lesion scored anew": lambda n: listener((first, all_changed)[n % 2]),
        "table, one lesion accepted": lambda n: table.show((first, one_changed)[n % 2].lesions),
        "table, every lesion scored anew": lambda n: table.show((first, all_changed)[n % 2].lesions),
        "table, most lesions gone and back": lambda n: table.show(first.lesions[:: 1 if n % 2 else 20]),
        "table, sorted the other way": lambda n: table.view.sortByColumn(4, orders[n % 2]),
    }
    return {name: milliseconds(work) for name, work in timed.items()}


def main() -> None:
    import slicer_scene
    import stand_in
    from PySide6.QtWidgets import QApplication

    slicer_scene._application()
    application = QApplication([])
    stand_in.install()
    from CACNetSegmentationLib.widgets.review.panel import ReviewPanel
    from review_service import FakeService

    lesions = int(sys.argv[1]) if len(sys.argv) > 1 else LESIONS
    service = FakeService(lesions)
    summaries = [service.summary]
    service.accept([lesions // 2])
    summaries.append(service.summary)
    service.use_protocol("pavitt-2014")
    summaries.append(service.summary)
    panel = ReviewPanel(None, lambda callback: lambda: None)
    panel.show_review(service)
    panel.widget.resize(460, 1200)
    panel.widget.show()
    application.processEvents()
    sys.stdout.write(f"{lesions} lesions, median of {REPEATS}\n")
    for name, ms in measurements(panel, summaries).items():
        sys.stdout.write(f"{name:36s}{ms:8.1f} ms\n")


if __name__ == "__main__":
    main()

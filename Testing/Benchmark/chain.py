"""Time and peak memory of the whole chain on one CT, in a process of its own.

python Testing/Benchmark/chain.py CT [--runs 3] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ct", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    walls, stages = [], []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as output:
            command = [sys.executable, "-m", "cacnet", "segment", str(options.ct), "--output", output]
            start = time.perf_counter()
            subprocess.run([*command, "--device", options.device], check=True, stdout=subprocess.DEVNULL)
            walls.append(time.perf_counter() - start)
            stages.append(json.loads((Path(output) / "report.json").read_text("utf-8"))["timing_s"])
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print(f"{options.ct.name}, {options.device}, {os.cpu_count()} CPUs, medians of {options.runs} runs")
    for stage in stages[0]:
        print(f"{stage:12}{statistics.median(run[stage] for run in stages):8.2f} s")
    print(f"{'whole':12}{statistics.median(walls):8.2f} s (start of Python, writing and pictures included)")
    print(f"{'peak memory':12}{peak_gb:8.2f} GB")


if __name__ == "__main__":
    main()

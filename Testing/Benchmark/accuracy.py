"""Accuracy of a model on simulated patients that it was not trained on: simulates what is missing, then evaluates.

python Testing/Benchmark/accuracy.py --seeds 9100:9110 --cases build/held-out --output build/accuracy [--record]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cacnet.evaluation.evaluate import evaluate, record_accuracy
from cacnet.phantom.simulate import simulate, write_scan
from cacnet.pipeline import DEFAULT_MODEL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="9100:9110", help="A:B, B excluded; training uses seeds below 9000")
    parser.add_argument("--cases", type=Path, default=Path("build/held-out"), help="simulated scans; kept and reused")
    parser.add_argument("--output", type=Path, default=Path("build/accuracy"))
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--record", action="store_true", help="write the figures into the model's own card")
    options = parser.parse_args()
    first, last = (int(seed) for seed in options.seeds.split(":"))
    for seed in range(first, last):
        folder = options.cases / f"seed-{seed}"
        if not (folder / "ct.nii.gz").is_file():
            write_scan(simulate(seed), folder)
    evaluate(options.model, options.cases, options.output)
    summary = json.loads((options.output / "summary.json").read_text("utf-8"))
    print(json.dumps(summary, indent=2))
    if options.record:
        record_accuracy(options.model, summary, f"simulated patients of the seeds {first} to {last - 1}, heart field")


if __name__ == "__main__":
    main()

"""Accuracy of a model on simulated patients that it was not trained on: `cacnet evaluate` on held-out seeds, and with
--record the figures in the model's own card.

python Testing/Benchmark/accuracy.py --seeds 9100:9110 --output build/accuracy [--record]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.evaluation.evaluate import EvaluationRequest, evaluate
from cacnet.evaluation.summary import outcome_line, plain_table
from cacnet.evaluation.tables import record_accuracy, write_evaluation
from cacnet.pipeline import DEFAULT_MODEL


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="9100:9110", help="A:B, B excluded, or a folder of cases")
    parser.add_argument("--output", type=Path, default=Path("build/accuracy"), help="also keeps the simulated scans")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write the figures into the model's own card")
    options = parser.parse_args()
    request = EvaluationRequest(
        options.model, options.seeds, options.output, device=options.device, workers=options.workers
    )
    try:
        evaluation = evaluate(request, lambda *outcome: print(outcome_line(*outcome), file=sys.stderr))
        figures = write_evaluation(options.output, evaluation)
    except CacnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(plain_table(evaluation, figures))
    if evaluation.failures:
        return CacnetError.exit_code
    if options.record:
        record_accuracy(options.model, evaluation, figures, f"{evaluation.dataset.description}, {evaluation.device}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

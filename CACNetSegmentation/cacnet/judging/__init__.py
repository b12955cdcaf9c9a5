"""Which of the calcifications that the networks found count, and why the others do not.

In reading order: judge, then the rules: doubtful, metal, stents. What the whole heart says is cacnet.heart_context's.
What does not count is never dropped: it is told with its place and stands in the review, see cacnet.left_out.
"""

from cacnet.judging.judge import Doubt, Found, doubts_about

__all__ = ["Doubt", "Found", "doubts_about"]

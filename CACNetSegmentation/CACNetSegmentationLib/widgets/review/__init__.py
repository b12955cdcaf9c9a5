"""The reader's part of the panel: totals, lesion table, corrections, approval."""

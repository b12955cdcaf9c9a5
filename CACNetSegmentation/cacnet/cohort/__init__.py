"""Many scans in one command: found, given pseudonyms, segmented by several processes or computers, and summed up.

In reading order: `scans` (what is in a folder), `pseudonyms` (what the cases are called), `case` (one case: done once,
recognised when done), `processes` and `cluster` (who does the cases), `run` (all of it), `table` (one row per case).
"""

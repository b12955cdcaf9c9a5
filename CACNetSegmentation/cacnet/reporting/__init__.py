"""Reports for people: PDF and HTML to sign, XLSX and CSV to count on, JSON for programs, all of one frozen value.

In reading order: `figures` (how each number is rounded and written, on screen as well), `case_report` (everything that
is said of a case, from a result or from a review), `tables` and `page` (its numbers for programs, its words for
readers), then one module for each format, and `write` with `write_reports`.
"""

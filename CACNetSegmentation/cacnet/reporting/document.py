"""A report as JSON: the same tables, with the same rounding, under their names."""

from __future__ import annotations

from typing import Any

from cacnet.reporting.case_report import CaseReport
from cacnet.reporting.tables import Table, tables_of

SCHEMA_VERSION = 1


def document_of(report: CaseReport) -> dict[str, Any]:
    """Plain values: the summary as one object, every other table as a list of objects."""
    summary, *lists = tables_of(report)
    return {
        "schema_version": SCHEMA_VERSION,
        "summary": {str(name): value for name, value in summary.rows},
        "findings": [{"code": f.code, "severity": f.severity.value, "message": f.message} for f in report.findings],
        **{table.name: _objects(table) for table in lists},
    }


def _objects(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]

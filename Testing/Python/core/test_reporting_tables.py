"""Typed tables: rounded as on screen, complete, and without zeros for what is not known."""

from cacnet.reporting.page import page_of
from cacnet.reporting.tables import tables_of
from report_cases import empty_report, found_report, reviewed_report


def table(report, name):
    return next(table for table in tables_of(report) if table.name == name)


def rows(report, name):
    found = table(report, name)
    names = [column.name for column in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def test_every_row_has_every_column() -> None:
    for report in (found_report(), reviewed_report(), empty_report()):
        for one in tables_of(report):
            assert {len(row) for row in one.rows} <= {len(one.columns)}


def test_vessels_stand_beside_the_networks_own_and_end_with_the_total() -> None:
    found = {row["vessel"]: (row["agatston"], row["agatston_network"]) for row in rows(reviewed_report(), "vessels")}
    assert found == {
        "LM": (0.0, 0.0),
        "LAD": (0.0, 24.0),
        "LCx": (8.0, 0.0),
        "RCA": (4.0, 4.0),
        "Unassigned": (0.0, 0.0),
        "Total": (12.0, 28.0),
    }


def test_a_rejected_lesion_stays_in_the_table_with_its_reason() -> None:
    second = rows(reviewed_report(), "lesions")[1]
    assert (second["state"], second["reason"], second["counts"]) == ("rejected", "stent", "no")


def test_slices_and_lesions_add_up_to_the_total() -> None:
    for name in ("slices", "lesions"):
        assert sum(row["agatston"] for row in rows(found_report(), name)) == 28.0


def test_the_audit_says_who_did_what_when() -> None:
    first = rows(reviewed_report(), "audit")[0]
    assert (first["action"], first["lesions"], first["details"]) == ("reject", "2", "reason: stent")
    assert (first["agatston_before"], first["agatston_after"]) == (28.0, 12.0)


def test_without_arteries_there_is_no_number_at_all() -> None:
    summary = dict(table(empty_report(), "summary").rows)
    assert "agatston" not in summary
    assert summary["conclusive"].startswith("no:")
    assert all(
        value is None for row in rows(empty_report(), "vessels") for key, value in row.items() if key != "vessel"
    )


def test_the_summary_says_how_the_score_came_about() -> None:
    summary = dict(table(found_report(), "summary").rows)
    assert summary["agatston"] == 28.0
    assert summary["protocol"] == "literature"
    assert summary["model_sha256"].startswith("0123")
    assert "simulated" in summary["model_statement"]
    assert summary["statement"] == "Research use only, not for diagnosis."


def test_an_artery_without_a_lesion_has_no_density() -> None:
    density = {row["vessel"]: row["density"] for row in rows(reviewed_report(), "vessels")}
    assert density["LAD"] is None
    assert density["RCA"] > 0


def test_numbers_are_those_of_the_page() -> None:
    report = reviewed_report()
    page = page_of(report)
    shown = {row[0]: row[3:7] for row in page.lesions.rows}
    for row in rows(report, "lesions"):
        texts = (f"{row['agatston']:.1f}", f"{row['volume_mm3']:.1f}", f"{row['mass_mg']:.1f}", str(row["max_hu"]))
        assert shown[str(row["id"])] == texts

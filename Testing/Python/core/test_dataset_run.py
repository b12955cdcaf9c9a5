"""A whole data set: one bad case does not stop the rest, an interrupted import goes on, nothing is half-written."""

import json

import pytest
from cacnet.dataset import layouts
from cacnet.dataset.case_folder import read_case_folder
from cacnet.dataset.corrections import write_corrected_case
from cacnet.dataset.errors import DuplicateCaseError, NotApprovedError, UnusableScanError
from cacnet.dataset.run import (
    CaseFolders,
    CaseReport,
    Outcome,
    check_cases,
    check_exit_code,
    import_cases,
    import_exit_code,
)
from cacnet.dataset.scan import Provenance, Review, ReviewState
from cacnet.errors import Cancelled, OutOfMemoryError
from cacnet.files import UnwritableOutputError
from cacnet.findings import Finding, Severity
from dataset_folders import corrected_scan, hu, spots, write_image, write_nnunet, write_orcascore


def imported(folder, output, **options):
    return list(import_cases(layouts.list_cases(folder), output, CaseFolders(), **options))


def outcomes(reports):
    return [report.outcome for report in reports]


class FakeCase:
    """A case that answers with what it was given."""

    files = ()

    def __init__(self, answer, name="fake"):
        self.answer, self.name = answer, name

    def case_id(self):
        return self.name

    def read(self):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def test_one_bad_case_does_not_stop_the_rest(tmp_path):
    folder = write_nnunet(tmp_path / "set", cases=("a", "b", "c"))
    (folder / "labelsTr" / "b.nii.gz").write_bytes(b"damaged")
    reports = imported(folder, tmp_path / "out")
    assert outcomes(reports) == [Outcome.IMPORTED, Outcome.REFUSED, Outcome.IMPORTED]
    assert reports[1].error is not None
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == sorted(report.case_id for report in reports if report.error is None)
    assert import_exit_code(reports) == 1


def test_an_imported_case_is_the_case_that_was_read(tmp_path):
    [report] = imported(write_orcascore(tmp_path / "set"), tmp_path / "out")
    scan = read_case_folder(tmp_path / "out" / "TRV1P2")
    assert report.case_id == scan.case_id == "TRV1P2"
    assert (scan.calcium == spots({2: 2, 3: 3, 4: 4})).all()
    assert scan.coronary is None
    assert "left-main-merged" in {finding.code for finding in report.findings}


def test_importing_again_does_only_what_is_missing(tmp_path):
    folder = write_nnunet(tmp_path / "set", cases=("a", "b"))
    first = imported(folder, tmp_path / "out")
    record = tmp_path / "out" / first[0].case_id / "record.json"
    written = record.stat().st_mtime_ns
    (tmp_path / "out" / first[1].case_id / "record.json").unlink()
    (tmp_path / "out" / ".cacnet-half").mkdir()
    assert outcomes(imported(folder, tmp_path / "out")) == [Outcome.ALREADY_THERE, Outcome.IMPORTED]
    assert record.stat().st_mtime_ns == written
    assert not (tmp_path / "out" / ".cacnet-half").exists()


def test_a_case_whose_labels_changed_is_imported_again(tmp_path):
    folder = write_nnunet(tmp_path / "set")
    [before] = imported(folder, tmp_path / "out")
    write_image(folder / "labelsTr" / "Smith_John.nii.gz", spots({1: 1, 2: 1, 3: 1, 4: 1}))
    [after] = imported(folder, tmp_path / "out")
    assert after.outcome is Outcome.IMPORTED
    assert after.case_id == before.case_id
    assert (read_case_folder(tmp_path / "out" / after.case_id).calcium > 0).sum() == 16


def test_a_damaged_record_counts_as_missing(tmp_path):
    folder = write_nnunet(tmp_path / "set")
    [report] = imported(folder, tmp_path / "out")
    (tmp_path / "out" / report.case_id / "record.json").write_text("[]", "utf-8")
    assert outcomes(imported(folder, tmp_path / "out")) == [Outcome.IMPORTED]


def test_no_name_of_the_source_is_written(tmp_path):
    imported(write_nnunet(tmp_path / "set", cases=("Smith_John",)), tmp_path / "out")
    texts = [str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*")]
    texts += [path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.json")]
    assert texts
    assert not any("smith" in text.lower() or str(tmp_path) in text for text in texts)


def test_the_same_scan_twice_is_imported_once(tmp_path):
    folder = write_nnunet(tmp_path / "set", cases=("a", "b"))
    copy = (folder / "imagesTr" / "a_0000.nii.gz").read_bytes()
    (folder / "imagesTr" / "b_0000.nii.gz").write_bytes(copy)
    reports = imported(folder, tmp_path / "out")
    assert outcomes(reports) == [Outcome.IMPORTED, Outcome.REFUSED]
    assert isinstance(reports[1].error, DuplicateCaseError)
    assert outcomes(check_cases(layouts.list_cases(folder))) == [Outcome.USABLE, Outcome.REFUSED]


def test_a_scan_that_could_not_be_segmented_is_refused(tmp_path):
    folder = write_nnunet(tmp_path / "set")
    write_image(folder / "imagesTr" / "Smith_John_0000.nii.gz", hu() + 2000)
    [report] = imported(folder, tmp_path / "out")
    assert report.outcome is Outcome.REFUSED
    assert isinstance(report.error, UnusableScanError)
    assert "no Hounsfield units" in str(report.error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("state", [ReviewState.UNREVIEWED, ReviewState.PARTLY])
def test_labels_that_nobody_approved_need_a_word(tmp_path, state):
    provenance = Provenance("cacnet", "rule", review=Review(state))
    write_corrected_case(tmp_path / "set", corrected_scan(provenance=provenance))
    [refused] = imported(tmp_path / "set", tmp_path / "out")
    assert isinstance(refused.error, NotApprovedError)
    assert outcomes(imported(tmp_path / "set", tmp_path / "out", any_state=True)) == [Outcome.IMPORTED]
    record = json.loads((tmp_path / "out" / "case-0a1b" / "record.json").read_text("utf-8"))
    assert record["review"]["state"] == state.value


def test_an_id_that_leads_out_of_the_output_is_refused(tmp_path):
    output = tmp_path / "out"
    [report] = import_cases([FakeCase(corrected_scan(), name="../x")], output, CaseFolders())
    assert report.outcome is Outcome.REFUSED
    assert not (tmp_path / "x").exists()


def test_a_case_that_does_not_fit_into_memory_is_refused_alone(tmp_path):
    cases = [FakeCase(MemoryError(), "a"), FakeCase(corrected_scan(), "b")]
    reports = list(import_cases(cases, tmp_path / "out", CaseFolders()))
    assert outcomes(reports) == [Outcome.REFUSED, Outcome.IMPORTED]
    assert isinstance(reports[0].error, OutOfMemoryError)


def test_a_cancelled_import_stops_and_keeps_what_is_complete(tmp_path):
    cases = [FakeCase(corrected_scan(), "a"), FakeCase(Cancelled("cancelled"), "b"), FakeCase(corrected_scan(), "c")]
    running = import_cases(cases, tmp_path / "out", CaseFolders())
    assert next(running).outcome is Outcome.IMPORTED
    with pytest.raises(Cancelled):
        next(running)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_an_output_that_cannot_be_written_is_said_before_the_first_case(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(UnwritableOutputError):
        next(import_cases([FakeCase(AssertionError("read"))], tmp_path / "file" / "out", CaseFolders()))


def test_a_disk_that_fills_up_stops_the_import(tmp_path):
    class FullDisk:
        record_file = "record.json"

        def write(self, folder, scan, extra):
            raise UnwritableOutputError("no room")

    with pytest.raises(UnwritableOutputError, match="no room"):
        list(import_cases([FakeCase(corrected_scan())], tmp_path / "out", FullDisk()))


def test_checking_reads_everything_and_writes_nothing(tmp_path):
    folder = write_nnunet(tmp_path, cases=("a", "b"))
    (folder / "labelsTr" / "b.nii.gz").unlink()
    before = sorted(tmp_path.rglob("*"))
    reports = list(check_cases(layouts.list_cases(folder)))
    assert outcomes(reports) == [Outcome.USABLE, Outcome.REFUSED]
    assert check_exit_code(reports) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_exit_codes():
    fine = CaseReport("a", Outcome.USABLE)
    warned = CaseReport("b", Outcome.USABLE, findings=(Finding("x", Severity.WARNING, "x"),))
    refused = CaseReport("c", Outcome.REFUSED)
    assert [check_exit_code(reports) for reports in ([fine], [fine, warned], [fine, warned, refused])] == [0, 1, 2]
    assert [import_exit_code(reports) for reports in ([fine], [fine, refused], [refused])] == [0, 1, 2]

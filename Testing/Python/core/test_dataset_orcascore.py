"""The orCaScore challenge's files with their known traps."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset import orcascore
from cacnet.dataset.errors import IncompleteCaseError, LabelError
from dataset_folders import hu, spots, write_image, write_orcascore


def only_case(folder):
    [case] = orcascore.list_cases(folder)
    return case


def test_the_reference_becomes_our_numbers(tmp_path):
    scan = only_case(write_orcascore(tmp_path)).read()
    assert scan.case_id == "TRV1P2"
    np.testing.assert_array_equal(scan.calcium, spots({2: Vessel.LAD, 3: Vessel.LCX, 4: Vessel.RCA}))
    np.testing.assert_array_equal(scan.volume.hu, hu())
    assert scan.unknown == ("coronary", "distractor")


def test_the_left_main_is_said_to_be_counted_as_lad(tmp_path):
    provenance = only_case(write_orcascore(tmp_path)).read().provenance
    assert provenance.left_main_counted_as is Vessel.LAD
    assert Vessel.LM not in provenance.named_vessels


def test_an_undetermined_artery_is_unassigned(tmp_path):
    scan = only_case(write_orcascore(tmp_path, reference=spots({2: 4}))).read()
    assert set(np.unique(scan.calcium)) == {0, Vessel.UNASSIGNED}


def test_a_number_that_the_challenge_does_not_have_is_refused(tmp_path):
    with pytest.raises(LabelError, match="the number 7"):
        only_case(write_orcascore(tmp_path, reference=spots({2: 7}))).read()


def test_values_stored_with_their_offset_become_hounsfield_units(tmp_path):
    scan = only_case(write_orcascore(tmp_path, offset=1024)).read()
    np.testing.assert_array_equal(scan.volume.hu, hu())
    assert "stored-offset-removed" in {finding.code for finding in scan.volume.reading_findings}


def test_values_that_no_offset_makes_hounsfield_units_are_left_as_they_are(tmp_path):
    scan = only_case(write_orcascore(tmp_path, offset=5000)).read()
    np.testing.assert_array_equal(scan.volume.hu, hu() + 5000)


def test_the_contrast_scan_is_not_taken_for_the_labelled_one(tmp_path):
    folder = write_orcascore(tmp_path)
    write_image(folder / "TRV1P2CTAI.mhd", np.full((4, 4, 4), 9, np.int16))
    scan = only_case(folder).read()
    assert scan.volume.hu.max() == 400
    assert [finding.code for finding in scan.findings] == ["contrast-scan-unlabelled"]


def test_a_contrast_scan_alone_is_no_case(tmp_path):
    folder = write_orcascore(tmp_path)
    for path in folder.glob("TRV1P2CTI.*"):
        path.unlink()
    with pytest.raises(IncompleteCaseError, match="non-contrast scan"):
        only_case(folder).read()


@pytest.mark.parametrize(("name", "says"), [("TRV1P2", "no reference 'TRV1P2R"), ("TEV2P10", "test set")])
def test_a_case_without_reference_is_not_a_case_without_calcium(tmp_path, name, says):
    folder = write_orcascore(tmp_path, name)
    for path in folder.glob(f"{name}R.*"):
        path.unlink()
    with pytest.raises(IncompleteCaseError, match=says):
        only_case(folder).read()


def test_patients_are_found_in_any_folder_and_ordered_by_number(tmp_path):
    for name in ("TRV1P10", "TRV1P2", "TRV2P1", "TEV1P1"):
        write_orcascore(tmp_path / name[:4], name)
    (tmp_path / "notes.mhd").write_text("x", "utf-8")
    assert [case.name for case in orcascore.list_cases(tmp_path)] == ["TEV1P1", "TRV1P2", "TRV1P10", "TRV2P1"]


def test_upper_and_lower_case_are_the_same_name(tmp_path):
    folder = write_orcascore(tmp_path)
    (folder / "TRV1P2CTI.mhd").rename(folder / "trv1p2cti.mhd")
    assert only_case(folder).read().case_id == "TRV1P2"


def test_two_files_of_one_name_are_refused(tmp_path):
    write_orcascore(tmp_path / "a")
    write_orcascore(tmp_path / "b")
    with pytest.raises(IncompleteCaseError, match="2 times"):
        only_case(tmp_path).read()


def test_compressed_voxels_are_read(tmp_path):
    import SimpleITK as sitk
    from cacnet.volume import to_sitk
    from dataset_folders import GEOMETRY

    folder = write_orcascore(tmp_path)
    sitk.WriteImage(to_sitk(spots({2: 1}), GEOMETRY), str(folder / "TRV1P2R.mhd"), useCompression=True)
    assert (folder / "TRV1P2R.zraw").is_file()
    assert set(np.unique(only_case(folder).read().calcium)) == {0, Vessel.LAD}


def test_all_its_files_are_watched_for_changes(tmp_path):
    names = {path.name for path in only_case(write_orcascore(tmp_path)).files}
    assert names == {"TRV1P2CTI.mhd", "TRV1P2CTI.raw", "TRV1P2R.mhd", "TRV1P2R.raw"}

"""The bundled model on real CT from end to end: it must end well and say what limits the result."""

import json
from pathlib import Path

import pytest
import SimpleITK as sitk
from cacnet.cli import main
from shared_data import shared_data


@pytest.mark.slow
def test_a_real_chest_of_weak_contrast_ends_well_with_its_findings(tmp_path: Path) -> None:
    assert main(["segment", str(shared_data("chest_ct_contrast")), "--output", str(tmp_path / "output")]) == 0
    report = json.loads((tmp_path / "output" / "report.json").read_text("utf-8"))
    assert {"contrast-weak", "slice-increment-thick"} <= {finding["code"] for finding in report["findings"]}
    assert report["acquisition"]["kvp"] == 120
    assert report["model"]["id"] == "cacnet-simulated-v9"
    assert report["totals"]["conclusive"] is False  # 40 mm of one artery are no ground for a score
    image = sitk.ReadImage(str(tmp_path / "output" / "calcium.nii.gz"))
    assert image.GetSize() == (512, 512, 102)


def test_the_calcium_of_a_real_phantom_has_about_its_known_mass(tmp_path: Path) -> None:
    """The 5 mm cylinders of the QRM insert hold 78.5, 39.3 and 19.6 mg (its data sheet); the factor is nominal."""
    import numpy as np
    from cacnet.lesions import find_lesions
    from cacnet.reading import read_ct
    from cacnet.scoring import protocol_named, resolve

    volume = read_ct(shared_data("qrm_calcium_phantom"))
    mask = np.zeros(volume.hu.shape, np.uint8)
    insert = (slice(19, 26), slice(130, 330), slice(140, 340))  # The inserts, without the phantom's own bones.
    mask[insert] = (volume.hu[insert] >= 130) * np.uint8(5)
    lesions = find_lesions(mask, volume.hu, volume.geometry, resolve(protocol_named("literature"))).lesions
    masses_mg = sorted((lesion.mass_mg for lesion in lesions if 150 < lesion.mask_volume_mm3 < 350), reverse=True)
    ratios = np.array(masses_mg) / [78.5, 39.3, 19.6]
    assert (ratios > 0.8).all()
    assert (ratios < 1.5).all()

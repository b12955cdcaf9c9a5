"""The pictures of the tutorial can be drawn, and show what they are about."""

import sys

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")
pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed", exc_type=ImportError)


def test_each_step_of_the_tutorial_gets_its_picture(slicer_application, scene, tmp_path, monkeypatch):
    import pictures
    import SimpleITK as sitk
    import stand_in

    stand_in.install()
    from cacnet.volume import to_sitk
    from CACNetSegmentationLib.widgets import worker_process
    from PIL import Image
    from scenario_bench import write_results
    from schematic import schematic_ccta

    # Drawing sets these; they are put back after the test.
    monkeypatch.setattr(worker_process, "python_slicer", None)
    monkeypatch.setitem(sys.modules, "CACNetSegmentation", None)
    scan = schematic_ccta()
    hu, grid = scan.volume.hu, scan.volume.geometry
    sitk.WriteImage(to_sitk(hu, grid), tmp_path / "ct.nrrd")
    (tmp_path / "results").mkdir()
    write_results(tmp_path / "results", hu, scan.calcium * np.uint8(2), grid)
    pictures.draw(tmp_path / "ct.nrrd", tmp_path / "results", tmp_path / "pictures")
    drawn = sorted((tmp_path / "pictures").iterdir())
    assert [path.stem for path in drawn] == [
        *("tutorial_1_input", "tutorial_2_run", "tutorial_3_review", "tutorial_4_corrected"),
    ]
    assert all(path.stat().st_size <= pictures.MAX_BYTES for path in drawn)
    views = np.asarray(Image.open(drawn[2]))[:, pictures.PANEL_WIDTH :].astype(int)
    red, green, blue = np.moveaxis(views, -1, 0)
    assert (np.abs(red - green) + np.abs(green - blue) > 100).sum() > 50, "no segment is drawn in the views"

"""Whatever is wrong with the input: one readable sentence on standard error, exit code 2, and nothing left behind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.cli import main
from cacnet.volume import to_sitk
from dicom_files import write_series
from schematic import schematic_ccta


@dataclass(frozen=True)
class Place:
    """Where a case may put its files, and good ones to spoil."""

    folder: Path
    good_ct: Path
    good_model: Path
    output: Path

    def segment(self, ct: Path) -> list[str]:
        return ["segment", str(ct), "--output", str(self.output), "--model", str(self.good_model)]

    def image(self, array: np.ndarray, is_vector: bool = False, name: str = "ct.nii.gz") -> Path:
        path = self.folder / name
        sitk.WriteImage(sitk.GetImageFromArray(array, isVector=is_vector), str(path))
        return path

    def model(self) -> Path:
        return Path(shutil.copytree(self.good_model, self.folder / "model"))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 100, shape).astype(np.int16)


def no_such_file(place: Place) -> list[str]:
    return place.segment(place.folder / "nothing.nii.gz")


def empty_folder(place: Place) -> list[str]:
    (place.folder / "empty").mkdir()
    return place.segment(place.folder / "empty")


def truncated_nifti(place: Place) -> list[str]:
    path = place.folder / "cut.nii.gz"
    path.write_bytes(place.good_ct.read_bytes()[:-2000])
    return place.segment(path)


def localizer_only(place: Place) -> list[str]:
    write_series(place.folder / "scout", noise(1, 64, 64), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    return place.segment(place.folder / "scout")


def rgb(place: Place) -> list[str]:
    return place.segment(place.image(np.zeros((20, 20, 20, 3), np.uint8), is_vector=True, name="ct.nrrd"))


def four_dimensional(place: Place) -> list[str]:
    return place.segment(place.image(noise(3, 20, 20, 20)))


def two_slices(place: Place) -> list[str]:
    return place.segment(place.image(noise(2, 64, 64)))


def mr(place: Place) -> list[str]:
    write_series(place.folder / "mr", noise(20, 32, 32), Modality="MR")
    return place.segment(place.folder / "mr")


def nan(place: Place) -> list[str]:
    array = noise(40, 40, 40).astype(np.float32)
    array[3, 3, 3] = np.nan
    return place.segment(place.image(array))


def constant_volume(place: Place) -> list[str]:
    return place.segment(place.image(np.full((40, 40, 40), 7, np.int16)))


def tilted_series(place: Place) -> list[str]:
    from pydicom import dcmread

    write_series(place.folder / "tilted", noise(20, 32, 32))
    for file in (place.folder / "tilted").iterdir():
        dataset = dcmread(file)
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, float(y) + 0.3 * float(z), z]
        dataset.save_as(file)
    return place.segment(place.folder / "tilted")


def wrong_mask_geometry(place: Place) -> list[str]:
    volume = schematic_ccta().volume
    mask = to_sitk(np.zeros(volume.hu.shape, np.uint8), volume.geometry)
    mask.SetOrigin([c + 3 for c in mask.GetOrigin()])
    sitk.WriteImage(mask, str(place.folder / "mask.nrrd"))
    mask_path = str(place.folder / "mask.nrrd")
    return ["score", str(place.good_ct), "--calcium", mask_path, "--output", str(place.output)]


def no_such_model(place: Place) -> list[str]:
    return [*place.segment(place.good_ct)[:-1], "no-such-model"]


def corrupt_weights(place: Place) -> list[str]:
    weights = place.model() / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return [*place.segment(place.good_ct)[:-1], str(weights.parent)]


def tampered_weights(place: Place) -> list[str]:
    weights = place.model() / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    return [*place.segment(place.good_ct)[:-1], str(weights.parent)]


def unwritable_output(place: Place) -> list[str]:
    (place.folder / "a-file").write_text("")
    command = place.segment(place.good_ct)
    command[command.index(str(place.output))] = str(place.folder / "a-file" / "output")
    return command


def unknown_protocol(place: Place) -> list[str]:
    return [*place.segment(place.good_ct), "--protocol", "agatsten"]


CASES: dict[Callable[[Place], list[str]], str] = {
    no_such_file: "nothing.nii.gz",
    empty_folder: "empty",
    truncated_nifti: "cut.nii.gz",
    localizer_only: "localizer",
    rgb: "values per voxel|colour|RGB",
    four_dimensional: "4-D|four|dimensions|time points",
    two_slices: "2 voxels deep",
    mr: "MR",
    nan: "not finite|NaN|no number",
    constant_volume: "Every voxel has the value 7",
    tilted_series: "tilt",
    wrong_mask_geometry: "calcium mask has",
    no_such_model: "no-such-model",
    corrupt_weights: "bytes",
    tampered_weights: "checksum|sha256|SHA-256",
    unwritable_output: "cannot be written",
    unknown_protocol: "agatsten",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    case: Callable[[Place], list[str]],
    tmp_path: Path,
    schematic_file: Path,
    tiny_bundle: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    place = Place(tmp_path, schematic_file, tiny_bundle, tmp_path / "output")
    arguments = case(place)
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments) == 2
    output, error = capfd.readouterr()
    assert output == ""
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("cacnet: ")
    assert lines[0].endswith(".")
    assert "Traceback" not in error
    assert re.search(CASES[case], lines[0], re.IGNORECASE), lines[0]
    assert sorted(tmp_path.rglob("*")) == before

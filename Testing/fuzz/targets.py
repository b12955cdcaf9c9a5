"""What is fuzzed: every kind of file that the product reads, good ones to damage, and the reading itself.

A target reads what it is given and ends in one of three ways: it returns (accepted), it raises a CacnetError (refused
by name), or anything else, which is a violation. Where it accepts, it looks at what came out and raises WrongResult if
that cannot be: an unlawful grid, values that are no numbers, labels that nobody has.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from fuzz import mutations

Damage = Callable[[bytes, random.Random], bytes]
TESTS = Path(__file__).resolve().parents[1] / "Python"


class WrongResult(Exception):
    """Something was accepted that cannot be right."""


@dataclass(frozen=True)
class Seed:
    """A good file to damage.

    Attributes:
        path: within the folder of its target.
        damage: how.
        whole: whether every byte is needed: cut short, it must be refused.
    """

    path: str
    damage: Damage = mutations.damage_bytes
    whole: bool = False


@dataclass(frozen=True)
class Target:
    """A kind of input.

    Attributes:
        prepare: writes good files into an empty folder and says which of them are to be damaged.
        read: reads the damaged file, given the folder and the seed's path.
        hostile: made by hand, worse than chance makes them: a seed's path and the bytes to put there. They must be
            refused.
        native: whether C++ reads it, which coverage of Python cannot guide.
    """

    name: str
    prepare: Callable[[Path], tuple[Seed, ...]]
    read: Callable[[Path, str], None]
    hostile: Mapping[str, tuple[str, Callable[[Path], bytes]]] = field(default_factory=dict)
    native: bool = False


def require(holds: bool, what: str) -> None:
    """Raise WrongResult unless it holds."""
    if not holds:
        raise WrongResult(what)


def load_helpers() -> None:
    """Let the writers of small good files that the tests use be imported."""
    for folder in (TESTS, TESTS / "core"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


# Volumes -------------------------------------------------------------------------------------------------------------


def _read_volume(folder: Path, path: str) -> None:
    from cacnet.reading import read_ct
    from cacnet.validation import check

    volume = read_ct(folder / path)
    _require_lawful(volume.geometry)
    require(bool(np.isfinite(volume.hu).all()), "a value that is no number")
    require(volume.hu.nbytes < 100e6, "more voxels than any of these files holds")
    check(volume)


def _require_lawful(geometry: object) -> None:
    spacing, direction = np.array(geometry.spacing_mm_zyx), np.reshape(geometry.direction_lps, (3, 3))
    require(bool(np.isfinite(spacing).all() and (spacing > 0).all()), f"a spacing of {spacing} mm")
    require(bool(np.isfinite(geometry.origin_mm_lps).all()), f"an origin at {geometry.origin_mm_lps}")
    require(bool(np.abs(direction @ direction.T - np.eye(3)).max() < 0.01), "axes that are not perpendicular")


def _read_dicom(folder: Path, path: str) -> None:
    _read_volume(folder, str(Path(path).parent))


def _hu() -> np.ndarray:
    return np.random.default_rng(1).normal(40, 100, (6, 7, 8)).astype(np.int16)


def _write(array: np.ndarray, path: Path, compressed: bool = False) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.4, 0.5, 0.6))
    image.SetOrigin((-10.0, -20.0, 30.0))
    sitk.WriteImage(image, str(path), compressed)


def _prepare_dicom(folder: Path) -> tuple[Seed, ...]:
    from dicom_files import write_series

    write_series(folder / "series", _hu())
    slices = sorted((folder / "series").iterdir())
    return (Seed(f"series/{slices[2].name}"), Seed(f"series/{slices[0].name}"))


def _prepare_enhanced(folder: Path) -> tuple[Seed, ...]:
    from dicom_files import write_enhanced

    (folder / "enhanced").mkdir()
    write_enhanced(folder / "enhanced" / "ct.dcm", _hu())
    return (Seed("enhanced/ct.dcm"),)


def _prepare_nrrd(folder: Path) -> tuple[Seed, ...]:
    _write(_hu(), folder / "raw.nrrd")
    _write(_hu().astype(np.float32), folder / "packed.nrrd", compressed=True)
    _write(_hu(), folder / "detached.nhdr")
    return (Seed("raw.nrrd", whole=True), Seed("packed.nrrd", whole=True), Seed("detached.nhdr"))


def _prepare_nifti(folder: Path) -> tuple[Seed, ...]:
    _write(_hu(), folder / "ct.nii")
    _write(_hu().astype(np.float32), folder / "float.nii")
    _write(_hu(), folder / "ct.nii.gz")
    return (
        Seed("ct.nii", whole=True),
        Seed("float.nii", whole=True),
        Seed("ct.nii.gz", mutations.damage_gzip, whole=True),
    )


def _prepare_meta(folder: Path) -> tuple[Seed, ...]:
    _write(_hu(), folder / "ct.mha")
    _write(_hu(), folder / "packed.mha", compressed=True)
    _write(_hu(), folder / "detached.mhd")
    return (Seed("ct.mha", whole=True), Seed("packed.mha", whole=True), Seed("detached.mhd"))


def _huge_nrrd(sizes: str, encoding: str = "raw", body: bytes = b"\0" * 64) -> bytes:
    head = f"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
    return (
        head + f"space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: {encoding}\n\n"
    ).encode() + body


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    part = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes))
    return part + packer.flush()


def _huge_nifti(folder: Path, *sizes: int) -> bytes:
    data = bytearray((folder / "ct.nii").read_bytes())
    struct.pack_into("<4h", data, 40, 3, *sizes)
    return bytes(data)


def _elsewhere(folder: Path, name: str, key: str, target: str) -> bytes:
    lines = (folder / name).read_text().splitlines()
    return "\n".join(f"{key} {target}" if line.startswith(key) else line for line in lines).encode() + b"\n"


def _linked(target: str, name: str, key: str) -> tuple[str, Callable[[Path], bytes]]:
    return name, lambda folder: _elsewhere(folder, name, key, target)


NRRD_HOSTILE = {
    "100000³ voxels": ("raw.nrrd", lambda _: _huge_nrrd("100000 100000 100000")),
    "sizes that overflow": ("raw.nrrd", lambda _: _huge_nrrd("4294967297 4294967297 4294967297")),
    "one plane, 2⁶³ long": ("raw.nrrd", lambda _: _huge_nrrd("9223372036854775807 1 1")),
    "packed bomb": ("raw.nrrd", lambda _: _huge_nrrd("1024 1024 2047", "gzip", _bomb(2))),
    "voxels of another folder": _linked("../../etc/hostname", "detached.nhdr", "data file:"),
    "voxels of the system": _linked("/dev/zero", "detached.nhdr", "data file:"),
}
NIFTI_HOSTILE = {
    "32767³ voxels": ("ct.nii", lambda folder: _huge_nifti(folder, 32767, 32767, 32767)),
    "negative sizes": ("ct.nii", lambda folder: _huge_nifti(folder, -1, -1, -1)),
    "packed 32767³ voxels": ("ct.nii.gz", lambda folder: gzip.compress(_huge_nifti(folder, 32767, 32767, 32767))),
    "packed bomb": ("ct.nii.gz", lambda folder: gzip.compress(_huge_nifti(folder, 1024, 1024, 2047)) + _bomb(2)),
}
META_HOSTILE = {
    "voxels of another folder": _linked("../../../etc/hostname", "detached.mhd", "ElementDataFile ="),
    "voxels of the system": _linked("/dev/zero", "detached.mhd", "ElementDataFile ="),
    "100000³ voxels": _linked("100000 100000 100000", "detached.mhd", "DimSize ="),
}


def _prepare_masks(folder: Path) -> tuple[Seed, ...]:
    labels = (_hu() > 150).astype(np.uint8)
    for name in ("mask.nrrd", "mask.nii", "mask.mha"):
        _write(labels, folder / name)
    return tuple(Seed(name, whole=True) for name in ("mask.nrrd", "mask.nii", "mask.mha"))


def _read_mask(folder: Path, path: str) -> None:
    from cacnet.dataset.label_maps import read_label_map
    from cacnet.masks import read_labels
    from cacnet.volume import Geometry

    grid = Geometry((6, 7, 8), (0.6, 0.5, 0.4), (-10.0, -20.0, 30.0))
    require(read_labels(folder / path, grid, "calcium mask").shape == grid.shape_zyx, "labels on another grid")
    require(int(read_label_map(folder / path, grid, "labels").min()) >= 0, "labels below 0")


# Models --------------------------------------------------------------------------------------------------------------


def _prepare_model(folder: Path) -> tuple[Seed, ...]:
    from tiny_network import write_tiny_bundle

    write_tiny_bundle(folder)
    return (Seed("tiny/model.json", mutations.damage_json),)


def _prepare_weights(folder: Path) -> tuple[Seed, ...]:
    _prepare_model(folder)
    return (Seed("tiny/weights.safetensors"),)


def _read_model(folder: Path, path: str) -> None:
    from cacnet.installed_models import summaries
    from cacnet.weights import load_bundle

    summaries((folder,))
    network = load_bundle(folder / "tiny").network
    require(all(bool(p.isfinite().all()) for p in network.parameters()), "weights that are not finite")


def _read_weights(folder: Path, path: str) -> None:
    """As whoever forges weights would: with a card that states their true size and checksum."""
    import hashlib

    card_file, data = folder / "tiny" / "model.json", (folder / path).read_bytes()
    good = card_file.read_bytes()
    card = json.loads(good)
    card["weights"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    card_file.write_text(json.dumps(card))
    try:
        _read_model(folder, path)
    finally:
        card_file.write_bytes(good)


def _header(length: int, text: bytes = b"{}") -> Callable[[Path], bytes]:
    return lambda _: struct.pack("<Q", length) + text


WEIGHTS_HOSTILE = {
    "a table of 2⁶⁴ bytes": ("tiny/weights.safetensors", _header(2**64 - 1)),
    "no tensors": ("tiny/weights.safetensors", _header(2)),
    "a deep table": ("tiny/weights.safetensors", _header(200_000, b"[" * 200_000)),
    "a pickle": ("tiny/weights.safetensors", lambda _: b"\x80\x04cposix\nsystem\n(S'true'\ntR."),
}
MODEL_HOSTILE = {
    "a deep card": ("tiny/model.json", lambda _: b'{"a":' * 100_000),
    "a card of 2 MB": ("tiny/model.json", lambda _: b" " * (2 << 20)),
    "another file": (
        "tiny/model.json",
        lambda folder: (folder / "tiny/model.json").read_bytes().replace(b"weights.safetensors", b"../../x"),
    ),
    "another folder": (
        "tiny/model.json",
        lambda folder: (folder / "tiny/model.json").read_bytes().replace(b'"tiny"', b'"../../tiny"'),
    ),
}


# Reviews -------------------------------------------------------------------------------------------------------------


def _prepare_reviews(folder: Path) -> tuple[Seed, ...]:
    from cacnet.edits import journal
    from cacnet.edits.autosave import Autosave, ReviewText
    from cacnet.edits.stored_json import write_review
    from cacnet.edits.stored_review import ModelIdentity, Rules, store_result
    from cacnet.lesions import find_lesions
    from dataset_folders import GEOMETRY, hu, spots
    from reviewed_cases import LITERATURE, correct, reviewed_case

    case, rules = correct(reviewed_case()), Rules("literature", 60.0, "M")
    found = find_lesions(spots(), hu(), GEOMETRY, LITERATURE)
    begun = store_result(case.volume, found, LITERATURE, rules, ModelIdentity("m", "ab"))
    write_review(folder / "begun.json", begun)
    write_review(folder / "review.json", begun.with_work(case.session, rules))
    journal.save(case.session, folder / "journal.json")
    saved = Autosave(folder, begun)
    text = ReviewText(begun)
    saved.append(text.update(case.session), case.session, rules)
    saved.path.rename(folder / "saved.cacnet-review")
    _write(spots(), folder / "coronary.nii.gz")
    return (
        Seed("begun.json", mutations.damage_json),
        Seed("review.json", mutations.damage_json),
        Seed("journal.json", mutations.damage_json),
        Seed("saved.cacnet-review", mutations.damage_json_lines),
    )


def _read_review(folder: Path, path: str) -> None:
    from cacnet.edits import journal
    from cacnet.edits.autosave import recoverable, recovered
    from cacnet.edits.live_scores import LiveScores
    from cacnet.edits.stored_json import read_review, to_text
    from cacnet.edits.summary import summarize
    from dataset_folders import GEOMETRY, SHAPE_ZYX, hu
    from reviewed_cases import LITERATURE

    if path == "journal.json":
        session = journal.load(folder / path, LiveScores(hu(), GEOMETRY, LITERATURE), SHAPE_ZYX)
        summary = summarize(session, LITERATURE, None, None)
    else:
        if path.endswith(".cacnet-review"):
            recoverable(folder)
        stored = recovered(folder / path) if path.endswith(".cacnet-review") else read_review(folder / path)
        session = stored.open(hu())
        _require_lawful(stored.geometry)
        resolved = stored.resolve(stored.rules.protocol)
        summary = summarize(session, resolved, stored.rules.age_years, stored.rules.sex)
        to_text(stored.with_work(session, stored.rules))
    require(bool(np.isfinite(summary.totals.agatston)) and summary.totals.agatston >= 0, "a score that is none")
    require(int(session.review.label_map().max()) <= 5, "an artery that nobody has")


def _deep_review(name: str) -> tuple[str, Callable[[Path], bytes]]:
    return name, lambda _: b'{"journal":' * 50_000


def _long_runs(folder: Path) -> bytes:
    content = json.loads((folder / "review.json").read_bytes())
    content["geometry"]["shape_zyx"] = content["journal"]["shape_zyx"] = [10**6, 10**6, 10**6]
    content["journal"]["original"][0]["runs"] = [0, 10**12]
    return json.dumps(content).encode()


REVIEW_HOSTILE = {
    "a deep review": _deep_review("review.json"),
    "a deep journal": _deep_review("journal.json"),
    "a deep first line": _deep_review("saved.cacnet-review"),
    "a lesion of 10¹² voxels": ("review.json", _long_runs),
}


# Results -------------------------------------------------------------------------------------------------------------


def _prepare_result(folder: Path) -> tuple[Seed, ...]:
    from cacnet.outputs import write_result
    from report_cases import result

    found = result()
    _write_volume(folder / "ct.nii.gz", found.volume)
    write_result(folder / "result", found)
    (folder / "result/overview.png").unlink()
    return (
        Seed("result/report.json", mutations.damage_json),
        Seed("result/review.json", mutations.damage_json),
        Seed("result/lesions.csv"),
        Seed("result/coronary.nii.gz", mutations.damage_gzip),
    )


def _write_volume(path: Path, volume: object) -> None:
    from cacnet.volume import to_sitk

    sitk.WriteImage(to_sitk(volume.hu, volume.geometry), str(path))


def _read_result(folder: Path, path: str) -> None:
    from cacnet.reporting.folder import report_of_folder
    from cacnet.reporting.tables import tables_of

    report = report_of_folder(folder / "result", folder / "ct.nii.gz")
    require(all(isinstance(finding.message, str) for finding in report.findings), "a finding without a sentence")
    tables_of(report)


# Data sets -----------------------------------------------------------------------------------------------------------


def _prepare_nnunet(folder: Path) -> tuple[Seed, ...]:
    from dataset_folders import write_nnunet

    write_nnunet(folder / "nnunet")
    return (Seed("nnunet/dataset.json", mutations.damage_json),)


def _prepare_orcascore(folder: Path) -> tuple[Seed, ...]:
    from dataset_folders import write_orcascore

    write_orcascore(folder / "orca")
    return tuple(Seed(str(p.relative_to(folder))) for p in sorted((folder / "orca").rglob("*.mhd")))


def _prepare_coca(folder: Path) -> tuple[Seed, ...]:
    from dataset_folders import write_coca

    write_coca(folder / "coca")
    return (Seed("coca/calcium_xml/7.xml"),)


def _prepare_corrections(folder: Path) -> tuple[Seed, ...]:
    from cacnet.dataset.corrections import write_corrected_case
    from dataset_folders import corrected_scan

    write_corrected_case(folder / "own", corrected_scan())
    record = next((folder / "own").rglob("record.json")).relative_to(folder)
    return (Seed(str(record), mutations.damage_json), Seed("own/dataset.json", mutations.damage_json))


def _read_dataset(folder: Path, path: str) -> None:
    from cacnet.dataset.check import check_scan
    from cacnet.dataset.layouts import list_cases
    from cacnet.dataset.source import SAFE_ID

    for case in list_cases(folder / path.split("/", 1)[0]):
        require(SAFE_ID.fullmatch(case.case_id()) is not None, f"the case id {case.case_id()!r}")
        scan = case.read()
        _require_lawful(scan.volume.geometry)
        check_scan(scan)


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "x">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, (b"&%c;" % (97 + i)) * 20) for i in range(9))
    + b']><plist version="1.0"><dict><key>Images</key><string>&j;</string></dict></plist>'
)
OUTSIDE_ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b'<plist version="1.0"><dict><key>Images</key><array><string>&a;</string></array></dict></plist>'
)
COCA_HOSTILE = {
    "entity bomb": ("coca/calcium_xml/7.xml", lambda _: BILLION_LAUGHS),
    "entity of a file": ("coca/calcium_xml/7.xml", lambda _: OUTSIDE_ENTITY),
    "deep lists": ("coca/calcium_xml/7.xml", lambda _: b"<plist>" + b"<array>" * 100_000),
}
NNUNET_HOSTILE = {"deep labels": ("nnunet/dataset.json", lambda _: b'{"labels":' * 100_000)}


# Jobs and settings ---------------------------------------------------------------------------------------------------


def _prepare_job(folder: Path) -> tuple[Seed, ...]:
    job = {"schema_version": 1, "task": "segment", "ct": "ct.nrrd", "output": "out", "model": "m", "device": "cpu"}
    job |= {
        "protocol": "literature",
        "age": 60,
        "sex": "M",
        "refine_borders": True,
        "use_context": True,
        "seed": 3,
        "source": "m",
    }
    job["acquisition"] = {"kvp": 120.0, "modality": "CT", "patient_sex": "F", "slice_thickness_mm": 0.6}
    (folder / "job.json").write_text(json.dumps(job))
    return (Seed("job.json", mutations.damage_json),)


def _read_job(folder: Path, path: str) -> None:
    from cacnet.jobs import Job, read_job

    job: Job = read_job(folder / path)
    for name in ("model", "protocol", "sex"):
        require(isinstance(getattr(job, name), (str, type(None))), f"a {name} that is no text")
    require(isinstance(job.device, str), "a device that is no text")
    age = job.age_years
    require(age is None or (not isinstance(age, bool) and isinstance(age, (int, float))), f"an age of {age!r}")
    require(all("\0" not in str(p) for p in (job.ct, job.output, job.source)), "a path that no system has")


def _prepare_settings(folder: Path) -> tuple[Seed, ...]:
    from cacnet.training.configuration import PRESETS, config_record

    (folder / "config.json").write_text(json.dumps(config_record(PRESETS["clinic"])))
    toml = 'preset = "clinic"\nbatch = 2\nlearning_rate = 1e-3\n[sampling]\nmix = [1.0, 2.0]\n[network]\nclasses = 2\n'
    (folder / "config.toml").write_text(toml + "widths = [8, 16, 32, 64, 128]\n")
    return (Seed("config.json", mutations.damage_json), Seed("config.toml"))


def _read_settings(folder: Path, path: str) -> None:
    from cacnet.training.configuration import TrainingConfig, load_config

    config: TrainingConfig = load_config(folder / path)
    require(config.batch > 0 and config.learning_rate > 0 and config.patch_voxels >= 16, "settings that cannot be")


TARGETS: tuple[Target, ...] = (
    Target("DICOM", _prepare_dicom, _read_dicom, native=True),
    Target("DICOM multi-frame", _prepare_enhanced, _read_dicom, native=True),
    Target("NRRD", _prepare_nrrd, _read_volume, NRRD_HOSTILE, native=True),
    Target("NIfTI", _prepare_nifti, _read_volume, NIFTI_HOSTILE, native=True),
    Target("MetaImage", _prepare_meta, _read_volume, META_HOSTILE, native=True),
    Target("masks", _prepare_masks, _read_mask, native=True),
    Target("model card", _prepare_model, _read_model, MODEL_HOSTILE),
    Target("weights", _prepare_weights, _read_weights, WEIGHTS_HOSTILE),
    Target("reviews", _prepare_reviews, _read_review, REVIEW_HOSTILE),
    Target("results", _prepare_result, _read_result, native=True),
    Target("nnU-Net", _prepare_nnunet, _read_dataset, NNUNET_HOSTILE),
    Target("orCaScore", _prepare_orcascore, _read_dataset, native=True),
    Target("COCA", _prepare_coca, _read_dataset, COCA_HOSTILE),
    Target("corrections", _prepare_corrections, _read_dataset),
    Target("job", _prepare_job, _read_job),
    Target("settings", _prepare_settings, _read_settings),
)


def clean(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

"""What a clinic gains by training further on ten of its own reviewed cases; the clinic is an invented one.

    python Testing/Benchmark/clinic_fine_tuning.py --output build/clinic --cases CASES [--steps 3000]

Its patients are simulated, but their scans look like none that the bundled model has seen: 70 kV, so brighter blood; a
sharper kernel and more noise than the simulator draws; calcium of lower density. They go the way of a user's: reviewed,
exported, approved, then `cacnet train --data`, mixed with the simulated cases of --cases. Some are held out, and Dice
on these before and after is printed and written to clinic_fine_tuning.md in --output. It may be killed at any time: the
same command goes on, with the scans that are there and from training's last checkpoint.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from cacnet.dataset.export import export_case
from cacnet.edits import operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import review_of
from cacnet.edits.session import Action, Session
from cacnet.errors import CacnetError
from cacnet.files import replacing
from cacnet.labelling import lumen_hu
from cacnet.lesions import find_lesions
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import Patient, draw_patient
from cacnet.phantom.scanner import coarser, crop_scan, draw_scan
from cacnet.phantom.simulate import SimulatedScan, label, paint_anatomy, scan_anatomy, truth_of
from cacnet.pipeline import DEFAULT_MODEL, resolve_for
from cacnet.reviewed_case import ReviewedCase
from cacnet.training.configuration import PRESETS
from cacnet.training.fine_tune import FineTuned, FineTuning, fine_tune
from cacnet.training.make_cases import parse_seeds
from cacnet.training.trainer import Run
from cacnet.weights import load_bundle

KVP = 70
BLOOD_GAIN, CALCIUM_GAIN = 1.3, 0.8
"""Of what the simulator draws: iodine at 70 kV, and plaques of lower density."""
EDGE_ENHANCEMENT, NOISE_SD_HU, PSF_FWHM_MM = 1.6, 60.0, 0.45
MARGIN_MM = 12.0
REPORT_FILE = "clinic_fine_tuning.md"
BLOOD_POOLS = (
    *("aorta", "left_ventricle", "left_atrium", "right_ventricle", "right_atrium"),
    *("superior_vena_cava", "pulmonary_artery", "pulmonary_vein", "cardiac_vein", "coronary_artery"),
)


def clinic_patient(seed: int) -> Patient:
    """The patient of a seed as this clinic scans it."""
    patient = draw_patient(seed)
    tissue = patient.attenuation
    blood = {name: BLOOD_GAIN * getattr(tissue, name) for name in BLOOD_POOLS}
    attenuation = replace(tissue, **blood, calcium_gain=CALCIUM_GAIN * tissue.calcium_gain)
    return replace(patient, kvp=KVP, attenuation=attenuation)


def clinic_scan(seed: int, coarse: int) -> SimulatedScan:
    """Its CT and true labels, over the heart; `coarse` is the factor of voxel size."""
    patient = clinic_patient(seed)
    heart = build_heart(patient)
    settings = crop_scan(draw_scan(patient), heart.lower_mm_xyz - MARGIN_MM, heart.upper_mm_xyz + MARGIN_MM)
    settings = replace(
        coarser(settings, coarse),
        edge_enhancement=EDGE_ENHANCEMENT,
        noise_sd_hu=NOISE_SD_HU,
        noise_smoothing_mm=0.0,
        psf_fwhm_mm=PSF_FWHM_MM,
    )
    anatomy = paint_anatomy(patient, heart, settings.geometry, 0.5)
    truth = truth_of(anatomy, settings)
    volume = scan_anatomy(anatomy, settings)
    return SimulatedScan(volume, *label(anatomy, settings, settings.geometry), truth)


def reviewed(scan: SimulatedScan) -> ReviewedCase:
    """As if a reader had corrected the network's result until it was the truth, and approved it."""
    volume = scan.volume
    blood_hu = lumen_hu(volume.hu, scan.coronary > 0, scan.calcium > 0, volume.geometry)
    resolved = resolve_for(volume, None, blood_hu)
    found = find_lesions(scan.calcium, volume.hu, volume.geometry, resolved)
    session = Session(review_of(found), LiveScores(volume.hu, volume.geometry, resolved))
    session.apply(Action.ACCEPT_ALL, operations.accept_all(session.review))
    session.approve("AB")
    return ReviewedCase(volume, session, scan.coronary, resolved)


def export_clinic(seeds: range, folder: Path, coarse: int) -> None:
    """The clinic's data set; seeds that are in it already are left alone."""
    done = folder.with_name("exported")
    done.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        mark = done / str(seed)
        if mark.exists():
            continue
        started = time.perf_counter()
        exported = export_case(folder, reviewed(clinic_scan(seed, coarse)))
        mark.touch()
        print(f"seed {seed}: {exported.sentence} {time.perf_counter() - started:.0f} s", flush=True)


def markdown(tuned: FineTuned, options: argparse.Namespace) -> str:
    """What was measured, and under which conditions."""
    training = tuned.bundle.card.training if tuned.bundle.card else {}
    table = "No case was held out." if tuned.held_out is None else tuned.held_out.table()
    return f"""# Further training on an invented clinic's cases

Simulated patients of the seeds {options.seeds}, scanned at {KVP} kV with more noise and a sharper kernel than the model
has seen; labels as a reader would have corrected them. Voxels coarser by {options.coarse}. From '{options.init}':
{training.get("steps")} steps on {len(tuned.data.training_ids)} cases, {len(tuned.data.held_out_ids)} held out,
{training.get("hours")} hours on the device '{options.device}'. Measured on the model's grid, before
post-processing.

{table}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("build/clinic"))
    parser.add_argument("--seeds", default="9500:9510", help="the clinic's patients, A:B, B excluded")
    parser.add_argument("--cases", type=Path, action="append", default=[], help="simulated cases to mix them with")
    parser.add_argument("--init", default=DEFAULT_MODEL)
    parser.add_argument("--steps", type=int, help="instead of the preset's")
    parser.add_argument("--learning-rate", type=float, help="instead of the preset's")
    parser.add_argument("--patch-voxels", type=int, help="instead of the preset's")
    parser.add_argument("--held-out", type=float, default=0.3)
    parser.add_argument("--coarse", type=int, default=1, help="factor of voxel size, for a quick try")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--max-minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    changes = {
        "total_steps": options.steps,
        "learning_rate": options.learning_rate,
        "patch_voxels": options.patch_voxels,
    }
    try:
        export_clinic(parse_seeds(options.seeds), options.output / "dataset", options.coarse)
        config = replace(PRESETS["clinic"], network=load_bundle(options.init).card.network)
        run = Run(
            cases=tuple(options.cases),
            output=options.output / "run",
            config=replace(config, **{name: value for name, value in changes.items() if value is not None}),
            max_minutes=options.max_minutes,
            device=options.device,
            init=options.init,
            model_id="cacnet-clinic",
        )
        tuning = FineTuning(
            (options.output / "dataset",),
            run,
            held_out_share=options.held_out,
            models=options.output / "models",
            force=True,
        )
        tuned = fine_tune(tuning, resume=True)
    except CacnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    text = markdown(tuned, options)
    with replacing(options.output / REPORT_FILE) as temporary:
        temporary.write_text(text, "utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

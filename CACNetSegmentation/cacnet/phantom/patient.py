"""Who is scanned and how: everything that the seed decides before anatomy is built, in one frozen value.

Ranges are wider than any one clinic's (domain randomisation). Sources: phantom facts cited beside each field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KVP_CHOICES = (80, 90, 100, 110, 120, 130, 140)
KVP_WEIGHTS = (0.08, 0.05, 0.32, 0.05, 0.44, 0.03, 0.03)
IODINE_GAIN_BY_KVP = {80: 1.55, 90: 1.38, 100: 1.23, 110: 1.10, 120: 1.0, 130: 0.93, 140: 0.87}
"""Attenuation of iodine relative to 120 kVp (100 kVp: 20–25 % more)."""
CALCIUM_SCORE_KVP = 120
CALCIUM_GAIN_BY_KVP = {80: 1.36, 90: 1.25, 100: 1.15, 110: 1.07, 120: 1.0, 130: 0.95, 140: 0.90}


@dataclass(frozen=True)
class Attenuation:
    """Mean HU of each tissue of this scan, after kVp and contrast phase."""

    aorta: float
    left_ventricle: float
    left_atrium: float
    right_ventricle: float
    right_atrium: float
    superior_vena_cava: float
    pulmonary_artery: float
    pulmonary_vein: float
    cardiac_vein: float
    coronary_artery: float
    myocardium: float
    fat: float
    muscle: float
    liver: float
    lung: float
    calcium_gain: float


@dataclass(frozen=True)
class Patient:
    """One simulated patient and the settings of the scan.

    Attributes:
        contrast: whether iodine was given; without it every blood pool is 35–55 HU.
        heart_scale: linear size relative to an adult of average size (women about 9 % smaller).
        body_scale_xy: chest width and depth relative to average; 1.35 is obese.
        fat_thickness_mm: mean epicardial fat thickness in the grooves.
        dominance: 'right', 'left' or 'co'.
        calcium_burden: 0 none, 1 an ordinary calcified patient, up to about 4 severe.
    """

    seed: int
    sex: str
    age_years: int
    contrast: bool
    kvp: int
    heart_scale: float
    body_scale_xy: tuple[float, float]
    heart_axis_tilt_deg: tuple[float, float, float]
    fat_thickness_mm: float
    dominance: str
    calcium_burden: float
    attenuation: Attenuation

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one part's draws never shift another's."""
        return np.random.default_rng([self.seed, *purpose.encode()])


def draw_patient(seed: int, contrast: bool = True) -> Patient:
    """The patient of a seed; with and without contrast it is the same patient."""
    rng = np.random.default_rng([seed, 1])
    sex = "F" if rng.random() < 0.42 else "M"
    age = int(np.clip(rng.normal(61, 11), 32, 90))
    kvp = int(rng.choice(KVP_CHOICES, p=KVP_WEIGHTS))
    # A calcium score is always taken at 120 kVp, for which its 130 HU are defined.
    kvp = kvp if contrast else CALCIUM_SCORE_KVP
    scale = float(np.clip(rng.normal(0.93 if sex == "F" else 1.0, 0.07), 0.78, 1.22))
    body = (float(np.clip(rng.normal(1.0, 0.11), 0.8, 1.4)), float(np.clip(rng.normal(1.0, 0.12), 0.78, 1.4)))
    tilt = tuple(float(v) for v in rng.normal(0.0, (7.0, 8.0, 6.0)))
    # One patient in five has no calcium; burden of the others is right-skewed (CAC-CTA: 5.4 ± 4.9 lesions).
    burden = 0.0 if rng.random() < 0.2 else float(np.clip(rng.lognormal(0.1, 0.6), 0.15, 4.5))
    return Patient(
        seed=seed,
        sex=sex,
        age_years=age,
        contrast=contrast,
        kvp=kvp,
        heart_scale=scale,
        body_scale_xy=body,
        heart_axis_tilt_deg=tilt,  # type: ignore[arg-type]
        fat_thickness_mm=float(np.clip(rng.lognormal(np.log(5.0), 0.5), 1.2, 14.0)),
        dominance=str(rng.choice(["right", "left", "co"], p=[0.78, 0.12, 0.10])),
        calcium_burden=burden,
        attenuation=_draw_attenuation(rng, kvp, contrast),
    )


def _draw_attenuation(rng: np.random.Generator, kvp: int, contrast: bool) -> Attenuation:
    blood = float(rng.uniform(34, 52))
    arterial = float(np.clip(rng.normal(400, 80), 230, 620)) * IODINE_GAIN_BY_KVP[kvp] ** 0.8
    # A missed bolus: rare, and seen on real scans.
    late = rng.random() < 0.05
    arterial = float(np.clip(arterial * (rng.uniform(0.35, 0.6) if late else 1.0), 150, 720))
    # Saline chaser: the right heart ranges from washed out to denser than the left.
    right = arterial * float(
        rng.choice([rng.uniform(0.15, 0.5), rng.uniform(0.5, 1.0), rng.uniform(1.0, 2.2)], p=[0.48, 0.33, 0.19])
    )
    draws = {
        "aorta": arterial,
        "left_ventricle": arterial * rng.uniform(0.93, 1.04),
        "left_atrium": arterial * rng.uniform(0.93, 1.08),
        "right_ventricle": max(right, 70.0),
        "right_atrium": max(right * rng.uniform(0.8, 1.25), 70.0),
        "superior_vena_cava": max(
            right * rng.choice([rng.uniform(0.9, 2.2), rng.uniform(2.2, 4.5)], p=[0.8, 0.2]), 70.0
        ),
        "pulmonary_artery": max(right * rng.uniform(0.9, 1.15), 90.0),
        "pulmonary_vein": arterial * rng.uniform(0.95, 1.1),
        "cardiac_vein": float(rng.uniform(80, 120)) if rng.random() < 0.45 else arterial * rng.uniform(0.25, 0.85),
        "coronary_artery": arterial * rng.uniform(0.9, 1.02),
    }
    if not contrast:
        draws = {name: blood + float(rng.normal(0, 1.0)) for name in draws}
    # Pericoronary fat −79 HU at 120 kVp to −96 at 70 kVp; fat away from the arteries is some HU lower.
    fat_hu_by_kvp = -79.0 - 0.34 * (120 - kvp) + float(rng.normal(-6, 8))
    return Attenuation(
        **draws,
        myocardium=float(rng.uniform(85, 130)) if contrast else float(rng.uniform(45, 60)),
        fat=fat_hu_by_kvp,
        muscle=float(rng.uniform(45, 65)),
        liver=float(rng.uniform(50, 100)),
        lung=float(rng.uniform(-890, -790)),
        calcium_gain=CALCIUM_GAIN_BY_KVP[kvp],
    )

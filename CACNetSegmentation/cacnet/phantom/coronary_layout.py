"""Growing a coronary tree on a heart: courses through guide points, branches with calibre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from cacnet.phantom.coronary_routes import Rule, arc_length, even_out, on_ventricle, resample, settle, wiggle
from cacnet.phantom.coronary_tree import Branch
from cacnet.phantom.coronary_variants import Variant, draw_variant
from cacnet.phantom.heart import Heart
from cacnet.phantom.heart_template import HeartTemplate
from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import Shape

LM, LAD, LCX, RCA = 1, 2, 3, 4
STEP_MM = 0.3


@dataclass
class Layout:
    """The tree while it grows: courses in template coordinates, branches in patient coordinates."""

    patient: Patient
    heart: Heart
    rng: np.random.Generator
    variant: Variant = field(default_factory=lambda: draw_variant(np.random.default_rng(0)))
    branches: list[Branch] = field(default_factory=list)
    courses: list[np.ndarray] = field(default_factory=list)

    @property
    def template(self) -> HeartTemplate:
        return self.heart.template

    def on(self, along_mm: float, angle_deg: float) -> np.ndarray:
        """A jittered guide point on the left ventricle."""
        return on_ventricle(self.template, along_mm, angle_deg + self.rng.normal(0, 2.5))

    def settled(
        self,
        guides: Sequence[np.ndarray],
        shapes: Sequence[Shape],
        off_mm: float,
        wave: tuple[float, float],
        fixed_mm: float = 3.0,
        groove_from_mm: float = 0.0,
        rounds: int = 5,
    ) -> np.ndarray:
        """A course near guides: in the groove of the shapes, tortuous, and kept out of the muscle.

        Its first `fixed_mm` stay as guided, and the groove only draws it in from `groove_from_mm` onwards. A short
        branch needs fewer `rounds` than a trunk.
        """
        line = resample(np.asarray(guides, float), 1.5)
        clear = Rule(self.template.epicardium, off_mm - 0.4, 1.0, at_least=True)
        for stage in range(4):
            if stage == 3:
                line = wiggle(line, self.rng, *wave)
            length = arc_length(line)
            free = np.clip((length - fixed_mm) / 4.0, 0, 1)
            drawn = np.clip((length - groove_from_mm) / 10.0, 0, 1) if groove_from_mm else 1.0
            rules = [Rule(shape, off_mm, drawn) for shape in shapes] if stage < 3 else []
            line = settle(line, [*rules, clear], free, rounds)
            # Evenly spaced anew and smoothed, or points that slide along the groove would fold the course over.
            line = even_out(line, free)
        return line

    def carried_on(
        self, course: np.ndarray, guides: Sequence[np.ndarray], shapes: Sequence[Shape], off_mm: float
    ) -> np.ndarray:
        """A course with a further part that follows other shapes, without a kink between the two."""
        further = self.settled([course[-1], *guides], shapes, off_mm, (0.3, 0.6), 1.5, rounds=4)
        joined = np.concatenate([course, further[1:]])
        near = np.abs(np.arange(len(joined)) - len(course)) < 5
        return even_out(joined, near.astype(float))

    def add(
        self,
        name: str,
        vessel: int,
        course: np.ndarray,
        calibre_mm: Sequence[float],
        parent: int = -1,
        parent_index: int = 0,
        labelled: bool = True,
    ) -> int:
        """A branch along a course whose diameter goes through the calibres, evenly placed along it."""
        points = self.heart.frame.to_patient(course.T).T
        points = resample(points, STEP_MM)
        points = self._before_another_vessel(points, vessel, max(calibre_mm) / 2)
        start = 0.0
        if parent >= 0:
            points[0] = self.branches[parent].points_mm[parent_index]
            start = float(self.branches[parent].from_ostium_mm[parent_index])
        length = arc_length(points)
        part = length / length[-1]
        uneven = gaussian_filter1d(self.rng.normal(0, 1, len(points)), 12)
        uneven = np.clip((uneven - uneven.mean()) * 0.035 / max(uneven.std(), 1e-9), -0.12, 0.12)
        part = part if vessel else part**0.45  # veins narrow fast upstream of their mouth
        diameter = np.interp(part, np.linspace(0, 1, len(calibre_mm)), calibre_mm) * (1 + uneven)
        if vessel:
            diameter *= self._patients_calibre(vessel, start + length)
        aorta = self.template.aorta.blood(self.heart.frame.to_template(points.T)) < 0.4
        in_aorta = aorta & (length < 12.0) if parent < 0 and vessel else np.zeros(len(points), bool)
        origin = start + length
        self.branches.append(
            Branch(name, vessel, points, diameter / 2, parent, parent_index, origin, in_aorta, labelled and vessel > 0)
        )
        self.courses.append(course)
        return len(self.branches) - 1

    def _patients_calibre(self, vessel: int, from_ostium_mm: np.ndarray) -> np.ndarray:
        """The factor (n,) of this patient's small-vessel disease and ectasia."""
        number, wide = self.variant.ectasia
        narrow = 1 + (self.variant.narrowing - 1) * np.clip(from_ostium_mm / 90.0, 0, 1)
        return narrow * (wide if number == vessel else 1.0)

    def _before_another_vessel(self, points: np.ndarray, vessel: int, radius_mm: float) -> np.ndarray:
        """The course up to where it would run into a branch of another artery: their territories do not cross."""
        others = [b for b in self.branches if b.vessel != vessel and b.labelled]
        if not others or vessel == 0:
            return points
        distance, nearest = cKDTree(np.concatenate([b.points_mm for b in others])).query(points)
        reach = np.concatenate([b.radius_mm for b in others])[nearest] + radius_mm + 1.2
        start = max(len(points) // 4, int(12.0 / STEP_MM))
        hits = np.flatnonzero(distance[start:] < reach[start:])
        return points[: start + hits[0]] if len(hits) else points

    def at(self, parent: int, from_start_mm: float) -> tuple[int, np.ndarray]:
        """The parent's sample at a length along it, and its template position."""
        points = self.branches[parent].points_mm
        index = int(np.clip(np.searchsorted(arc_length(points), from_start_mm), 2, len(points) - 4))
        return index, self.heart.frame.to_template(points[index][:, None])[:, 0]


TAPER = {
    LAD: (1.0, 0.83, 0.64, 0.54, 0.44),
    LCX: (1.0, 0.86, 0.72, 0.57, 0.44),
    RCA: (1.0, 0.94, 0.85, 0.73, 0.50),
}
"""Diameter relative to the vessel's start, at even parts of its length: the LAD narrows with its first diagonals, the
right coronary artery hardly before the crux."""
DISTAL_LEAST_MM = 1.2


def taper(vessel: int, proximal_mm: float) -> tuple[float, ...]:
    """Diameters in mm at even parts of a trunk's length."""
    return tuple(max(part * proximal_mm, DISTAL_LEAST_MM) for part in TAPER[vessel])


def draw_calibres(rng: np.random.Generator, dominance: str, sex: float) -> dict[int, float]:
    """Diameters in mm at the start of each trunk: Dodge 1992, nudged towards the larger ones that CT measures."""
    general = float(np.exp(rng.normal(0, 0.07))) * sex
    right = {"right": 4.3, "co": 3.7, "left": 3.05}[dominance]
    circumflex = {"right": 3.75, "co": 3.95, "left": 4.5}[dominance]
    mean = {LM: 4.95, LAD: 3.98, LCX: circumflex, RCA: right}
    return {vessel: float(max(value * general + rng.normal(0, 0.3), 2.0)) for vessel, value in mean.items()}

"""Growing a coronary tree on a heart: courses through guide points, branches with calibre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from cacnet.phantom.coronary_routes import Rule, arc_length, even_out, on_ventricle, resample, settle, wiggle
from cacnet.phantom.coronary_tree import Branch
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
    ) -> np.ndarray:
        """A course near guides: in the groove of the shapes, tortuous, and kept out of the muscle.

        Its first `fixed_mm` stay as guided, and the groove only draws it in from `groove_from_mm` onwards.
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
            line = settle(line, [*rules, clear], free, rounds=5)
            # Evenly spaced anew and smoothed, or points that slide along the groove would fold the course over.
            line = even_out(line, free)
        return line

    def add(
        self,
        name: str,
        vessel: int,
        course: np.ndarray,
        calibre_mm: tuple[float, float],
        parent: int = -1,
        parent_index: int = 0,
    ) -> int:
        """A branch along a course whose diameter tapers between two calibres."""
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
        uneven *= 0.035 / max(uneven.std(), 1e-9)
        part = part**0.9 if vessel else part**0.45  # veins narrow fast upstream of their mouth
        diameter = (calibre_mm[0] + (calibre_mm[1] - calibre_mm[0]) * part) * (1 + uneven)
        aorta = self.template.aorta.blood(self.heart.frame.to_template(points.T)) < 0.4
        in_aorta = aorta & (length < 12.0) if parent < 0 and vessel else np.zeros(len(points), bool)
        labelled = vessel > 0 and not name.startswith("S")
        origin = start + length
        self.branches.append(
            Branch(name, vessel, points, diameter / 2, parent, parent_index, origin, in_aorta, labelled)
        )
        self.courses.append(course)
        return len(self.branches) - 1

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


def draw_calibres(rng: np.random.Generator, dominance: str, sex: float) -> dict[int, float]:
    """Proximal diameters in mm: Dodge 1992, nudged towards the larger ones that CT measures."""
    general = float(np.exp(rng.normal(0, 0.07))) * sex
    right = {"right": 4.15, "co": 3.6, "left": 2.95}[dominance]
    circumflex = {"right": 3.55, "co": 3.8, "left": 4.3}[dominance]
    mean = {LM: 4.95, LAD: 3.95, LCX: circumflex, RCA: right}
    return {vessel: float(max(value * general + rng.normal(0, 0.3), 2.0)) for vessel, value in mean.items()}

"""Which arteries and veins a patient has, where they run and how wide they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from cacnet.phantom.coronary_routes import (
    ANTERIOR_GROOVE_DEG,
    POSTERIOR_GROOVE_DEG,
    Rule,
    arc_length,
    even_out,
    on_tricuspid_ring,
    on_ventricle,
    resample,
    settle,
    wiggle,
)
from cacnet.phantom.coronary_tree import Branch
from cacnet.phantom.heart import Heart
from cacnet.phantom.heart_template import RIGHT_CORONARY_WAY, HeartTemplate, in_ventricle, unit
from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import Shape

LM, LAD, LCX, RCA = 1, 2, 3, 4
STEP_MM = 0.3


@dataclass
class _Layout:
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

    def at(self, parent: int, from_start_mm: float) -> tuple[int, np.ndarray]:
        """The parent's sample at a length along it, and its template position."""
        points = self.branches[parent].points_mm
        index = int(np.clip(np.searchsorted(arc_length(points), from_start_mm), 2, len(points) - 4))
        return index, self.heart.frame.to_template(points[index][:, None])[:, 0]


def lay_arteries(patient: Patient, heart: Heart) -> tuple[Branch, ...]:
    """All arteries of a patient, parents first."""
    layout = _Layout(patient, heart, patient.rng("coronary arteries"))
    sex = 0.91 if patient.sex == "F" else 1.0
    sizes = _calibres(layout.rng, patient.dominance, sex)
    _lay_left(layout, sizes, sex)
    _lay_right(layout, sizes, sex)
    return tuple(layout.branches)


def _calibres(rng: np.random.Generator, dominance: str, sex: float) -> dict[int, float]:
    """Proximal diameters in mm: Dodge 1992, nudged towards the larger ones that CT measures."""
    general = float(np.exp(rng.normal(0, 0.07))) * sex
    right = {"right": 4.15, "co": 3.6, "left": 2.95}[dominance]
    circumflex = {"right": 3.55, "co": 3.8, "left": 4.3}[dominance]
    mean = {LM: 4.95, LAD: 3.95, LCX: circumflex, RCA: right}
    return {vessel: float(max(value * general + rng.normal(0, 0.3), 2.0)) for vessel, value in mean.items()}


def _lay_left(layout: _Layout, sizes: dict[int, float], sex: float) -> None:
    rng, template = layout.rng, layout.template
    ostium, out = template.left_ostium, unit(template.left_ostium - template.sinus_centre)
    lm_length = float(np.clip(rng.normal(11, 3), 5, 18))
    towards = unit(np.array([0.85, -0.35, -0.30]) + rng.normal(0, 0.15, 3))
    end = ostium + 3 * out + lm_length * towards
    lv, rv, la = template.left_ventricle.outer, template.right_ventricle.outer, template.left_atrium.outer
    course = layout.settled(
        [ostium - 2.5 * out, ostium + 2.0 * out, 0.5 * (ostium + end) + 0.5 * out, end], [], 2.4, (0.1, 0.3), 5.0
    )
    lm = layout.add("LM", LM, course, (sizes[LM] * 1.03, sizes[LM] * 0.97))
    index = len(layout.branches[lm].points_mm) - 1
    end = course[-1]
    wrap = float(rng.choice([-8.0, 4.0, 18.0], p=[0.2, 0.4, 0.4]))
    angle = ANTERIOR_GROOVE_DEG
    guides = [
        end,
        0.5 * end + 0.5 * layout.on(10, angle - 3),
        layout.on(12, angle),
        *(layout.on(a, angle) for a in (24, 36, 48, 60, 70, 78)),
    ]
    if wrap > -5:
        guides += [in_ventricle(86, 4, -14), in_ventricle(90, 2, -2)]
    if wrap > 5:
        guides += [in_ventricle(84, 3, 15), on_ventricle(template, 84 - wrap, POSTERIOR_GROOVE_DEG)]
    lad = layout.add(
        "LAD", LAD, layout.settled(guides, [lv, rv], 2.0, (0.25, 0.9), 3.0, 8.0), (sizes[LAD], 1.5 * sex), lm, index
    )
    _add_diagonals(layout, lad, sex)
    _add_septals(layout, lad)
    if rng.random() < 0.24:
        guides = [end, 0.5 * (end + layout.on(14, -98)), *(layout.on(a, -100 - 0.3 * a) for a in (16, 30, 45, 58))]
        layout.add(
            "RI",
            LCX if rng.random() < 0.3 else LAD,
            layout.settled(guides, [lv], 2.0, (0.3, 0.8), 3.0),
            (2.4 * sex, 1.1),
            lm,
            index,
        )
    reach = {"right": [150, 115], "co": [150, 118, 92], "left": [150, 118, 92, 68]}[layout.patient.dominance]
    guides = [
        end,
        *(on_ventricle(template, -4, a + rng.normal(0, 2.0), -2.5) for a in (-116, -128, -142)),
        *(layout.on(-1, a) for a in (-160, 180)),
        *(layout.on(-1, a) for a in reach),
    ]
    distal = {"right": 1.5, "co": 1.9, "left": 2.4}[layout.patient.dominance] * sex
    lcx = layout.add(
        "LCx", LCX, layout.settled(guides, [lv, la], 2.6, (0.25, 0.6), 3.0, 8.0), (sizes[LCX], distal), lm, index
    )
    _add_marginals(layout, lcx, sex)
    if layout.patient.dominance == "left":
        _add_posterior(layout, lcx, LCX, sex, descending=True)
    if layout.patient.dominance == "co":
        _add_posterior(layout, lcx, LCX, sex, descending=False)


def _add_diagonals(layout: _Layout, lad: int, sex: float) -> None:
    rng = layout.rng
    lv = layout.template.left_ventricle.outer
    starts = np.sort(rng.uniform([14, 34, 58], [30, 52, 76]))[: int(rng.choice([1, 2, 3], p=[0.2, 0.5, 0.3]))]
    for number, start in enumerate(starts, 1):
        index, root = layout.at(lad, float(start))
        along = float((root - in_ventricle(0, 0, 0)) @ (in_ventricle(1, 0, 0) - in_ventricle(0, 0, 0)))
        turn = rng.uniform(28, 55)
        reach = rng.uniform(26, 48)
        guides = [
            root,
            *(
                layout.on(min(along + 4 + f * reach, 80), ANTERIOR_GROOVE_DEG - 5 - f**0.7 * turn)
                for f in (0.2, 0.5, 0.75, 1.0)
            ),
        ]
        course = layout.settled(guides, [lv], 1.6, (0.3, 0.9), 3.0)
        layout.add(f"D{number}", LAD, course, (sex * rng.uniform(1.8, 2.4), sex * rng.uniform(0.9, 1.2)), lad, index)


def _add_septals(layout: _Layout, lad: int) -> None:
    rng = layout.rng
    for number, start in enumerate(np.sort(rng.uniform(12, 75, int(rng.integers(3, 7)))), 1):
        index, root = layout.at(lad, float(start))
        along = float((root - in_ventricle(0, 0, 0)) @ (in_ventricle(1, 0, 0) - in_ventricle(0, 0, 0)))
        depth = rng.uniform(15, 45)
        size = layout.template.lv_size
        points = [root]
        for f in (0.25, 0.6, 1.0):
            angle = np.radians(ANTERIOR_GROOVE_DEG + 6 + f * depth)
            radius = (33.5 * size - 5.0) * np.sqrt(max(1 - ((along - 28) / 60) ** 2, 0.2))
            points.append(in_ventricle(along + 10 * f, radius * np.cos(angle), radius * np.sin(angle)))
        course = wiggle(resample(np.asarray(points), 1.5), rng, 0.2, 0.5)
        layout.add(f"S{number}", LAD, course, (rng.uniform(0.9, 1.4), 0.6), lad, index)


def _add_marginals(layout: _Layout, lcx: int, sex: float) -> None:
    rng = layout.rng
    lv = layout.template.left_ventricle.outer
    length = layout.branches[lcx].length_mm
    count = int(rng.choice([1, 2, 3], p=[0.3, 0.45, 0.25]))
    starts = np.sort(rng.uniform(0.25, 0.8, count)) * length
    for number, start in enumerate(starts, 1):
        index, root = layout.at(lcx, float(start))
        offset = root - in_ventricle(0, 0, 0)
        sideways = [offset @ (in_ventricle(*e) - in_ventricle(0, 0, 0)) for e in ((0, 1, 0), (0, 0, 1))]
        angle = float(np.degrees(np.arctan2(sideways[1], sideways[0])))
        drift, reach = rng.uniform(-25, 5), rng.uniform(38, 66)
        guides = [root, *(layout.on(3 + f * reach, angle + drift * f) for f in (0.15, 0.4, 0.7, 1.0))]
        course = layout.settled(guides, [lv], 1.7, (0.3, 0.9), 3.0)
        layout.add(f"OM{number}", LCX, course, (sex * rng.uniform(2.0, 2.7), sex * rng.uniform(0.9, 1.2)), lcx, index)


def _lay_right(layout: _Layout, sizes: dict[int, float], sex: float) -> None:
    rng, template, dominance = layout.rng, layout.template, layout.patient.dominance
    ostium, out = template.right_ostium, unit(template.right_ostium - template.sinus_centre)
    rv, ra = template.right_ventricle.outer, template.right_atrium.outer
    angles = {"left": (75, 105, 130), "right": (75, 105, 135, 165, 195), "co": (75, 105, 135, 165, 195)}[dominance]
    way = [np.asarray(point) + rng.normal(0, 0.8, 3) for point in RIGHT_CORONARY_WAY]
    guides = [
        ostium - 2.5 * out,
        ostium + 2 * out,
        *way[1:],
        *(on_tricuspid_ring(a + rng.normal(0, 3)) for a in angles),
    ]
    if dominance != "left":
        guides += [np.array([-19.0, 3.0, -26.0]), on_ventricle(template, -1, POSTERIOR_GROOVE_DEG + 4)]
    course = layout.settled(guides, [rv, ra], 3.0, (0.3, 0.5), 5.0, 30.0)
    distal = {"right": 2.7, "co": 2.2, "left": 1.4}[dominance] * sex
    rca = layout.add("RCA", RCA, course, (sizes[RCA], distal))
    _add_right_branches(layout, rca, sex)
    if dominance != "left":
        _add_posterior(layout, rca, RCA, sex, descending=True, lateral=dominance == "right")


def _add_right_branches(layout: _Layout, rca: int, sex: float) -> None:
    rng = layout.rng
    rv = layout.template.right_ventricle.outer
    conus = [np.array(p) for p in ([-6.0, -46.0, 22.0], [4.0, -56.0, 19.0], [15.0, -52.0, 16.0])]
    ventricular = [in_ventricle(*p) for p in ((12, 62, -2), (28, 57, -2), (44, 50, 0))]
    acute = [in_ventricle(*p) for p in ((14, 55, 24), (32, 48, 21), (54, 39, 16), (64, 33, 12))]
    routes = (
        ("CB", 7.0, conus, 1.4, 0.9),
        ("RVB", rng.uniform(35, 50), ventricular, 1.6, 0.9),
        ("AM", rng.uniform(62, 85), acute, 2.0, 0.8),
    )
    for name, start, guides, proximal, distal in routes:
        if rng.random() < 0.25 or start > layout.branches[rca].length_mm - 10:
            continue
        index, root = layout.at(rca, float(start))
        jittered = [guide + rng.normal(0, 2.5, 3) for guide in guides]
        course = layout.settled([root, *jittered], [rv], 1.6, (0.3, 0.8), 3.0)
        layout.add(name, RCA, course, (proximal * sex * rng.uniform(0.85, 1.2), distal), rca, index)


def _add_posterior(
    layout: _Layout, parent: int, vessel: int, sex: float, descending: bool, lateral: bool = True
) -> None:
    """Posterior descending artery in the posterior interventricular groove, and posterolateral branches."""
    rng, template = layout.rng, layout.template
    lv, rv = template.left_ventricle.outer, template.right_ventricle.outer
    length = layout.branches[parent].length_mm
    calibre = layout.branches[parent].radius_mm[-1] * 2
    if descending:
        index, root = layout.at(parent, length - 4.0)
        guides = [root, *(layout.on(a, POSTERIOR_GROOVE_DEG) for a in (8, 20, 34, 46, rng.uniform(54, 66)))]
        course = layout.settled(guides, [lv, rv], 1.8, (0.3, 0.8), 3.0)
        layout.add("PDA", vessel, course, (min(2.2 * sex, calibre), 1.1), parent, index)
    if not lateral:
        return
    for number in range(1, int(rng.integers(2, 4))):
        index, root = layout.at(parent, length - 1.5 if number == 1 else length - rng.uniform(5, 12))
        side = 1 if vessel == RCA else -0.2
        far = POSTERIOR_GROOVE_DEG + 25 + 28 * number * side
        reach = rng.uniform(26, 48)
        guides = [
            root,
            layout.on(1, POSTERIOR_GROOVE_DEG + 22 * side),
            *(layout.on(4 + f * reach, far) for f in (0.3, 0.65, 1.0)),
        ]
        course = layout.settled(guides, [lv], 1.7, (0.3, 0.8), 3.0)
        layout.add(f"PL{number}", vessel, course, (min(1.9 * sex, calibre), 1.0), parent, index)


def lay_veins(patient: Patient, heart: Heart, arteries: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """Coronary sinus with the great cardiac vein, middle cardiac vein and a posterior vein, clear of the arteries."""
    layout = _Layout(patient, heart, patient.rng("cardiac veins"))
    rng, template = layout.rng, layout.template
    lv = template.left_ventricle.outer
    mouth = np.array([-25.0, 6.0, -14.0])
    sinus = [mouth, np.array([-14.0, 13.0, -17.0]), *(layout.on(-4, a) for a in (72, 95, 122, 150, 176, -160, -135))]
    great = [
        *(layout.on(-2, a) for a in (-115, -95)),
        layout.on(3, -78),
        *(layout.on(a, -71) for a in (14, 28, 42, 56, 68)),
    ]
    course = layout.settled([*sinus, *great], [lv], 3.4, (0.3, 0.6), 8.0)
    stem = layout.add("coronary sinus", 0, course, (rng.uniform(7, 11), rng.uniform(1.4, 2.2)))
    length = layout.branches[stem].length_mm
    for name, part, angle, calibre in (
        ("middle vein", 0.10, 70.0, 3.4),
        ("posterior vein", 0.2, 125.0, 2.6),
        ("marginal vein", 0.36, -172.0, 2.2),
    ):
        if rng.random() < 0.15:
            continue
        index, root = layout.at(stem, part * length)
        guides = [root, *(layout.on(a, angle) for a in (8, 22, 36, rng.uniform(46, 62)))]
        layout.add(
            name,
            0,
            layout.settled(guides, [lv], 2.4, (0.3, 0.9), 4.0),
            (calibre * rng.uniform(0.7, 1.2), 1.2),
            stem,
            index,
        )
    return tuple(_clear_of(vein, arteries, heart) for vein in layout.branches)


def _clear_of(vein: Branch, arteries: tuple[Branch, ...], heart: Heart) -> Branch:
    """The vein pushed aside, smoothly, wherever it would run into an artery or into a chamber."""
    points = vein.points_mm.copy()
    centres = np.concatenate([b.points_mm for b in arteries])
    radii = np.concatenate([b.radius_mm for b in arteries])
    tree = cKDTree(centres)
    free = np.clip(arc_length(points) / 6.0 - 1.5, 0, 1) if vein.parent < 0 else np.ones(len(points))
    clear = Rule(heart.template.epicardium, (vein.radius_mm + 0.4) / heart.frame.scale, 1.0, at_least=True)
    for _ in range(5):
        distance, nearest = tree.query(points)
        missing = np.maximum(vein.radius_mm + radii[nearest] + 0.9 - distance, 0.0)
        away = (points - centres[nearest]) / np.maximum(distance, 0.2)[:, None]
        points += gaussian_filter1d(away * missing[:, None], 6, axis=0)
        inner = settle(heart.frame.to_template(points.T).T, [clear], free, rounds=2)
        points = gaussian_filter1d(heart.frame.to_patient(inner.T).T, 3, axis=0, mode="nearest")
    return replace(vein, points_mm=points)

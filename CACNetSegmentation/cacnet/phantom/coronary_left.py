"""The left coronary artery: left main, anterior descending with diagonals and septals, circumflex with marginals."""

from __future__ import annotations

import numpy as np

from cacnet.phantom.coronary_layout import LAD, LCX, LM, Layout
from cacnet.phantom.coronary_right import lay_posterior
from cacnet.phantom.coronary_routes import (
    ANTERIOR_GROOVE_DEG,
    POSTERIOR_GROOVE_DEG,
    Rule,
    arc_length,
    on_ventricle,
    resample,
    settle,
    wiggle,
)
from cacnet.phantom.heart_template import in_ventricle, unit
from cacnet.phantom.shapes import gradient

BRIDGE_SHARE = 0.22
"""Patients whose mid LAD dips into the muscle (CT finds bridges in about a quarter)."""


def lay_left(layout: Layout, sizes: dict[int, float], sex: float) -> None:
    """Lay the left coronary artery and all its branches."""
    lm = _lay_left_main(layout, sizes[LM])
    lad = _lay_descending(layout, lm, sizes[LAD], sex)
    _add_diagonals(layout, lad, sex)
    _add_septals(layout, lad)
    lcx = _lay_circumflex(layout, lm, sizes[LCX], sex)
    _add_marginals(layout, lcx, sex)
    if layout.rng.random() < 0.24:
        _add_intermediate(layout, *((lcx, LCX) if layout.rng.random() < 0.3 else (lad, LAD)), sex)
    if layout.patient.dominance != "right":
        lay_posterior(layout, lcx, LCX, sex, descending=layout.patient.dominance == "left")


def _lay_left_main(layout: Layout, diameter_mm: float) -> int:
    rng, template = layout.rng, layout.template
    ostium, out = template.left_ostium, unit(template.left_ostium - template.sinus_centre)
    length = float(np.clip(rng.normal(10, 3), 4, 18))
    towards = unit(np.array([0.85, -0.35, -0.30]) + rng.normal(0, 0.15, 3))
    end = ostium + 3 * out + length * towards
    guides = [ostium - 2.5 * out, ostium + 2.0 * out, 0.5 * (ostium + end) + 0.5 * out, end]
    course = layout.settled(guides, [], 2.4, (0.1, 0.3), 5.0)
    return layout.add("LM", LM, course, (diameter_mm * 1.03, diameter_mm * 0.97))


def _end_of(layout: Layout, branch: int) -> tuple[int, np.ndarray]:
    return len(layout.branches[branch].points_mm) - 1, layout.courses[branch][-1]


def _lay_descending(layout: Layout, lm: int, diameter_mm: float, sex: float) -> int:
    rng, template = layout.rng, layout.template
    index, end = _end_of(layout, lm)
    angle = ANTERIOR_GROOVE_DEG
    guides = [end, 0.5 * end + 0.5 * layout.on(10, angle - 3)]
    guides += [layout.on(along, angle) for along in (12, 24, 36, 48, 60, 70, 78)]
    past_apex = float(rng.choice([-8.0, 4.0, 18.0], p=[0.2, 0.4, 0.4]))
    if past_apex > -5:
        guides += [in_ventricle(86, 4, -14), in_ventricle(90, 2, -2)]
    if past_apex > 5:
        guides += [in_ventricle(84, 3, 15), on_ventricle(template, 84 - past_apex, POSTERIOR_GROOVE_DEG)]
    grooves = [template.left_ventricle.outer, template.right_ventricle.outer]
    course = layout.settled(guides, grooves, 2.0, (0.25, 0.9), 3.0, 8.0)
    if rng.random() < BRIDGE_SHARE:
        course = _bridged(layout, course)
    return layout.add("LAD", LAD, course, (diameter_mm, 1.5 * sex), lm, index)


def _bridged(layout: Layout, course: np.ndarray) -> np.ndarray:
    """The course with a stretch of its middle third sunk 2 to 6 mm into the muscle."""
    place = np.linspace(0, 1, len(course))
    dip = np.exp(-0.5 * ((place - layout.rng.uniform(0.38, 0.6)) / 0.06) ** 4)
    inward = -gradient(layout.template.epicardium, course.T)
    inward /= np.maximum(np.linalg.norm(inward, axis=0), 1e-6)
    return course + (inward * dip * layout.rng.uniform(3.5, 7.0)).T


def _lay_circumflex(layout: Layout, lm: int, diameter_mm: float, sex: float) -> int:
    rng, template, dominance = layout.rng, layout.template, layout.patient.dominance
    index, end = _end_of(layout, lm)
    reach = {"right": [150, 115], "co": [150, 118, 92], "left": [150, 118, 92, 68]}[dominance]
    if dominance == "right" and rng.random() < 0.3:
        reach = reach[:1]
    guides = [end]
    guides += [on_ventricle(template, -4, angle + rng.normal(0, 2.0), -2.5) for angle in (-116, -128, -142)]
    guides += [layout.on(-1, angle) for angle in (-160, 180, *reach)]
    grooves = [template.left_ventricle.outer, template.left_atrium.outer]
    course = layout.settled(guides, grooves, 2.6, (0.25, 0.6), 3.0, 8.0)
    distal = {"right": 1.5, "co": 1.9, "left": 2.4}[dominance] * sex
    return layout.add("LCx", LCX, course, (diameter_mm, distal), lm, index)


def _add_intermediate(layout: Layout, parent: int, vessel: int, sex: float) -> None:
    """A ramus intermedius: from just past the bifurcation over the lateral wall."""
    index, root = layout.at(parent, 2.5)
    guides = [root, 0.5 * (root + layout.on(14, -98)), *(layout.on(a, -100 - 0.3 * a) for a in (16, 30, 45, 58))]
    course = layout.settled(guides, [layout.template.left_ventricle.outer], 2.0, (0.3, 0.8))
    layout.add("RI", vessel, course, (2.4 * sex, 1.1), parent, index)


def _add_diagonals(layout: Layout, lad: int, sex: float) -> None:
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


def _add_septals(layout: Layout, lad: int) -> None:
    """Septal perforators: fine branches within the septum's muscle, a third of the wall deep."""
    rng, ventricle = layout.rng, layout.template.left_ventricle.outer
    for number, start in enumerate(np.sort(rng.uniform(12, 75, int(rng.integers(3, 7)))), 1):
        index, root = layout.at(lad, float(start))
        along = float((root - in_ventricle(0, 0, 0)) @ (in_ventricle(1, 0, 0) - in_ventricle(0, 0, 0)))
        depth = rng.uniform(15, 45)
        guides = [root]
        guides += [
            on_ventricle(layout.template, along + 10 * f, ANTERIOR_GROOVE_DEG + 6 + f * depth, -3.0)
            for f in (0.25, 0.6, 1.0)
        ]
        line = wiggle(resample(np.asarray(guides), 1.5), rng, 0.2, 0.5)
        inside = Rule(ventricle, -3.0 if along < 40 else -1.8)
        clear = Rule(layout.template.left_ventricle.blood, 1.5, at_least=True)
        course = settle(line, [inside, clear], np.clip(arc_length(line) / 3.0, 0, 1), rounds=10)
        layout.add(f"S{number}", LAD, course, (rng.uniform(0.9, 1.4), 0.6), lad, index)


def _add_marginals(layout: Layout, lcx: int, sex: float) -> None:
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

"""The left coronary artery: left main, anterior descending with diagonals and septals, circumflex with marginals."""

from __future__ import annotations

import numpy as np

from cacnet.phantom.coronary_layout import LAD, LCX, LM, Layout, taper
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
from cacnet.phantom.heart_template import AORTIC_AXIS, in_ventricle, unit
from cacnet.phantom.shapes import gradient

BRIDGE_SHARE = 0.22
"""Patients whose mid LAD dips into the muscle (CT finds bridges in about a quarter)."""
SHORT_CIRCUMFLEX = 0.1
"""Right-dominant patients whose circumflex ends early, after its marginals."""


def lay_left(layout: Layout, sizes: dict[int, float], sex: float) -> None:
    """Lay the left coronary artery and all its branches."""
    lm = _lay_left_main(layout, sizes[LM]) if layout.variant.left_main else -1
    lad = _lay_descending(layout, lm, sizes[LAD], sex)
    _add_diagonals(layout, lad, sex)
    _add_septals(layout, lad)
    lcx = _lay_circumflex(layout, lm, sizes[LCX], sex)
    if layout.variant.ramus:
        _add_intermediate(layout, lm, *((lcx, LCX) if layout.rng.random() < 0.3 else (lad, LAD)), sex)
    _add_marginals(layout, lcx, sex)
    if layout.patient.dominance != "right":
        lay_posterior(layout, lcx, LCX, sex, descending=layout.patient.dominance == "left")


def _ostium(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The left ostium and the direction out of it."""
    ostium = layout.template.left_ostium
    return ostium, unit(ostium - layout.template.sinus_centre)


def _lay_left_main(layout: Layout, diameter_mm: float) -> int:
    ostium, out = _ostium(layout)
    towards = unit(np.array([0.85, -0.35, -0.30]) + layout.rng.normal(0, 0.15, 3))
    end = ostium + 2 * out + layout.variant.left_main_mm * towards
    guides = [ostium - 2.5 * out, ostium + 1.5 * out, 0.5 * (ostium + end) + 0.5 * out, end]
    course = layout.settled(guides, [], 2.4, (0.1, 0.3), 5.0)
    return layout.add("LM", LM, course, (diameter_mm * 1.03, diameter_mm * 0.97))


def _start(layout: Layout, lm: int, aside_mm: float) -> tuple[int, list[np.ndarray]]:
    """Where a trunk leaves the left main, or the aorta where there is none, and the first points of its course."""
    if lm >= 0:
        return len(layout.branches[lm].points_mm) - 1, [layout.courses[lm][-1]]
    ostium, out = _ostium(layout)
    beside = ostium + aside_mm * unit(np.cross(AORTIC_AXIS, out))
    return 0, [beside - 2.5 * out, beside + 2 * out, beside + 5 * out]


def _lay_descending(layout: Layout, lm: int, diameter_mm: float, sex: float) -> int:
    rng, template, variant = layout.rng, layout.template, layout.variant
    index, guides = _start(layout, lm, -2.6)
    angle = ANTERIOR_GROOVE_DEG
    # The long one of two descending arteries runs beside the groove and comes back to it.
    aside = {24: -13, 36: -17, 48: -12, 60: -4} if variant.dual_descending else {}
    guides += [0.5 * guides[-1] + 0.5 * layout.on(10, angle - 3)]
    guides += [layout.on(along, angle + aside.get(along, 0)) for along in (12, 24, 36, 48, 60, 70, 78)]
    if variant.past_apex_mm > -5:
        guides += [in_ventricle(86, 4, -14), in_ventricle(90, 2, -2)]
    if variant.past_apex_mm > 14:
        guides += [in_ventricle(84, 3, 15), on_ventricle(template, 84 - variant.past_apex_mm, POSTERIOR_GROOVE_DEG)]
    grooves = (
        [template.left_ventricle.outer] if aside else [template.left_ventricle.outer, template.right_ventricle.outer]
    )
    course = layout.settled(guides, grooves, 2.0, (0.3, 1.7), 3.0, 8.0)
    if rng.random() < BRIDGE_SHARE:
        course = _bridged(layout, course)
    lad = layout.add("LAD", LAD, course, taper(LAD, diameter_mm), lm, index)
    if aside:
        index, root = layout.at(lad, 16.0)
        short = [root, *(layout.on(along, angle + 3) for along in (22, 34, 46))]
        course = layout.settled(short, [template.left_ventricle.outer], 1.8, (0.3, 0.7))
        layout.add("LADshort", LAD, course, (0.7 * diameter_mm, 1.3), lad, index)
    return lad


def _bridged(layout: Layout, course: np.ndarray) -> np.ndarray:
    """The course with a stretch of its middle third sunk 2 to 6 mm into the muscle."""
    place = np.linspace(0, 1, len(course))
    dip = np.exp(-0.5 * ((place - layout.rng.uniform(0.38, 0.6)) / 0.06) ** 4)
    inward = -gradient(layout.template.epicardium, course.T)
    inward /= np.maximum(np.linalg.norm(inward, axis=0), 1e-6)
    return course + (inward * dip * layout.rng.uniform(3.5, 7.0)).T


def _lay_circumflex(layout: Layout, lm: int, diameter_mm: float, sex: float) -> int:
    rng, template, dominance = layout.rng, layout.template, layout.patient.dominance
    index, guides = _start(layout, lm, 2.6)
    reach = {"right": [150, 130], "co": [150, 118, 92], "left": [150, 118, 92, 68]}[dominance]
    guides += [on_ventricle(template, -4, angle + rng.normal(0, 2.0), -2.5) for angle in (-116, -128, -142)]
    guides += [layout.on(-1, angle) for angle in (-160, 180, *reach)]
    grooves = [template.left_ventricle.outer, template.left_atrium.outer]
    course = layout.settled(guides, grooves, 2.6, (0.3, 0.8), 3.0, 8.0)
    if dominance == "right" and rng.random() < SHORT_CIRCUMFLEX:
        course = course[: int(rng.uniform(0.45, 0.9) * len(course))]
    elif dominance == "right":
        # Before the crux it turns down over the posterolateral wall.
        end = rng.uniform(10, 40)
        down = [layout.on(3 + part * end, 129 - 10 * part) for part in (0.3, 0.65, 1.0)]
        course = layout.carried_on(course, down, grooves[:1], 2.0)
    return layout.add("LCx", LCX, course, taper(LCX, diameter_mm), lm, index)


def _add_intermediate(layout: Layout, lm: int, parent: int, vessel: int, sex: float) -> None:
    """A ramus intermedius: from the bifurcation or just past it over the lateral wall, sometimes a large one."""
    index, root = layout.at(parent, 2.5)
    if lm >= 0 and layout.variant.trifurcation:
        parent, (index, (root, *_)) = lm, _start(layout, lm, 0.0)
    guides = [root, 0.5 * (root + layout.on(14, -98)), *(layout.on(a, -100 - 0.3 * a) for a in (16, 30, 45, 58))]
    course = layout.settled(guides, [layout.template.left_ventricle.outer], 2.0, (0.3, 1.0), rounds=4)
    layout.add("RI", vessel, course, (layout.rng.uniform(1.8, 3.0) * sex, 1.8 * sex, 1.1), parent, index)


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
        course = layout.settled(guides, [lv], 1.6, (0.3, 1.1), 3.0, rounds=4)
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
        layout.add(f"S{number}", LAD, course, (rng.uniform(0.9, 1.4), 0.6), lad, index, labelled=False)


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
        course = layout.settled(guides, [lv], 1.7, (0.3, 1.1), 3.0, rounds=4)
        layout.add(f"OM{number}", LCX, course, (sex * rng.uniform(2.0, 2.7), sex * rng.uniform(0.9, 1.2)), lcx, index)

"""The right coronary artery with its branches, and the posterior arteries that either side may give off."""

from __future__ import annotations

import numpy as np

from cacnet.phantom.coronary_layout import RCA, Layout, taper
from cacnet.phantom.coronary_routes import POSTERIOR_GROOVE_DEG, arc_length, on_tricuspid_ring, on_ventricle
from cacnet.phantom.heart_template import RIGHT_CORONARY_WAY, in_ventricle, unit


def lay_right(layout: Layout, sizes: dict[int, float], sex: float) -> None:
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
    course = layout.settled(guides, [rv, ra], 3.0, (0.3, 0.45), 5.0, 30.0)
    if dominance == "right":
        course = _past_crux(layout, course)
    rca = layout.add("RCA", RCA, course, taper(RCA, sizes[RCA]))
    _add_right_branches(layout, rca, sex)
    if dominance != "left":
        lay_posterior(layout, rca, RCA, sex, descending=True, lateral=dominance == "right")


def _past_crux(layout: Layout, course: np.ndarray) -> np.ndarray:
    """The course carried on in the left atrioventricular groove, from where the posterolateral branches leave."""
    template, end = layout.template, POSTERIOR_GROOVE_DEG + layout.rng.uniform(12, 28)
    guides = [on_ventricle(template, -1, a) for a in np.linspace(POSTERIOR_GROOVE_DEG + 10, end, 3)]
    return layout.carried_on(course, guides, [template.left_ventricle.outer, template.left_atrium.outer], 2.4)


def _add_right_branches(layout: Layout, rca: int, sex: float) -> None:
    rng = layout.rng
    rv = layout.template.right_ventricle.outer
    conus = [np.array(p) for p in ([-6.0, -46.0, 22.0], [4.0, -56.0, 19.0], [15.0, -52.0, 16.0])]
    upper = [in_ventricle(*p) for p in ((4, 62, -14), (18, 60, -16), (32, 54, -16))]
    ventricular = [in_ventricle(*p) for p in ((12, 62, -2), (28, 57, -2), (44, 50, 0))]
    acute = [in_ventricle(*p) for p in ((14, 55, 24), (32, 48, 21), (50, 41, 17), (62, 34, 12))]
    routes = (
        ("CB", 7.0, conus, 1.4, 0.9, 0.75),
        ("RV1", rng.uniform(24, 34), upper, 1.4, 0.8, 0.4),
        ("RVB", rng.uniform(36, 50), ventricular, 1.6, 0.9, 0.75),
        ("AM", rng.uniform(60, 80), acute, 2.1, 0.9, 0.85),
    )
    for name, start, guides, proximal, distal, share in routes:
        if rng.random() > share or start > layout.branches[rca].length_mm - 10:
            continue
        index, root = layout.at(rca, float(start))
        far = rng.uniform(0.72, 1.05)
        jittered = [root + far * (guide - root) + rng.normal(0, 2.5, 3) for guide in guides]
        course = layout.settled([root, *jittered], [rv], 1.6, (0.3, 0.9), 3.0, rounds=4)
        layout.add(name, RCA, course, (proximal * sex * rng.uniform(0.85, 1.2), distal), rca, index)


def lay_posterior(layout: Layout, parent: int, vessel: int, sex: float, descending: bool, lateral: bool = True) -> None:
    """Posterior descending artery in the posterior interventricular groove, and posterolateral branches."""
    rng, template = layout.rng, layout.template
    lv, rv = template.left_ventricle.outer, template.right_ventricle.outer
    trunk = layout.branches[parent]
    crux = layout.heart.frame.to_patient(on_ventricle(template, -1, POSTERIOR_GROOVE_DEG + 5)[:, None])[:, 0]
    late = arc_length(trunk.points_mm) > 0.6 * trunk.length_mm
    at_crux = np.linalg.norm(trunk.points_mm - crux, axis=1) + np.where(late, 0, 1e3)
    crux_mm = min(float(arc_length(trunk.points_mm)[int(at_crux.argmin())]), trunk.length_mm - 4.0)
    if descending:
        starts = [crux_mm, crux_mm - rng.uniform(8, 18)] if layout.variant.second_posterior else [crux_mm]
        for number, start in enumerate(starts):
            index, root = layout.at(parent, start)
            aside = -9 * number
            end = rng.uniform(50, 62) - 14 * number
            guides = [root, *(layout.on(p * end, POSTERIOR_GROOVE_DEG + aside) for p in (0.15, 0.35, 0.6, 0.8, 1.0))]
            course = layout.settled(guides, [rv] if number else [lv, rv], 1.8, (0.3, 0.9), 3.0)
            calibre = min(rng.normal(2.2, 0.25) * sex, 2 * float(trunk.radius_mm[index]))
            layout.add("PDA2" if number else "PDA", vessel, course, (calibre, 0.75 * calibre, 1.1), parent, index)
    if lateral:
        _add_posterolateral(layout, parent, vessel, sex, trunk.length_mm - crux_mm)


def _add_posterolateral(layout: Layout, parent: int, vessel: int, sex: float, past_crux_mm: float) -> None:
    """One to four branches over the posterior wall, the last one the trunk's own end."""
    rng, trunk = layout.rng, layout.branches[parent]
    count = int(rng.choice([1, 2, 3, 4], p=[0.25, 0.4, 0.25, 0.1]))
    span = past_crux_mm - 4 if vessel == RCA else 24.0
    for number in range(1, count + 1):
        back = 1.5 + span * (number - 1) / count
        index, root = layout.at(parent, trunk.length_mm - back)
        offset = root - in_ventricle(0, 0, 0)
        sideways = [offset @ (in_ventricle(*e) - in_ventricle(0, 0, 0)) for e in ((0, 1, 0), (0, 0, 1))]
        angle = float(np.degrees(np.arctan2(sideways[1], sideways[0]))) + (6 if vessel == RCA else -2)
        reach = rng.uniform(22, 50) * (1 if number == 1 else 0.8)
        guides = [root, *(layout.on(3 + f * reach, angle + 6 * f) for f in (0.2, 0.45, 0.7, 1.0))]
        course = layout.settled(guides, [layout.template.left_ventricle.outer], 1.7, (0.3, 1.0), 3.0, rounds=4)
        calibre = min(rng.uniform(1.5, 2.1) * sex, 2 * float(trunk.radius_mm[index]))
        layout.add(f"PL{number}", vessel, course, (calibre, 1.0), parent, index)

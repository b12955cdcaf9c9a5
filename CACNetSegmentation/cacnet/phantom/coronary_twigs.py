"""Fine branches: the many arteries of about 1 mm that leave the named ones, and the sinus node's.

A real scan shows them as short, faint, tapering lines on the heart's surface. Those below 1 mm are painted but do not
belong to the artery label, as no reader follows them.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from cacnet.phantom.coronary_layout import LCX, RCA, Layout
from cacnet.phantom.coronary_routes import arc_length
from cacnet.phantom.shapes import gradient

MEAN_DISTANCE_MM = 26.0
"""Length of a named artery per fine branch."""
LABELLED_FROM_MM = 1.0
POINTS = 7
OFF_MM = 1.3
CLEAR_MM = 2.2
NODE_ROUTES = {
    "RCA": ([-22.0, -24.0, 29.0], [-30.0, -14.0, 33.0], [-35.0, -4.0, 36.0]),
    "LCx": ([4.0, 8.0, 38.0], [-8.0, 16.0, 42.0], [-24.0, 14.0, 41.0], [-33.0, 8.0, 38.0]),
}


def add_sinus_node(layout: Layout, sex: float) -> None:
    """The sinus node's artery, over an atrium to the superior vena cava's mouth; left out where there is no room."""
    name = layout.variant.sinus_node
    if name == "none":
        return
    parent = next(i for i, b in enumerate(layout.branches) if b.name == name)
    index, root = layout.at(parent, float(layout.rng.uniform(8, 16)))
    guides = [root, *(np.asarray(point) + layout.rng.normal(0, 1.5, 3) for point in NODE_ROUTES[name])]
    course = layout.settled(guides, [], 1.6, (0.2, 0.5), 2.0, rounds=4)
    free_mm = _off_heart(layout, course)[2:]
    tortuous = arc_length(course)[-1] > 1.5 * arc_length(np.asarray(guides))[-1]
    if free_mm.min() > 0.0 and not tortuous:
        calibre = sex * float(layout.rng.uniform(1.2, 1.7))
        layout.add("SN", RCA if name == "RCA" else LCX, course, (calibre, 0.9), parent, index)


def add_twigs(layout: Layout) -> None:
    """Fine branches from every labelled artery but the left main, on the heart's surface and clear of all others."""
    rng = layout.rng
    starts, courses = [], []
    for parent, branch in enumerate(layout.branches):
        if branch.name in ("LM", "SN") or not branch.labelled:
            continue
        for _ in range(int(rng.poisson(branch.length_mm / MEAN_DISTANCE_MM))):
            index, root = layout.at(parent, float(rng.uniform(0.15, 0.92)) * branch.length_mm)
            widest = 0.75 * 2 * float(branch.radius_mm[index])
            calibre = float(np.clip(rng.lognormal(np.log(1.0), 0.22), 0.65, min(1.5, widest)))
            along = layout.heart.frame.to_template(branch.points_mm[[index - 2, index + 2]].T)
            starts.append((parent, index, calibre))
            courses.append(_straight(layout, root, along[:, 1] - along[:, 0], calibre * float(rng.uniform(9, 26))))
    if not courses:
        return
    settled = _on_surface(layout, np.stack(courses))
    for number, ((parent, index, calibre), course) in enumerate(zip(starts, settled, strict=True), 1):
        kept = _clear_part(layout, course)
        if len(kept) >= 4:
            vessel, shown = layout.branches[parent].vessel, calibre >= LABELLED_FROM_MM
            layout.add(f"T{number}", vessel, kept, (calibre, 0.5), parent, index, labelled=shown)


def _straight(layout: Layout, root: np.ndarray, ahead: np.ndarray, length_mm: float) -> np.ndarray:
    """Points (POINTS, 3) from a root along the surface, 35 to 75 degrees off the parent's direction, a little bent."""
    rng = layout.rng
    normal = gradient(layout.template.epicardium, root[:, None])[:, 0]
    normal /= max(float(np.linalg.norm(normal)), 1e-6)
    ahead = ahead - (ahead @ normal) * normal
    ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
    turn = np.radians(rng.uniform(35, 75)) * rng.choice([-1.0, 1.0])
    turns = (
        turn
        + np.radians(rng.normal(0, 16)) * np.linspace(0, 1, POINTS - 1)
        + np.cumsum(rng.normal(0, 0.13, POINTS - 1))
    )
    steps = np.cos(turns)[:, None] * ahead + np.sin(turns)[:, None] * np.cross(normal, ahead)
    return root + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)]) * length_mm / (POINTS - 1)


def _on_surface(layout: Layout, courses: np.ndarray) -> np.ndarray:
    """Courses (n, POINTS, 3) drawn onto the heart's surface, all at once; their roots stay."""
    points = courses.reshape(-1, 3).T.copy()
    free = np.tile(np.clip(np.arange(POINTS) / 2.0, 0, 1), len(courses))
    for _ in range(4):
        distance = np.asarray(layout.template.epicardium(points), float)
        slope = gradient(layout.template.epicardium, points)
        slope /= np.maximum(np.linalg.norm(slope, axis=0), 0.3)
        points -= slope * np.clip(distance - OFF_MM, -3.0, 3.0) * free
    return points.T.reshape(courses.shape)


def _clear_part(layout: Layout, course: np.ndarray) -> np.ndarray:
    """The course up to where it would meet any branch, its own parent too, or sink into the heart."""
    others = cKDTree(layout.heart.frame.to_template(np.concatenate([b.points_mm for b in layout.branches]).T).T)
    stepwise = np.linalg.norm(np.diff(course, axis=0), axis=1)
    bad = others.query(course)[0] < CLEAR_MM
    bad |= _off_heart(layout, course) < 0.2
    bad[arc_length(course) < 4.0] = False
    bad[1:] |= stepwise > 2.5 * np.median(stepwise)
    return course[: int(np.argmax(bad))] if bad.any() else course


def _off_heart(layout: Layout, course: np.ndarray) -> np.ndarray:
    """Distance (n,) of a course from the heart with all its vessels."""
    template = layout.template
    veins = (template.pulmonary_veins.outer, template.superior_vena_cava.outer, template.inferior_vena_cava.outer)
    return np.minimum.reduce([np.asarray(shape(course.T), float) for shape in (template.epicardium, *veins)])

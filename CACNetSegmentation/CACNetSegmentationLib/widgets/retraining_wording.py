"""Sentences of the section that trains a model further, apart from Qt so that they can be read and tested."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from cacnet.dataset.contents import Contents
from cacnet.dataset.scan import ReviewState
from cacnet.retraining import Extent, Length, Retraining

from CACNetSegmentationLib.widgets.translation import _
from CACNetSegmentationLib.widgets.wording import time_left_text

INTRODUCTION = _(
    "Goes on training a model with cases that you have reviewed, mixed with simulated patients, and compares it with "
    "the old one on cases it has not seen. Slicer stays free for work, but must stay open. Research use, not for "
    "diagnosis."
)
CHOOSE_A_DATA_SET = _("Choose the folder that 'Training labels …' has written to.")
MEASURING = _("Measuring how fast this computer learns …")
NOT_INSTALLED_YET = _("PyTorch is not installed yet; Start installs it, and then the time it takes can be said.")
NOTHING_INSTALLED = _("Nothing was installed, so nothing can be trained yet.")
STOPPING = _("Finishing the step and saving what was learned …")
STOPPED = _("Stopped. What was learned is kept: Resume goes on from there.")
STOPPED_EARLY = _("Stopped before anything was learned.")
CHOSEN = _("'{name}' is chosen for the next runs.")
FAILED = _("The training has ended without a new model.")
DISCARD = _("Remove the unfinished training '{name}' and all that it has learned?")

FEW_CASES = 5
"""Held-out cases below which a difference may well be chance."""
WHEN = ("before", "after")

LENGTH_NAMES = {
    Length.TRIAL: _("A short trial, to see that it works"),
    Length.NIGHT: _("Overnight, 10 hours at most"),
    Length.THOROUGH: _("Thorough, however long it takes"),
}
STAGE_TITLES = {
    "prepare the cases": _("Reading the cases"),
    "simulate": _("Simulating the first patients to mix in"),
    "train": _("Learning"),
    "compare": _("Comparing the new model with the old one"),
}
STATE_NAMES = {
    ReviewState.APPROVED: _("approved"),
    ReviewState.PARTLY: _("partly reviewed"),
    ReviewState.UNREVIEWED: _("unreviewed"),
}


def contents_text(contents: Contents) -> str:
    """'12 cases: 9 approved, 3 unreviewed. 7 would be learned from, 2 held out to compare on.'"""
    states = [f"{contents.by_state[state]} {STATE_NAMES[state]}" for state in ReviewState if state in contents.by_state]
    states.reverse()
    if contents.foreign:
        states.append(_("{count} of another data set").format(count=contents.foreign))
    if contents.damaged:
        states.append(_("{count} damaged").format(count=contents.damaged))
    count = _("1 case") if contents.cases == 1 else _("{count} cases").format(count=contents.cases)
    return f"{count}: {', '.join(states)}. {_use_text(contents)}"


def _use_text(contents: Contents) -> str:
    if not contents.usable:
        return _("None can be learned from: approve reviews and add them again.")
    if contents.held_out is None:
        return _("About a fifth would be held out to compare on.")
    if not contents.held_out:
        return _("All would be learned from; none is left to compare on, so the gain will not be known.")
    learned = contents.usable - contents.held_out
    return _("{learned} would be learned from, {held_out} held out to compare on.").format(
        learned=learned, held_out=contents.held_out
    )


def resume_text(stopped: Retraining) -> str:
    """Which training goes on, with the choices that were made for it."""
    text = _(
        "'{name}' was stopped before its end. Resume goes on with the choices it began with: {length}; from '{start}', "
        "on the cases in {data}."
    )
    length = LENGTH_NAMES[stopped.length]
    return text.format(
        name=stopped.model_id, length=length[0].lower() + length[1:], start=stopped.start, data=stopped.data
    )


def plan_text(device: str, seconds_per_step: float, extent: Extent) -> str:
    """'CPU, 8 threads: about 9 hours, at 10.8 s a step.' A limit that comes first is said to be one."""
    seconds = extent.steps * seconds_per_step
    limit = extent.max_minutes
    if limit is not None and seconds > 60 * limit:
        share = round(100 * 60 * limit / seconds)
        text = _("{device}: stops after {time}, with about {share} % of the {steps} steps done ({pace:.2g} s a step)")
        text = text.format(
            device=device, time=duration_text(60 * limit), share=share, steps=extent.steps, pace=seconds_per_step
        )
    else:
        text = _("{device}: about {time} for {steps} steps in all ({pace:.2g} s a step)").format(
            device=device, time=duration_text(seconds), steps=extent.steps, pace=seconds_per_step
        )
    return text + _("; reading and comparing the cases comes on top.")


def duration_text(seconds: float) -> str:
    """A time in the unit that fits it, no finer than it is known."""
    if seconds < 90:
        return _("a minute")
    if seconds < 90 * 60:
        return _("{count} minutes").format(count=round(seconds / 60))
    return _("{count} hours").format(count=round(seconds / 3600))


def stage_text(stage: str, seconds_left: float | None) -> str:
    """What is being done, and for how long still."""
    title = STAGE_TITLES.get(stage, stage)
    if seconds_left is None:
        return title
    if seconds_left >= 90 * 60:
        return f"{title}, {_('about {time} left').format(time=duration_text(seconds_left))}"
    return f"{title}, {time_left_text(seconds_left)}"


def step_text(step: int, steps: int, loss: float, first_loss: float) -> str:
    """'Step 140 of 3000. Its errors have fallen by 12 % since the start (loss 0.48, at first 0.55).'"""
    said = _("Step {step} of {steps}.").format(step=step, steps=steps)
    if not first_loss > 0:
        return said
    change = round(100 * (1 - loss / first_loss))
    if change > 0:
        trend = _("Errors on the training patches have fallen by {share} %").format(share=change)
    elif change < 0:
        trend = _("Errors on the training patches are {share} % above those at the start").format(share=-change)
    else:
        trend = _("Errors on the training patches are as at the start")
    return f"{said} {trend} ({_('loss')} {loss:.2f}, {_('at first')} {first_loss:.2f})."


def verdict(answer: Mapping[str, Any]) -> str:
    """Whether the new model is better, in one plain sentence."""
    name, held_out = answer["model"], answer.get("held_out")
    if not held_out:
        return _("'{name}' is ready. No case was held out, so it is not known whether it is better.").format(name=name)
    old, new = held_out["calcium_dice"]["before"], held_out["calcium_dice"]["after"]
    if old is None or new is None:
        return _("'{name}' is ready. No held-out case has calcium, so it is not known whether it is better.").format(
            name=name
        )
    cases = held_out["cases"]
    where = _("the held-out case") if cases == 1 else _("the {count} held-out cases").format(count=cases)
    how = _("as good as")
    if round(new, 3) != round(old, 3):
        how = _("better than") if new > old else _("worse than")
    text = _(
        "'{name}' is {how} '{before}' on {where}: its calcium overlaps the reader's with a Dice of {new:.3f}, "
        "before {old:.3f}."
    )
    said = text.format(name=name, how=how, before=held_out["model_before"], where=where, new=new, old=old)
    return said + (" " + _("So few cases say little.") if cases < FEW_CASES else "")


def table_html(held_out: Mapping[str, Any]) -> str:
    """Before and after on the held-out cases: four rows."""
    by_case = held_out["by_case"]
    lesions = sum(case["before"]["lesions"] for case in by_case)
    rows = [
        (_("Dice of calcium"), *(_number(held_out["calcium_dice"][when]) for when in WHEN)),
        (_("Dice of arteries"), *(_number(held_out["coronary_dice"][when]) for when in WHEN)),
        (
            _("Lesions found, of {count}").format(count=lesions),
            *(str(sum(case[when]["lesions_found"] for case in by_case)) for when in WHEN),
        ),
        (_("False positives"), *(str(sum(case[when]["false_positives"] for case in by_case)) for when in WHEN)),
    ]
    head = ("", _("before"), _("after"))
    lines = [_row(head, "th"), *(_row(row, "td") for row in rows)]
    return f'<table cellpadding="3">{"".join(lines)}</table>'


def _row(cells: tuple[str, ...], tag: str) -> str:
    first, *rest = map(escape, cells)
    numbers = "".join(f'<{tag} align="right">{cell}</{tag}>' for cell in rest)
    return f'<tr><{tag} align="left">{first}</{tag}>{numbers}</tr>'


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

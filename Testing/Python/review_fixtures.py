"""Opens reviews in the shipped panel, with fakes for the scene and the slice views."""

from __future__ import annotations

import pytest


@pytest.fixture
def slot_errors(qt_application):
    """What slots raised; a test that expects one takes it out."""
    from stand_in.pythonqt import slot_errors

    return slot_errors


@pytest.fixture
def open_review(qt_application, scene):
    """A function that opens a review of so many lesions, or a given service, and returns a `Reader` before it."""
    from CACNetSegmentationLib.widgets.review.panel import ReviewPanel
    from review_keyboard import CONTROL, SHIFT, Key, Reader
    from review_service import FakeService
    from stand_in.pythonqt import real

    panels = []

    def open_one(lesions=5, service=None, exports=()):
        class Desk(Reader):
            plane, pick, cancelled = None, None, 0

            def menu_actions(self, menu):
                from stand_in.pythonqt import to_python

                return [to_python(action) for action in real(menu, "actions")()]

        desk = object.__new__(Desk)

        def pick_point(callback):
            desk.pick = callback

            def cancel():
                desk.cancelled += 1

            return cancel

        panel = ReviewPanel(None, pick_point, exports, lambda: desk.plane)
        panels.append(panel)
        desk.Key, desk.SHIFT, desk.CONTROL = Key, SHIFT, CONTROL
        desk.ui, desk.service = panel.ui, service or FakeService(lesions)
        panel.show_review(desk.service)
        Reader.__init__(desk, panel)
        return desk

    yield open_one
    for panel in panels:
        panel.close()
        real(panel.widget, "close")()
        real(panel.widget, "deleteLater")()
    qt_application.processEvents()

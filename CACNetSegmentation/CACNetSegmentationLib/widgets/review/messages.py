"""A label that says how the last action went: in a word, or in the sentence of its error."""

from __future__ import annotations

from html import escape

from cacnet.errors import CacnetError

from CACNetSegmentationLib.widgets.review.wording import UNEXPECTED

_ERROR_COLOUR = "#d55e00"


class Message:
    """Drives one QLabel, which is hidden while there is nothing to say."""

    def __init__(self, label) -> None:
        self._label = label
        self.say("")

    def say(self, text: str) -> None:
        """Show a sentence; '' hides the label."""
        self._show(escape(text))

    def complain(self, text: str) -> None:
        """Show what went wrong."""
        self._show(f'<span style="color:{_ERROR_COLOUR}">✖ {escape(text[:1].upper() + text[1:])}</span>')

    def attempt(self, work) -> bool:
        """Do `work()` and show the text it returns, or the sentence of its error; whether it went well."""
        try:
            self.say(work() or "")
        except CacnetError as error:
            self.complain(str(error))
            return False
        except Exception:
            # Qt prints and forgets an exception that nobody foresaw; the reader must see that nothing was done.
            self.complain(UNEXPECTED)
            raise
        return True

    def _show(self, html: str) -> None:
        self._label.text = html
        self._label.visible = bool(html)

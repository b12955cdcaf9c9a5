"""The section in which the scoring protocol is looked at and changed."""

from __future__ import annotations

from cacnet.edits.summary import ReviewSummary
from cacnet.scoring import PROTOCOLS

from CACNetSegmentationLib.widgets.review.corrections import Act
from CACNetSegmentationLib.widgets.review.messages import Message
from CACNetSegmentationLib.widgets.review.wording import protocol_details_html


class Protocols:
    """Drives the scoring section of Review.ui; a protocol that cannot be used leaves the old one chosen."""

    def __init__(self, ui, act: Act) -> None:
        self._ui, self._act = ui, act
        self._message = Message(ui.protocolMessageLabel)
        self._shown = ""
        ui.reviewProtocolComboBox.addItems(list(PROTOCOLS))
        ui.reviewProtocolComboBox.connect("currentIndexChanged(int)", self._on_chosen)

    def start(self) -> None:
        """Forget what was said of another review."""
        self._message.say("")

    def show(self, summary: ReviewSummary) -> None:
        """Show the protocol in use."""
        self._shown = summary.resolved.protocol.name
        self._show_choice()
        self._ui.protocolDetailsLabel.text = protocol_details_html(summary.resolved.protocol, summary.resolved)

    def _show_choice(self) -> None:
        # One that is not among ours, such as a site's own, is shown as no choice.
        index = list(PROTOCOLS).index(self._shown) if self._shown in PROTOCOLS else -1
        self._ui.reviewProtocolComboBox.setCurrentIndex(index)

    def _on_chosen(self, index: int) -> None:
        if index < 0:
            return
        name = list(PROTOCOLS)[index]
        if name != self._shown and not self._act(lambda service: service.use_protocol(name), self._message):
            self._show_choice()

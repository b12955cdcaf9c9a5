"""The root of every error that a user may meet: one sentence with what was found, what was expected and what to do."""


class CacnetError(Exception):
    """An error whose message is fit to be shown to a user as it is.

    Every module derives its own named errors from this class. `exit_code` is what the command line returns.
    """

    exit_code = 2

    def __init__(self, found: str, expected: str = "", action: str = "") -> None:
        self.found = found
        self.expected = expected
        self.action = action
        parts = [found.rstrip(".")]
        if expected:
            parts.append(f"expected {expected.rstrip('.')}")
        message = "; ".join(parts) + "."
        super().__init__(f"{message} {action.rstrip('.')}." if action else message)


class OutOfMemoryError(CacnetError):
    """The work does not fit into the memory at hand, even at the smallest setting."""

    exit_code = 3


class Cancelled(CacnetError):
    """The user cancelled; nothing was written."""

    exit_code = 130

"""The panel with fakes for the scene and the worker, and the .ui file as it is shipped."""

from types import SimpleNamespace

from cacnet.volume import Acquisition, Geometry

GRID = Geometry((300, 400, 500), (0.5, 0.4, 0.4))


class FakeService:
    """A CT is a text; `describe_input` fails where `input_error` is set, and so on."""

    def __init__(self):
        self.input_error = self.write_error = self.result_error = None
        self.state = 0

    def describe_input(self, volume_node):
        if self.input_error:
            raise self.input_error
        return GRID, self.acquisition(volume_node)

    def acquisition(self, volume_node):
        return Acquisition(kvp=100.0)

    def input_state(self, volume_node):
        return volume_node, self.state

    def write_input(self, volume_node, path):
        if self.write_error:
            raise self.write_error
        path.write_text(volume_node)

    def load_results(self, volume_node, folder):
        if self.result_error:
            raise self.result_error
        totals = {"agatston": 12.0, "volume_mm3": 9.0, "mass_mg": 2.0, "lesions": 2}
        return SimpleNamespace(volume_node=volume_node, totals=totals, protocol_name="ccta-adaptive")


class FakeRun:
    """A worker under way; the test speaks for it through `listener`."""

    def __init__(self, listener, job):
        self.listener, self.job, self.cancelled, self.stopped = listener, job, False, False

    def cancel(self):
        self.cancelled = True

    def stop_now(self):
        self.stopped = True
        self.listener.on_cancelled()


class Starter:
    """Starts fake workers; `error` says why it cannot."""

    def __init__(self):
        self.runs, self.error = [], None

    def __call__(self, listener, job):
        if self.error:
            raise self.error
        self.runs.append(FakeRun(listener, job))
        return self.runs[-1]

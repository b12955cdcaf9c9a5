"""The border network on windows."""

import numpy as np
import pytest
import torch
from cacnet.border_inference import BorderPredictor, _batches
from cacnet.errors import Cancelled
from cacnet.inference import Device
from cacnet.network import BorderConfig, BorderNetwork

CPU = Device("cpu", "float32", "CPU")


@pytest.mark.parametrize("threads", [1, 2])
def test_windows_are_answered_in_their_order_however_many_are_computed_at_a_time(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    torch.manual_seed(0)
    network = BorderNetwork(BorderConfig((8, 8, 8)))
    random = np.random.default_rng(0)
    windows = [random.standard_normal((3, 8, 8, 16)).astype(np.float32) for _ in range(5)]
    answers = list(BorderPredictor(network, CPU)(iter(windows)))
    assert [answer.shape for answer in answers] == [(8, 8, 16)] * len(windows)
    for window, answer in zip(windows, answers, strict=True):
        with torch.inference_mode():
            alone = torch.sigmoid(network.eval()(torch.from_numpy(window)[None]))[0, 0].numpy()
        np.testing.assert_allclose(answer, alone, atol=1e-5)


def test_no_windows_give_no_answers() -> None:
    assert list(BorderPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU)([])) == []


def test_drawing_can_be_cancelled_between_windows() -> None:
    asked = []

    def cancel(stage: str, fraction: float) -> None:
        asked.append((stage, fraction))
        if len(asked) == 2:
            raise Cancelled("cancelled")

    windows = [np.zeros((3, 8, 8, 8), np.float32)] * 9
    answers = BorderPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU, cancel)(windows)
    assert next(answers).shape == (8, 8, 8)
    with pytest.raises(Cancelled):
        next(answers)
    assert asked == [("label", 0.0)] * 2


def test_windows_are_put_together_for_an_accelerator() -> None:
    windows = [np.full((3, 2, 2, 2), number) for number in range(5)]
    assert [[int(window.max()) for window in batch] for batch in _batches(windows, 2)] == [[0, 1], [2, 3], [4]]

"""The border network on windows."""

import numpy as np
import pytest
import torch
from cacnet.errors import Cancelled
from cacnet.inference import Device, choose_device
from cacnet.network import BorderConfig, BorderNetwork
from cacnet.window_inference import WindowPredictor, _batches

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
    answers = list(WindowPredictor(network, CPU)(iter(windows)))
    assert [answer.shape for answer in answers] == [(8, 8, 16)] * len(windows)
    for window, answer in zip(windows, answers, strict=True):
        with torch.inference_mode():
            alone = torch.sigmoid(network.eval()(torch.from_numpy(window)[None]))[0, 0].numpy()
        np.testing.assert_allclose(answer, alone, atol=1e-5)


def test_no_windows_give_no_answers() -> None:
    assert list(WindowPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU)([])) == []


def test_drawing_can_be_cancelled_between_windows() -> None:
    asked = []

    def cancel(stage: str, fraction: float) -> None:
        asked.append((stage, fraction))
        if len(asked) == 2:
            raise Cancelled("cancelled")

    windows = [np.zeros((3, 8, 8, 8), np.float32)] * 9
    answers = WindowPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU, cancel)(windows)
    assert next(answers).shape == (8, 8, 8)
    with pytest.raises(Cancelled):
        next(answers)
    assert asked == [("label", 0.0)] * 2


def test_windows_are_put_together_for_an_accelerator() -> None:
    windows = [np.full((3, 2, 2, 2), number) for number in range(5)]
    assert [[int(window.max()) for window in batch] for batch in _batches(windows, 2)] == [[0, 1], [2, 3], [4]]


def test_where_an_accelerator_fails_the_windows_are_answered_on_the_cpu_and_that_is_said(monkeypatch) -> None:
    network, tried = BorderNetwork(BorderConfig((8, 8, 8))), []
    windows = [np.zeros((3, 8, 8, 8), np.float32)] * 20
    expected = list(WindowPredictor(network, choose_device("cpu"))(windows))
    answer_on = WindowPredictor._answer_on

    def fail_second_time(predictor: WindowPredictor, batch: list[np.ndarray], device: Device) -> np.ndarray:
        tried.append(device.name)
        if device.name == "cuda" and len(tried) == 2:
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nMore text.")
        return answer_on(predictor, batch, choose_device("cpu"))

    monkeypatch.setattr(WindowPredictor, "_answer_on", fail_second_time)
    predictor = WindowPredictor(network, Device("cuda", "float32", "Old GPU, 2 GB"))
    answers = list(predictor(windows))
    assert tried == ["cuda", "cuda", "cpu", "cpu"]  # batches of 8
    assert predictor.notes == ("Old GPU, 2 GB failed (CUDA error: an illegal memory access was encountered)",)
    np.testing.assert_allclose(np.stack(answers), np.stack(expected), atol=0.01)


def test_a_failure_on_the_cpu_is_not_hidden(monkeypatch) -> None:
    def fail(*_: object) -> np.ndarray:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(WindowPredictor, "_answer_on", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(WindowPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU)([np.zeros((3, 8, 8, 8), np.float32)]))


def test_the_network_on_the_cpu_does_not_come_from_the_accelerator() -> None:
    predictor = WindowPredictor(BorderNetwork(BorderConfig((8, 8, 8))), Device("meta", "float32", "an accelerator"))
    placed = predictor._network_on(predictor.device)
    assert {weight.device.type for weight in placed.parameters()} == {"meta"}  # which keeps no numbers
    assert {weight.device.type for weight in predictor._network_on(CPU).parameters()} == {"cpu"}

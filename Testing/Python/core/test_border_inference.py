"""The border network on windows, a batch at a time."""

import numpy as np
import torch
from cacnet.border_inference import BATCH, BorderPredictor
from cacnet.inference import Device
from cacnet.network import BorderConfig, BorderNetwork

CPU = Device("cpu", "float32", "CPU")


def test_windows_are_answered_one_by_one_and_in_their_order_however_they_are_batched() -> None:
    torch.manual_seed(0)
    network = BorderNetwork(BorderConfig((8, 8, 8)))
    random = np.random.default_rng(0)
    windows = [random.standard_normal((3, 8, 8, 12)).astype(np.float32) for _ in range(BATCH + 2)]
    answers = list(BorderPredictor(network, CPU)(iter(windows)))
    assert [answer.shape for answer in answers] == [(8, 8, 12)] * len(windows)
    for window, answer in zip(windows, answers, strict=True):
        with torch.inference_mode():
            alone = torch.sigmoid(network.eval()(torch.from_numpy(window)[None]))[0, 0].numpy()
        np.testing.assert_allclose(answer, alone, atol=1e-5)


def test_no_windows_give_no_answers() -> None:
    assert list(BorderPredictor(BorderNetwork(BorderConfig((8, 8, 8))), CPU)([])) == []

"""Tiled inference: tiles leave no trace, air is skipped, memory runs out gracefully, and it can be cancelled."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from cacnet import inference
from cacnet.errors import Cancelled, OutOfMemoryError
from cacnet.inference import (
    Device,
    DeviceUnavailableError,
    InferenceInputError,
    choose_device,
    estimate_bytes,
    in_order,
    or_on_cpu,
    predict,
)
from cacnet.network import CACNet, NetworkConfig
from cacnet.weights import InputContract, LoadedModel, ModelCard

CPU = Device("cpu", "float32", "CPU")
TINY = NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2)


def model_of(network, tile_voxels=32):
    return LoadedModel(network.eval(), ModelCard("tiny", "Tiny", input=InputContract(tile_voxels=tile_voxels)))


class Constant(CACNet):
    """Answers the same probabilities everywhere."""

    def forward(self, image):
        logits = torch.logit(torch.tensor([0.25, 0.75]))
        return logits.view(1, 2, 1, 1, 1).expand(1, 2, *image.shape[2:])


class Local(CACNet):
    """Answers from a voxel and its neighbours alone, so tiling must not matter away from the volume's border."""

    def forward(self, image):
        smooth = torch.nn.functional.avg_pool3d(image, 3, stride=1, padding=1)
        return torch.cat([image, smooth], 1)


class Greedy(CACNet):
    """Runs out of memory on tiles larger than `limit`; counts its calls."""

    limit = 0
    calls = 0

    def forward(self, image):
        type(self).calls += 1
        if image.shape[-1] > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate everything")
        return torch.zeros(1, 2, *image.shape[2:])


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(70, 33, 48), (20, 20, 20), (1, 40, 5)])
def test_a_constant_answer_stays_constant_across_tiles(shape):
    answer = predict(noise(*shape), model_of(Constant(TINY)), CPU)
    assert answer.calcium.shape == shape
    np.testing.assert_allclose(answer.calcium, 0.25, atol=1e-6)
    np.testing.assert_allclose(answer.coronary, 0.75, atol=1e-6)


def test_tiles_give_what_the_whole_gives():
    image = noise(80, 64, 48)
    model = model_of(Local(TINY))
    tiled = predict(image, model, CPU, overlap=0.5)
    with torch.inference_mode():
        whole = torch.sigmoid(model.network(torch.from_numpy(image)[None, None]))[0].numpy()
    np.testing.assert_allclose(tiled.calcium, whole[0], atol=1e-6)
    # a tile's edge knows nothing of its neighbour, so the smoothed channel differs there, but with little weight
    assert np.abs(tiled.coronary - whole[1])[2:-2, 2:-2, 2:-2].max() < 0.2
    assert np.abs(tiled.coronary - whole[1])[6:10, 6:10, 6:10].max() < 1e-6


def test_padding_does_not_reach_the_answer_of_a_local_network():
    image = noise(20, 24, 28)
    answer = predict(image, model_of(Local(TINY)), CPU)
    np.testing.assert_allclose(answer.calcium, 1 / (1 + np.exp(-image)), atol=1e-6)


def test_tiles_of_nothing_but_background_are_skipped_and_answer_nought():
    image = np.full((32, 32, 96), -1, np.float32)
    image[:, :, :20] = 0.5
    Greedy.calls, Greedy.limit = 0, 32
    answer = predict(image, model_of(Greedy(TINY)), CPU, overlap=0)
    assert Greedy.calls == 1
    assert answer.calcium[:, :, 32:].max() == 0
    np.testing.assert_allclose(answer.calcium[:, :, :32], 0.5, atol=1e-6)


@pytest.mark.parametrize(("highest_hu", "seen"), [(1300.0, 2.1), (3071.0, 2.9)])
def test_a_model_is_shown_no_brighter_voxels_than_it_was_trained_on(highest_hu, seen):
    class Brightest(CACNet):
        def forward(self, image):
            shown.append(float(image.max()))
            return image.expand(-1, 2, -1, -1, -1)

    shown: list[float] = []
    card = ModelCard("tiny", "Tiny", input=InputContract(hu_range=(-250.0, highest_hu), tile_voxels=32))
    image = np.full((32, 32, 32), -1.0, np.float32)
    image[16, 16, 16] = 2.9
    predict(image, LoadedModel(Brightest(TINY).eval(), card), CPU)
    assert max(shown) == pytest.approx(seen)
    assert image.max() == np.float32(2.9), "the caller's image stays as it is"


def test_the_same_input_gives_the_same_answer_twice():
    torch.manual_seed(0)
    model = model_of(CACNet(TINY))
    first, second = (predict(noise(40, 40, 40), model, CPU) for _ in range(2))
    assert np.array_equal(first.calcium, second.calcium)
    assert np.array_equal(first.coronary, second.coronary)


def test_progress_ends_at_one_and_may_cancel():
    seen = []

    def stop_half_way(stage, fraction):
        seen.append(fraction)
        if fraction >= 0.5:
            raise Cancelled("cancelled")

    image, model = noise(64, 32, 32), model_of(Constant(TINY))
    predict(image, model, CPU, progress=lambda stage, fraction: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    seen.clear()
    with pytest.raises(Cancelled):
        predict(image, model, CPU, progress=stop_half_way)
    assert seen[-1] < 1


def test_answers_come_in_the_order_of_the_items_whatever_finishes_first():
    gate = threading.Event()

    def compute(item):
        if item == 0:
            assert gate.wait(20)
        if item == 1:
            gate.set()  # the second is finished before the first
        return item * 10

    threads = torch.get_num_threads()
    assert list(in_order(compute, range(6), workers=2)) == [0, 10, 20, 30, 40, 50]
    assert torch.get_num_threads() == threads


def test_tiles_that_nobody_waits_for_any_more_are_not_computed():
    computed = []
    answers = in_order(lambda item: computed.append(item), range(100), workers=2)
    next(answers)
    answers.close()
    assert len(computed) < 10


def test_as_many_tiles_are_computed_at_a_time_as_there_are_threads_and_memory(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    gpu = Device("cuda", "float16", "GPU")
    assert inference._workers(CPU, None, 100) == 4
    assert inference._workers(CPU, 1000, 100) == 4
    assert inference._workers(CPU, 250, 100) == 3
    assert inference._workers(CPU, 0, 100) == 1
    assert inference._workers(gpu, None, 100) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_does_not_change_the_answer(monkeypatch, workers):
    torch.manual_seed(0)
    image, model = noise(48, 48, 48), model_of(CACNet(TINY))
    expected = predict(image, model, CPU)
    monkeypatch.setattr(inference, "_workers", lambda *about: workers)
    answer = predict(image, model, CPU)
    np.testing.assert_allclose(answer.calcium, expected.calcium, atol=1e-6)
    np.testing.assert_allclose(answer.coronary, expected.coronary, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_any_other_network_is_predicted_with_as_it_is(precision):
    class Other(torch.nn.Module):
        """Not ours, so it keeps its own layers, and weights in float32."""

        parameter_count, config = 55, TINY

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv3d(1, 2, 3, padding=1)

        def forward(self, image):
            assert image.dtype == self.layer.weight.dtype == torch.float32
            return self.layer(image)

    torch.manual_seed(0)
    network, image = Other(), noise(16, 16, 16)
    answer = predict(image, model_of(network, tile_voxels=16), Device("cpu", precision, "CPU"))
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.from_numpy(image)[None, None]))[0, 0].numpy()
    np.testing.assert_allclose(answer.calcium, expected, atol=0.01)


def test_out_of_memory_leads_to_smaller_tiles_and_says_so():
    Greedy.limit = 48
    answer = predict(noise(70, 70, 70), model_of(Greedy(TINY), tile_voxels=80), CPU)
    assert answer.tile_voxels == 48
    assert "80³" in answer.notes[0]
    assert "ran out of memory" in answer.notes[0]
    assert "48³" in answer.notes[-1]


def test_a_fit_leaves_no_notes():
    assert predict(noise(16, 16, 16), model_of(Constant(TINY)), CPU).notes == ()


@pytest.mark.parametrize("said", ["DefaultCPUAllocator: can't allocate memory", "can't start new thread"])
def test_half_precision_is_the_last_step_on_the_cpu(said):
    class OnlyHalf(CACNet):
        def forward(self, image):
            if image.dtype != torch.bfloat16:
                raise RuntimeError(said)
            return torch.zeros(1, 2, *image.shape[2:])

    answer = predict(noise(16, 16, 16), model_of(OnlyHalf(TINY)), CPU)
    assert answer.device.precision == "bfloat16"


def test_the_end_of_the_ladder_is_a_named_error():
    Greedy.limit = 0
    with pytest.raises(OutOfMemoryError, match="18 × 17 × 16 voxels") as caught:
        predict(noise(16, 17, 18), model_of(Greedy(TINY)), CPU)
    assert caught.value.exit_code == 3


def test_a_budget_is_kept_before_anything_is_computed():
    image, model = noise(96, 96, 96), model_of(Constant(TINY), tile_voxels=96)
    budget = estimate_bytes(image.shape, model, CPU, 64)
    answer = predict(image, model, CPU, memory_budget_bytes=budget)
    assert answer.tile_voxels == 64
    assert "needs" in answer.notes[0]
    with pytest.raises(OutOfMemoryError):
        predict(image, model, CPU, memory_budget_bytes=1)


def test_other_errors_of_the_network_are_not_swallowed():
    class Broken(CACNet):
        def forward(self, image):
            raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        predict(noise(16, 16, 16), model_of(Broken(TINY)), CPU)


def test_a_calcium_only_network_answers_no_coronary():
    torch.manual_seed(0)
    config = NetworkConfig(widths=TINY.widths, conditioner_width=2, classes=1)
    answer = predict(noise(16, 16, 16), model_of(CACNet(config)), CPU)
    assert answer.calcium.max() > 0
    assert answer.coronary.max() == 0


def test_auto_is_a_device_that_exists():
    assert choose_device("auto").name in {"cpu", "cuda", "mps"}
    assert choose_device("cpu").name == "cpu"


def test_a_missing_device_names_those_that_exist(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceUnavailableError, match=r"'cuda' is not available.*auto.*cpu"):
        choose_device("cuda")


@pytest.mark.parametrize(("capable", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_the_cpu_runs_in_bfloat16_where_it_can(monkeypatch, capable, precision):
    monkeypatch.setattr(inference, "_cpu_is_fast_in_bfloat16", lambda: capable)
    assert choose_device("cpu").precision == precision


@pytest.mark.parametrize(
    ("image", "settings"),
    [
        (np.zeros((4, 4)), {}),
        (np.zeros((4, 4, 0), np.float32), {}),
        (np.zeros((4, 4, 4), np.int16), {}),
        (np.full((4, 4, 4), np.nan, np.float32), {}),
        (np.zeros((4, 4, 4), np.float32), {"overlap": 0.9}),
        (np.zeros((4, 4, 4), np.float32), {"tile_voxels": 40}),
    ],
)
def test_unfit_input_is_named(image, settings):
    with pytest.raises(InferenceInputError):
        predict(image, model_of(Constant(TINY)), CPU, **settings)


@pytest.mark.parametrize(
    ("computer", "container", "free"), [(100, 30, 30), (100, None, 100), (None, None, None), (20, 30, 20)]
)
def test_the_tighter_limit_of_computer_and_container_counts(monkeypatch, computer, container, free):
    monkeypatch.setattr(inference, "_meminfo_available_bytes", lambda: computer)
    monkeypatch.setattr(inference, "_container_available_bytes", lambda: container)
    assert inference._free_bytes(CPU) == free


def test_free_memory_is_read_from_linux_where_it_tells():
    if not Path("/proc/meminfo").exists():
        pytest.skip("this system has no /proc/meminfo")
    assert inference._meminfo_available_bytes() > 1 << 20


@pytest.mark.gpu
def test_cuda_answers_as_the_cpu_does():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this computer")
    torch.manual_seed(0)
    model, image = model_of(CACNet(TINY)), noise(40, 40, 40)
    on_gpu, on_cpu = predict(image, model, choose_device("cuda")), predict(image, model, CPU)
    np.testing.assert_allclose(on_gpu.coronary, on_cpu.coronary, atol=0.02)


def test_a_graphics_processor_that_fails_leads_straight_to_the_cpu_and_says_so(monkeypatch):
    tried = []

    def predict_tiled(image, model, device, *settings):
        tried.append(device.name)
        if device.name == "cuda":
            raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nMore text.")
        return np.zeros((2, *image.shape), np.float32)

    monkeypatch.setattr(inference, "_predict_tiled", predict_tiled)
    monkeypatch.setattr(inference, "_free_bytes", lambda device: None)
    gpu = Device("cuda", "float32", "Old GPU, 2 GB")
    answer = predict(noise(16, 16, 16), model_of(Constant(TINY)), gpu)
    assert tried == ["cuda", "cpu"]
    assert answer.device.name == "cpu"
    assert answer.notes[0] == (
        "Old GPU, 2 GB failed (CUDA error: no kernel image is available for execution on the device)"
    )


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (RuntimeError("CUDA error: launch failure\nMore text."), "Old GPU failed (CUDA error: launch failure)"),
        (torch.OutOfMemoryError("CUDA out of memory"), "Old GPU ran out of memory"),
    ],
)
def test_what_an_accelerator_fails_at_is_done_on_the_cpu_and_that_is_said(error: RuntimeError, note: str) -> None:
    def compute(device: Device) -> str:
        if device.name != "cpu":
            raise error
        return device.name

    assert or_on_cpu(compute, Device("mps", "float32", "Old GPU")) == ("cpu", (note,))
    assert or_on_cpu(compute, choose_device("cpu")) == ("cpu", ())


@pytest.mark.parametrize(("name", "said"), [("cpu", "out of memory"), ("mps", "shapes do not fit")])
def test_an_error_that_is_not_the_accelerators_is_raised(name: str, said: str) -> None:
    def compute(device: Device) -> str:
        raise RuntimeError(said)

    with pytest.raises(RuntimeError, match=said):
        or_on_cpu(compute, Device(name, "float32", "hardware"))

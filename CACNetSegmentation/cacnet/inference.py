"""A network over a whole volume: overlapping tiles, blended; within a memory budget, with progress and cancelling."""

from __future__ import annotations

import copy
import math
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from cacnet.errors import CacnetError, OutOfMemoryError
from cacnet.network.arranged import arranged
from cacnet.network.cacnet import SIZE_MULTIPLE, CACNet
from cacnet.prepare import HU_RANGE, normalise_hu
from cacnet.progress import Progress, silent
from cacnet.tiling import tiles_of
from cacnet.weights import LoadedModel

Item = TypeVar("Item")
Answer = TypeVar("Answer")

STAGE = "network"
TILE_VOXELS = (160, 128, 112, 96, 80, 64, 48, 32)
"""Edges of cubic tiles, largest first; the memory ladder steps down through them."""

LIVE_COPIES = 6
"""How many times the largest feature map is alive at the network's peak: features, skip, upsampled, their sum and the
convolution's own scratch memory; measured with a margin, for tiles of 128 and 160 voxels in both precisions."""


class DeviceUnavailableError(CacnetError):
    """A device was asked for that this computer does not have."""


class InferenceInputError(CacnetError):
    """An image or setting that cannot be predicted on."""


@dataclass(frozen=True)
class Device:
    """Where and how to compute.

    Attributes:
        name: 'cpu', 'cuda' or 'mps'.
        precision: 'float32', 'bfloat16' or 'float16'; what convolutions run in.
        hardware: for people.
    """

    name: str
    precision: str
    hardware: str

    @property
    def description(self) -> str:
        """Hardware and precision, for reports."""
        return f"{self.hardware}, {self.precision}"


@dataclass(frozen=True)
class Probabilities:
    """What the network answers, on the image's grid.

    Attributes:
        calcium, coronary: float32 (z, y, x), 0 to 1; coronary is all zero for a network of one class.
        device: where it was computed in the end.
        tile_voxels: with which tiles in the end.
        notes: what had to be reduced to fit the memory, in words; empty if nothing.
    """

    calcium: np.ndarray
    coronary: np.ndarray
    device: Device
    tile_voxels: int
    notes: tuple[str, ...] = ()


def choose_device(name: str = "auto") -> Device:
    """The best device ('auto': CUDA, then Metal, then CPU), or the one named; raises DeviceUnavailableError."""
    available = {device.name: device for device in available_devices()}
    if name == "auto":
        return next(iter(available.values()))
    if name not in available:
        raise DeviceUnavailableError(
            found=f"the device '{name}' is not available",
            expected=f"one of auto, {', '.join(available)}",
            action="Choose 'auto' to use the fastest device of this computer",
        )
    return available[name]


def predict(
    image_zyx: np.ndarray,
    model: LoadedModel,
    device: Device,
    *,
    overlap: float = 0.25,
    tile_voxels: int | None = None,
    memory_budget_bytes: int | None = None,
    progress: Progress = silent,
) -> Probabilities:
    """Calcium and coronary probabilities of a normalised image (z, y, x) of any size.

    Args:
        image_zyx: float32, from cacnet.prepare.normalise_hu, on the model's grid.
        overlap: fraction of a tile shared with its neighbour, 0 to 0.75.
        tile_voxels: largest tile edge to use, a multiple of 16; default: what the model was trained on.
        memory_budget_bytes: what may be used; default: what the device has free.
        progress: called after every tile; may raise Cancelled.

    Tiles without tissue (everything at the image's minimum) are skipped and answer 0. When memory runs out, smaller
    tiles, then half precision, then the CPU are tried; when the graphics processor itself fails (a driver or a card
    that this PyTorch does not support), the CPU; `notes` of the result say so. Raises InferenceInputError,
    DeviceUnavailableError, OutOfMemoryError, and whatever `progress` raises.
    """
    _check_input(image_zyx, overlap, tile_voxels)
    largest = tile_voxels or model.card.input.tile_voxels
    notes: list[str] = []
    failed: set[str] = set()
    for rung, (where, tile) in enumerate(_ladder(device, largest)):
        if where.name in failed:
            continue
        budget = _free_bytes(where) if memory_budget_bytes is None else memory_budget_bytes
        needed = estimate_bytes(image_zyx.shape, model, where, tile)
        if budget is not None and needed > budget:
            notes.append(f"{_rung(where, tile)} needs {needed >> 20} MB, {budget >> 20} MB are free")
            continue
        workers = _workers(where, None if budget is None else budget - needed, _tile_bytes(model, where, tile))
        try:
            maps = _predict_tiled(image_zyx, model, where, tile, overlap, workers, progress)
        except (MemoryError, RuntimeError) as error:
            if _is_out_of_memory(error):
                notes.append(f"{_rung(where, tile)} ran out of memory")
                _release(where)
            elif where.name != "cpu" and _is_device_failure(error):
                notes.append(f"{where.hardware} failed ({_first_line(error)})")
                failed.add(where.name)
            else:
                raise
            continue
        taken = [*notes, f"computed with {_rung(where, tile)} instead"] if rung else []
        return Probabilities(maps[0], maps[1], where, tile, tuple(taken))
    size = " × ".join(map(str, image_zyx.shape[::-1]))
    raise OutOfMemoryError(
        found=f"the volume of {size} voxels does not fit into memory ({notes[-1]})",
        expected="enough memory for the smallest tiles",
        action="Close other programs, or crop the volume to the heart",
    )


def or_on_cpu(compute: Callable[[Device], Answer], device: Device) -> tuple[Answer, tuple[str, ...]]:
    """`compute(device)`, or `compute` on the CPU where an accelerator fails, and in words what failed.

    It is for what is small beside CAC-Net, which fits the CPU's memory if CAC-Net did.
    """
    try:
        return compute(device), ()
    except (MemoryError, RuntimeError) as error:
        note = failure_of(device, error)
        if note is None:
            raise
        if _is_out_of_memory(error):  # a card that has failed cannot be asked for anything
            _release(device)
    return compute(choose_device("cpu")), (note,)


def failure_of(device: Device, error: BaseException) -> str | None:
    """How an accelerator failed, in words; None where it is not the accelerator that did."""
    if device.name == "cpu":
        return None
    if _is_out_of_memory(error):
        return f"{device.hardware} ran out of memory"
    return f"{device.hardware} failed ({_first_line(error)})" if _is_device_failure(error) else None


def estimate_bytes(shape_zyx: tuple[int, ...], model: LoadedModel, device: Device, tile_voxels: int) -> int:
    """Memory that `predict` takes beyond its input: result and padded image, weights, and one tile's activations."""
    shape = _padded_shape(shape_zyx, tile_voxels)
    maps = 4 * math.prod(shape) * 3
    weights = 4 * model.network.parameter_count
    # On an accelerator the maps stay in the main memory, which is the larger one.
    return weights + _tile_bytes(model, device, tile_voxels) + (maps if device.name == "cpu" else 0)


def _tile_bytes(model: LoadedModel, device: Device, tile_voxels: int) -> int:
    """Memory that the activations of one tile take."""
    item_bytes = 4 if device.precision == "float32" else 2
    widest = max(width / 8**scale for scale, width in enumerate(model.network.config.widths))
    return int(LIVE_COPIES * widest * item_bytes * tile_voxels**3)


def _predict_tiled(
    image: np.ndarray, model: LoadedModel, device: Device, tile: int, overlap: float, workers: int, progress: Progress
) -> np.ndarray:
    background = float(image.min())
    highest_hu = model.card.input.hu_range[1]
    if highest_hu < HU_RANGE[1]:  # it was not trained on anything brighter
        image = np.minimum(image, normalise_hu(np.array(highest_hu)))
    shape = _padded_shape(image.shape, tile)
    padding = [(0, padded - side) for padded, side in zip(shape, image.shape, strict=True)]
    padded = np.pad(image, padding, constant_values=background) if shape != image.shape else image
    network = _placed(model, device)
    tiles = tiles_of(shape, tile, overlap)
    seen = [one for one in tiles if padded[one.window].max() > background]
    maps = np.zeros((model.network.config.classes, *shape), np.float32)
    progress(STAGE, (len(tiles) - len(seen)) / len(tiles))
    answers = in_order(lambda one: _predict_tile(padded[one.window], one.weight, network, device), seen, workers)
    with closing(answers):
        for done, (one, answer) in enumerate(zip(seen, answers, strict=True), start=1 + len(tiles) - len(seen)):
            maps[(slice(None), *one.window)] += answer
            progress(STAGE, done / len(tiles))
    maps = np.minimum(maps, 1, out=maps)[:, : image.shape[0], : image.shape[1], : image.shape[2]]
    return maps if len(maps) == 2 else np.concatenate([maps, np.zeros_like(maps)])


def _predict_tile(tile_zyx: np.ndarray, weight_zyx: np.ndarray, network: torch.nn.Module, device: Device) -> np.ndarray:
    """Probabilities of one tile times `weight_zyx`, (classes, z, y, x) float32."""
    image = torch.from_numpy(np.ascontiguousarray(tile_zyx, np.float32))[None, None]
    with torch.inference_mode():
        if _is_arranged(network, device):
            logits = network(image.to(getattr(torch, device.precision)))
        else:
            with precision_context(device):
                logits = network(image.to(device.name).contiguous(memory_format=torch.channels_last_3d))
        # Contiguous first: what follows reads each class in one go.
        probability = logits[0].contiguous().float().sigmoid_()
        return probability.mul_(torch.from_numpy(weight_zyx).to(device.name)).cpu().numpy()


def _workers(device: Device, spare_bytes: int | None, tile_bytes: int) -> int:
    """How many tiles to compute at a time: on the CPU one for each thread, as long as they fit.

    A tile on one thread never waits for another thread, of which a network of many small steps does a lot.
    """
    if device.name != "cpu":
        return 1
    threads = torch.get_num_threads()
    return threads if spare_bytes is None else max(1, min(threads, 1 + spare_bytes // tile_bytes))


def in_order(compute: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Generator[Answer, None, None]:
    """`compute` of every item, on `workers` threads, answered in the items' order; torch's threads are shared out."""
    if workers == 1:
        yield from map(compute, items)
        return
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "tile", torch.set_num_threads, (max(1, threads // workers),))
    try:
        waiting: deque[Future[Answer]] = deque()
        for item in items:
            waiting.append(pool.submit(compute, item))
            if len(waiting) > workers:  # no more: each answer that waits takes memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def precision_context(device: Device) -> torch.autocast:
    """Autocast to the device's precision; off for float32."""
    precision = getattr(torch, device.precision)
    if precision == torch.float32:
        return torch.autocast(device.name, enabled=False)
    return torch.autocast(device.name, dtype=precision)


def _is_arranged(network: torch.nn.Module, device: Device) -> bool:
    """Whether the network runs in its arrangement for processors; comparisons predict with other networks as well."""
    return device.name == "cpu" and isinstance(network, CACNet)


def _placed(model: LoadedModel, device: Device) -> torch.nn.Module:
    network = model.network.eval()
    if _is_arranged(network, device):
        return arranged(network, getattr(torch, device.precision))
    if device.name != next(network.parameters()).device.type:
        network = copy.deepcopy(network).to(device.name)  # the caller's network stays where it is
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def _ladder(device: Device, largest: int) -> Iterator[tuple[Device, int]]:
    """What to try, best first: smaller tiles, then half precision with the smallest one, then the CPU."""
    tiles = [largest, *(tile for tile in TILE_VOXELS if tile < largest)]
    yield from ((device, tile) for tile in tiles)
    half = {"cpu": "bfloat16", "cuda": "float16", "mps": "float16"}[device.name]
    if device.precision == "float32":
        yield replace(device, precision=half), tiles[-1]
    if device.name != "cpu":
        yield from ((choose_device("cpu"), tile) for tile in tiles)


def available_devices() -> Iterator[Device]:
    """What this computer has, the fastest first."""
    if torch.cuda.is_available():
        precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        memory_gib = torch.cuda.get_device_properties(0).total_memory / (1 << 30)
        yield Device("cuda", precision, f"{torch.cuda.get_device_name()}, {memory_gib:.0f} GB")
    if torch.backends.mps.is_available():
        yield Device("mps", "float32", "Apple GPU")
    precision = "bfloat16" if _cpu_is_fast_in_bfloat16() else "float32"
    yield Device("cpu", precision, f"CPU, {torch.get_num_threads()} threads")


def _cpu_is_fast_in_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 itself; elsewhere bfloat16 is emulated, and slower than float32."""
    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is not None:
        capabilities = ask()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # before torch 2.11
    return bool(ask()) if ask is not None else False


def _free_bytes(device: Device) -> int | None:
    if device.name == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    limits = [_meminfo_available_bytes(), _container_available_bytes()]
    # Windows and macOS do not tell; there the ladder steps down only when memory has run out.
    return min((limit for limit in limits if limit is not None), default=None)


def _meminfo_available_bytes() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return 1024 * int(found.group(1)) if found else None


def _container_available_bytes() -> int | None:
    """What a container's limit leaves (cgroup v2), None without one."""
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text("ascii")) - int((folder / "memory.current").read_text("ascii"))
    except (OSError, ValueError):  # no container, or the limit is the word "max"
        return None


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        phrase in said
        for phrase in ("out of memory", "not enough memory", "can't allocate memory", "can't start new thread")
    )


def _is_device_failure(error: BaseException) -> bool:
    """Whether an accelerator, its driver or its libraries gave up, rather than the network."""
    said = str(error).lower()
    return any(
        phrase in said for phrase in ("cuda error", "cuda driver", "cudnn", "cublas", "mps backend", "hip error")
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _release(device: Device) -> None:
    if device.name == "cuda":
        torch.cuda.empty_cache()


def _rung(device: Device, tile: int) -> str:
    return f"tiles of {tile}³ in {device.precision} on {device.name}"


def _padded_shape(shape_zyx: tuple[int, ...], tile: int) -> tuple[int, int, int]:
    z, y, x = (max(side, tile) for side in shape_zyx)
    return z, y, x


def _check_input(image: np.ndarray, overlap: float, tile_voxels: int | None) -> None:
    if image.ndim != 3 or min(image.shape) < 1 or image.dtype.kind != "f":
        raise InferenceInputError(
            f"an image of shape {image.shape} and type {image.dtype}", "(z, y, x), floating point"
        )
    if not np.isfinite(image).all():
        raise InferenceInputError("an image with values that are not finite", "normalised Hounsfield units")
    if not 0 <= overlap <= 0.75:
        raise InferenceInputError(f"an overlap of {overlap}", "0 to 0.75 of a tile")
    if tile_voxels is not None and (tile_voxels < SIZE_MULTIPLE or tile_voxels % SIZE_MULTIPLE):
        raise InferenceInputError(f"tiles of {tile_voxels} voxels", f"a multiple of {SIZE_MULTIPLE}")

"""Memory that runs out, and graphics processors that fail: a smaller step where there is one, else a sentence."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from cacnet.worker import is_out_of_memory

from trust import children, scenes, whole
from trust.children import Say
from trust.table import Trial

MB = 1 << 20
CUDA_ERRORS = (
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: no kernel image is available for execution on the device",
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
    "CUBLAS_STATUS_ALLOC_FAILED: cublas call failed",
)


def exhaust_all(folder: Path, long: bool) -> list[Trial]:
    """Less and less memory, and every error of a graphics processor."""
    rooms = (2, 8, 16, 32, 64, 96, 128, 256, 512, 1024) if long else (8, 64)
    return [starve(folder, rooms), fail_graphics_processor(folder)]


def starve(folder: Path, rooms_mb: tuple[int, ...]) -> Trial:
    """A segmentation whose process may take so much more memory than it has."""
    trial = Trial("out of memory: segmentation")
    scene = scenes.segmentation(folder)
    for room in rooms_mb:

        def work(say: Say, room: int = room) -> None:
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
            limit = pages * resource.getpagesize() + room * MB
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            try:
                scene.work(say)
            except (MemoryError, RuntimeError) as error:
                if is_out_of_memory(error):
                    os._exit(3)  # as the worker's and the command line's `main` make of it
                raise

        ended = children.finish(work, folder)
        trial.ended[{0: "done", 2: "a sentence", 3: "out of memory"}.get(ended.code, f"code {ended.code}")] += 1
        if ended.code not in (0, 3):
            trial.lost.append(f"{room} MB: code {ended.code}: {ended.stderr.strip()[-400:]}")
        trial.lost += children.asked(lambda: [*scene.wrong(), *whole.leftovers(scene.output)], folder)
    return trial


def fail_graphics_processor(folder: Path) -> Trial:
    """A device that raises: the CPU takes over, and the notes say so."""
    trial = Trial("errors of a graphics processor")
    bundle = scenes.tiny_bundle(folder)
    for message in CUDA_ERRORS:

        def work(say: Say, message: str = message) -> None:
            import numpy as np
            from cacnet import inference
            from cacnet.weights import load_bundle

            real = inference._predict_tiled

            def failing(image, model, device, *rest):  # type: ignore[no-untyped-def]
                if device.name == "cuda":
                    raise RuntimeError(message)
                return real(image, model, device, *rest)

            inference._predict_tiled, inference._free_bytes = failing, lambda device: None
            inference._release = lambda device: None
            image = np.random.default_rng(0).random((32, 32, 32), np.float32)
            made = inference.predict(image, load_bundle(str(bundle)), inference.Device("cuda", "float32", "Broken"))
            if made.device.name != "cpu" or not made.notes:
                raise RuntimeError(f"computed on {made.device} with the notes {made.notes}")

        ended = children.finish(work, folder)
        trial.ended["done on the CPU" if ended.code == 0 else f"code {ended.code}"] += 1
        if ended.code:
            trial.lost.append(f"'{message}': {ended.stderr.strip()[-400:]}")
    return trial

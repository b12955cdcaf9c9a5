"""What a scan costs: our chain beside MONAI's and nnU-Net's way of applying a network, and beside the least possible.

python Testing/Benchmark/speed.py CT [--model ID] [--runs 3] [--curve] [--output FILE.md]

Every contender runs in a process of its own, one after another, `--runs` times in turn, so that a busy machine treats
all alike; medians and ratios to ours are printed. MONAI gets our network, grid, precision and overlap, and the usual
way around it: the whole scan resampled, every tile computed, probabilities brought back densely. nnU-Net's predictor
gets its default full-resolution network for the scan's grid with random weights, for only time and memory count; it
takes so long on a CPU that some tiles are timed and the rest is multiplied, which is said. The floor is what our
network's multiplications take at the speed that this machine's convolutions reach at best. `--curve` adds our chain on
scans of other sizes and lesion numbers. Needs `pip install -e '.[benchmark]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OVERLAP = 0.25
NNUNET_PATCH = (128, 128, 128)
NNUNET_TILES_TIMED = 2
CONTENDERS = ("cacnet", "monai", "nnunet", "floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ct", type=Path)
    parser.add_argument("--model", default=None, help="id or path of a bundle; default: the bundled one")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--output", type=Path, default=None, help="also write what is printed to this file")
    parser.add_argument("--child", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options.child, options.ct, options.model)
        return
    lines = [f"{machine()}. {describe(options.ct)}. Medians of {options.runs} runs.", ""]
    runs = [
        {name: measure(name, options.ct, options.model) for name in options.contenders} for _ in range(options.runs)
    ]
    lines += comparison(runs, options.contenders)
    if options.curve:
        lines += ["", *curve(options.ct, options.model)]
    text = "\n".join(lines)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def measure(name: str, ct: Path, model: str | None) -> dict[str, Any]:
    """One contender in a process of its own: its own figures, wall time and peak memory."""
    command = [sys.executable, __file__, str(ct), "--child", name, *(["--model", model] if model else [])]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    return {"process_s": time.perf_counter() - start, **figures}


def run_child(name: str, ct: Path, model: str | None) -> None:
    figures = {"cacnet": our_chain, "monai": monai_way, "nnunet": nnunet_way, "floor": floor}[name](ct, model)
    figures["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps(figures))


def bundle(model: str | None) -> Any:
    from cacnet.pipeline import DEFAULT_MODEL
    from cacnet.weights import load_bundle

    return load_bundle(model or DEFAULT_MODEL)


def our_chain(ct: Path, model: str | None) -> dict[str, Any]:
    """`cacnet segment`, pictures and files included; `network_s` is the network alone."""
    from cacnet.freed_memory import keep_freed_memory
    from cacnet.processors import share_processors

    share_processors()  # as the command does, before torch is there
    keep_freed_memory()
    from cacnet.outputs import write_result
    from cacnet.pipeline import DEFAULT_MODEL, Request, segment

    start = time.perf_counter()
    result = segment(Request(ct, model or DEFAULT_MODEL))
    scored = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as output:
        write_result(Path(output), result)
    stages = dict(result.scores.timing_s)
    after = sum(stages[name] for name in ("label", "score"))
    whole = time.perf_counter() - start
    return {
        "whole_s": whole,
        "to_table_s": scored,
        "network_s": stages["network"],
        "after_network_s": after,
        "stages": {**stages, "write": whole - scored},
        "lesions": len(result.scores.lesions.lesions),
    }


def monai_way(ct: Path, model: str | None) -> dict[str, Any]:
    """Our network by MONAI's sliding window, on the whole scan at the model's spacing, and densely back."""
    import numpy as np
    import SimpleITK as sitk
    import torch
    from cacnet.inference import choose_device, precision_context
    from cacnet.postprocessing import clean
    from cacnet.prepare import MODEL_SPACING_MM, normalise_hu, to_model_grid
    from cacnet.reading import read_ct
    from cacnet.resampling import resampled
    from cacnet.volume import Geometry
    from monai.inferers import sliding_window_inference

    loaded = bundle(model)
    device = choose_device("auto")
    start = time.perf_counter()
    volume = read_ct(ct)
    shape = tuple(round(extent / MODEL_SPACING_MM) for extent in volume.geometry.extent_mm_zyx)
    lower, _ = volume.geometry.bounds_mm_lps
    grid = Geometry(shape, (MODEL_SPACING_MM,) * 3, tuple(lower + MODEL_SPACING_MM / 2))
    image = torch.from_numpy(normalise_hu(to_model_grid(volume, grid)))[None, None].to(device.name)
    tile = loaded.card.input.tile_voxels
    began = time.perf_counter()
    with torch.inference_mode(), precision_context(device):
        network = loaded.network.eval().to(device.name)
        logits = sliding_window_inference(image, (tile,) * 3, 1, network, overlap=OVERLAP, mode="gaussian")
        maps = torch.sigmoid(logits.float())[0].cpu().numpy()
    network_s = time.perf_counter() - began
    calcium, coronary = (resampled(m, grid, volume.geometry, sitk.sitkLinear, 0.0) for m in maps)
    masks = clean(calcium, coronary, volume.geometry)
    whole = time.perf_counter() - start
    return {"whole_s": whole, "network_s": network_s, "voxels": int(np.prod(shape)), "found": len(masks[0].index)}


def nnunet_way(ct: Path, model: str | None) -> dict[str, Any]:
    """nnU-Net's predictor (its tiles, Gaussian and mirroring are its defaults) on the scan's own grid."""
    import itertools

    import torch
    from cacnet.reading import read_ct
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from nnunetv2.experiment_planning.experiment_planners.network_topology import get_pool_and_conv_props
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    start = time.perf_counter()
    volume = read_ct(ct)
    _, strides, kernels, patch, _ = get_pool_and_conv_props(volume.geometry.spacing_mm_zyx, NNUNET_PATCH, 4, 999999)
    stages = len(strides)
    network = PlainConvUNet(
        input_channels=1,
        n_stages=stages,
        features_per_stage=[min(32 * 2**i, 320) for i in range(stages)],
        conv_op=torch.nn.Conv3d,
        kernel_sizes=kernels,
        strides=strides,
        num_classes=3,
        conv_bias=True,
        n_conv_per_stage=[2] * stages,
        n_conv_per_stage_decoder=[2] * (stages - 1),
        norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    ).eval()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sys.stdout, stdout = sys.stderr, sys.stdout  # it prints
    predictor = nnUNetPredictor(device=device, allow_tqdm=False)
    sys.stdout = stdout
    predictor.network, predictor.allowed_mirroring_axes = network.to(device), (0, 1, 2)
    predictor.configuration_manager = type("Configuration", (), {"patch_size": tuple(patch)})()
    tiles = predictor._internal_get_sliding_window_slicers(volume.geometry.shape_zyx)
    prepared = time.perf_counter() - start
    timed = list(itertools.islice(tiles, NNUNET_TILES_TIMED)) if device.type == "cpu" else list(tiles)
    image = torch.zeros(1, 1, *patch, device=device)
    began = time.perf_counter()
    with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
        for _ in timed:
            predictor._internal_maybe_mirror_and_predict(image)
    if device.type == "cuda":
        torch.cuda.synchronize()
    network_s = (time.perf_counter() - began) * len(tiles) / len(timed)
    return {"whole_s": prepared + network_s, "network_s": network_s, "tiles": len(tiles), "timed": len(timed)}


def floor(ct: Path, model: str | None) -> dict[str, Any]:
    """Multiplications of our network over the tiles that it must visit, at this machine's best convolution speed."""
    import torch
    from cacnet.inference import choose_device, precision_context
    from cacnet.prepare import prepare
    from cacnet.reading import read_ct
    from cacnet.tiling import tiles_of
    from torch.utils.flop_counter import FlopCounterMode

    loaded, device = bundle(model), choose_device("auto")
    tile = loaded.card.input.tile_voxels
    hu = prepare(read_ct(ct)).hu
    z, y, x = (max(side, tile) for side in hu.shape)
    visited = [one for one in tiles_of((z, y, x), tile, OVERLAP) if hu[one.window].max() > hu.min()]
    voxels = len(visited) * tile**3
    network = loaded.network.eval().to(device.name)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, tile, tile, tile, device=device.name))
    flops = counter.get_total_flops() / tile**3 * voxels
    peak = 0.0
    for channels in (64, 128, 256):
        convolution = torch.nn.Conv3d(channels, channels, 3, padding=1).eval().to(device.name)
        convolution = convolution.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        image = torch.zeros(1, channels, 32, 32, 32, device=device.name).to(memory_format=torch.channels_last_3d)
        work = 2 * 27 * channels**2 * 32**3
        with torch.inference_mode(), precision_context(device):
            convolution(image)
            for _ in range(5):
                begin = time.perf_counter()
                convolution(image)
                if device.name == "cuda":
                    torch.cuda.synchronize()
                peak = max(peak, work / (time.perf_counter() - begin))
    return {"network_s": flops / peak, "tflop": flops / 1e12, "peak_tflop_s": peak / 1e12, "voxels": voxels}


def comparison(runs: list[dict[str, dict[str, Any]]], names: list[str]) -> list[str]:
    titles = {
        "cacnet": "ours, whole chain with files",
        "monai": "MONAI sliding window, masks only",
        "nnunet": "nnU-Net's predictor, logits only",
        "floor": "floor: multiplications at peak speed",
    }

    def median(name: str, figure: str) -> float | None:
        values = [run[name][figure] for run in runs if run[name].get(figure) is not None]
        return statistics.median(values) if values else None

    ours = {figure: median("cacnet", figure) for figure in ("whole_s", "network_s")} if "cacnet" in names else {}
    lines = ["| | Whole, s | ÷ ours | Network, s | ÷ ours | Peak memory, GB |", "|---|---|---|---|---|---|"]
    for name in names:
        cells = [titles[name]]
        for figure in ("whole_s", "network_s"):
            value, mine = median(name, figure), ours.get(figure)
            cells += ["" if value is None else f"{value:.1f}", f"{value / mine:.2f}" if value and mine else ""]
        cells.append("" if name == "floor" else f"{median(name, 'peak_gb'):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    if "cacnet" in names:
        stages = runs[0]["cacnet"]["stages"]
        each = [f"{s} {statistics.median(r['cacnet']['stages'][s] for r in runs):.2f}" for s in stages]
        lines += ["", f"Our stages, s: {', '.join(each)}; to the lesion table {median('cacnet', 'to_table_s'):.1f}."]
    if "nnunet" in names and runs[0]["nnunet"]["timed"] < runs[0]["nnunet"]["tiles"]:
        one = runs[0]["nnunet"]
        how = f"{one['timed']} of {one['tiles']} tiles timed (8 mirrored passes each), the rest multiplied"
        lines += ["", f"nnU-Net: {how}."]
    if "floor" in names:
        one = runs[0]["floor"]
        peak = max(run["floor"]["peak_tflop_s"] for run in runs)
        work = f"{one['tflop']:.2f} TFLOP over {one['voxels'] / 1e6:.1f} million voxels"
        lines += ["", f"Floor: {work}, peak {peak:.2f} TFLOP/s."]
    return lines


def curve(ct: Path, model: str | None) -> list[str]:
    """Our chain on the scan resampled to other sizes of the same extent."""
    import SimpleITK as sitk
    from cacnet.reading import read_ct
    from cacnet.volume import to_sitk

    volume = read_ct(ct)
    image = to_sitk(volume.hu, volume.geometry)
    lines = ["| Voxels | Million | Read | Prepare | Network | Label, score | Write | Whole, s | Peak, GB | Lesions |"]
    lines.append("|" + "---|" * 10)
    for size in ((256, 256, 200), (512, 512, 400), (768, 768, 800)):
        spacing = [e * s / n for e, s, n in zip(image.GetSize(), image.GetSpacing(), size, strict=True)]
        resized = sitk.Resample(
            *(image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing, image.GetDirection(), -1024)
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ct.nrrd"
            sitk.WriteImage(sitk.Cast(resized, sitk.sitkInt16), str(path))
            one = measure("cacnet", path, model)
        stages = one["stages"]
        cells = [" × ".join(map(str, size)), f"{size[0] * size[1] * size[2] / 1e6:.0f}"]
        cells += [f"{stages['read'] + stages['check']:.1f}", f"{stages['prepare']:.1f}", f"{stages['network']:.1f}"]
        cells += [f"{one['after_network_s']:.1f}", f"{stages['write']:.1f}", f"{one['whole_s']:.1f}"]
        cells += [f"{one['peak_gb']:.2f}", str(one["lesions"])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def machine() -> str:
    import torch
    from cacnet.inference import choose_device

    device = choose_device("auto").description
    return f"{device}, {os.cpu_count()} CPUs; Python {platform.python_version()}, torch {torch.__version__}"


def describe(ct: Path) -> str:
    from cacnet.reading import read_ct

    return f"{ct.name}: {read_ct(ct).geometry.describe().split(' at ')[0]}"


if __name__ == "__main__":
    main()

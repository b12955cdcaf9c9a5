"""Every number that shapes a training run, in one place; a run stores its own beside its checkpoint."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cacnet.errors import CacnetError
from cacnet.network import LossConfig, NetworkConfig, NetworkConfigError
from cacnet.plain_json import parse_json


class TrainingConfigError(CacnetError):
    """A training configuration with an unknown name or an impossible value."""


def _require(holds: bool, found: str, expected: str) -> None:
    if not holds:
        raise TrainingConfigError(found, expected, "Correct the training configuration")


Range = tuple[float, float]


@dataclass(frozen=True)
class SamplingConfig:
    """Where patches are centred.

    Attributes:
        calcium, vessel, distractor, mined, anywhere: relative shares. Calcium is chosen by lesion, so that a speck is
            seen as often as a long plaque; 'mined' is where the network lately saw calcium, or an artery, that is
            none.
        mix: relative shares of the folders of cases, in their order; empty: every case counts the same.
        rescan_patches: after how many patches a worker looks for new cases in the folders.
    """

    calcium: float = 0.5
    vessel: float = 0.25
    distractor: float = 0.1
    mined: float = 0.1
    anywhere: float = 0.05
    mix: tuple[float, ...] = ()
    rescan_patches: int = 200


@dataclass(frozen=True)
class AugmentationConfig:
    """How patches are varied; every change has a probability, and a range that its strength is drawn from.

    Attributes:
        enabled: vary patches at all.
        flip: probability of mirroring each axis.
        affine: probability of turning by up to `rotation_deg` about every axis and zooming every axis by itself.
        zoom: factor of size.
        table_step: the part above some slice moved within the slices by up to `table_step_mm`, as between two
            heartbeats of a step-and-shoot scan.
        cut: the scan ends within the patch, which beyond is empty, by up to `cut_fraction` of the edge.
        intensity: gain (tube voltage, iodine), offset (calibration) and gamma (a bend between tissue and contrast).
        shading: a smooth field of up to `shading_hu` is added (beam hardening, scatter).
        blur, sharpen: smooth and edge-enhancing kernels; `blur_voxels` is the Gaussian's standard deviation.
        thick_slices: factor of slice thickness.
        noise: white or correlated between neighbours; `noise_hu` is its standard deviation.
    """

    enabled: bool = True
    flip: float = 0.5
    affine: float = 0.3
    rotation_deg: float = 15.0
    zoom: Range = (0.85, 1.18)
    table_step: float = 0.1
    table_step_mm: float = 1.5
    cut: float = 0.08
    cut_fraction: float = 0.4
    intensity: float = 0.8
    gain: Range = (0.82, 1.2)
    offset_hu: Range = (-40.0, 40.0)
    gamma: Range = (0.8, 1.25)
    shading: float = 0.15
    shading_hu: float = 30.0
    blur: float = 0.25
    blur_voxels: Range = (0.3, 1.0)
    sharpen: float = 0.2
    sharpening: Range = (0.3, 1.5)
    thick_slices: float = 0.15
    slice_factor: Range = (1.5, 3.0)
    noise: float = 0.4
    noise_hu: Range = (5.0, 45.0)


@dataclass(frozen=True)
class TrainingConfig:
    """A training run.

    Attributes:
        optimiser: 'sgd' (momentum 0.9) or 'adamw'.
        schedule: 'plateau' (ReduceLROnPlateau on the mean loss of an epoch), 'cosine' or 'linear', both to 1% of the
            learning rate at `total_steps`.
        warmup_steps: steps from 0 to the learning rate ('cosine' and 'linear').
        steps_per_epoch: what one epoch is, for the plateau schedule.
        batch: patches a step, over all processes together.
        patch_voxels: edge of the cubic patches, a multiple of 16.
        gradient_limit: largest norm of the gradient; 0 for no limit.
        ema_decay: decay of the running average of the weights, which is what is validated and exported; 0 for none.
        precision: 'auto' (what the device is fast in), 'float32' or 'bfloat16'.
        mine_steps: steps between minings of one training case for false positives (mining.py); 0 for none.
        mine_at_start: mine every training case before the first step: worth its time where a trained model is trained
            further.
        workers: processes that prepare patches, for each GPU; 0 prepares them in between steps.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    schedule: str = "cosine"
    warmup_steps: int = 200
    total_steps: int = 20000
    steps_per_epoch: int = 100
    batch: int = 2
    patch_voxels: int = 96
    gradient_limit: float = 5.0
    ema_decay: float = 0.999
    precision: str = "auto"
    seed: int = 0
    workers: int = 1
    checkpoint_minutes: float = 3.0
    log_steps: int = 20
    validate_steps: int = 1000
    validation_cases: int = 3
    mine_steps: int = 500
    mine_at_start: bool = False

    def __post_init__(self) -> None:
        _require(self.optimiser in ("sgd", "adamw"), f"the optimiser '{self.optimiser}'", "sgd or adamw")
        _require(
            self.schedule in ("plateau", "cosine", "linear"),
            f"the schedule '{self.schedule}'",
            "plateau, cosine or linear",
        )
        _require(
            self.precision in ("auto", "float32", "bfloat16"), f"the precision '{self.precision}'", "auto, float32 …"
        )
        _require(
            self.patch_voxels >= 16 and self.patch_voxels % 16 == 0,
            f"patches of {self.patch_voxels} voxels",
            "a multiple of 16",
        )
        for name in ("learning_rate", "total_steps", "batch", "steps_per_epoch", "log_steps", "validate_steps"):
            _require(getattr(self, name) > 0, f"{name} = {getattr(self, name)}", "more than 0")
        _require(
            all(share >= 0 for share in self.sampling.mix) and (not self.sampling.mix or sum(self.sampling.mix) > 0),
            f"sampling.mix = {self.sampling.mix}",
            "shares of at least 0, not all 0",
        )
        _require(0 <= self.ema_decay < 1, f"ema_decay = {self.ema_decay}", "at least 0 and below 1")


PRESETS: Mapping[str, TrainingConfig] = {
    # CAC-Net as published; λ and class weights are not given there and are 1, an epoch is 100 steps. No variation of
    # the patches is given.
    "paper": TrainingConfig(
        network=NetworkConfig(norm="instance", token_scales=5),
        loss=LossConfig(positive_weights=(1.0, 1.0)),
        optimiser="sgd",
        learning_rate=0.01,
        weight_decay=2e-4,
        schedule="plateau",
        patch_voxels=128,
        total_steps=120 * 100,
        steps_per_epoch=100,
        gradient_limit=0.0,
        ema_decay=0.0,
        precision="float32",
        mine_steps=0,
        sampling=SamplingConfig(mined=0.0),
        augmentation=AugmentationConfig(enabled=False),
    ),
    # What trains the bundled weights: the same network and loss, made for a compact budget on a CPU. Eight channels at
    # full resolution instead of sixteen save a quarter of every step.
    "bundled": TrainingConfig(
        network=NetworkConfig(widths=(8, 32, 64, 128, 256)),
        # Weights of 10 and 2 doubled the volume of arteries and calcium at step 2000; with fewer patches from anywhere,
        # bone at the edge was taken for arteries.
        loss=LossConfig(positive_weights=(3.0, 1.0), hardest_fraction=0.05),
        sampling=SamplingConfig(calcium=0.36, vessel=0.22, distractor=0.2, anywhere=0.22),
    ),
    # Further training of a trained model on a clinic's own cases: a tenth of the rate, so that what was learned from
    # simulation is not forgotten, and few steps: a night on a CPU, an hour on a GPU. The network is that of the model.
    "clinic": TrainingConfig(
        network=NetworkConfig(widths=(8, 32, 64, 128, 256)),
        loss=LossConfig(positive_weights=(3.0, 1.0), hardest_fraction=0.05),
        sampling=SamplingConfig(calcium=0.4, vessel=0.2, distractor=0.2, anywhere=0.2, rescan_patches=400),
        learning_rate=2e-4,
        warmup_steps=100,
        total_steps=3000,
        ema_decay=0.998,
        validate_steps=500,
        mine_steps=250,
    ),
}


def load_config(path: Path | str) -> TrainingConfig:
    """A configuration from a .json or .toml file: `preset` (default 'bundled') and whatever differs from it.

    Raises TrainingConfigError.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
        raw = tomllib.loads(text) if path.suffix == ".toml" else parse_json(text)
    except (OSError, ValueError, RecursionError) as error:  # tomllib recurses into nested arrays
        raise TrainingConfigError(f"{path.name} cannot be read ({error})", "a JSON or TOML file") from error
    _require(isinstance(raw, dict), f"{path.name} holds no table", "names and values")
    return config_from(raw)


def config_from(raw: Mapping[str, Any]) -> TrainingConfig:
    """A configuration from nested names and values, such as `config_record` gives; raises TrainingConfigError."""
    raw = {name: value for name, value in raw.items() if name != "schema_version"}
    preset = raw.pop("preset", "bundled")
    _require(preset in PRESETS, f"the preset {preset!r}", f"one of {', '.join(PRESETS)}")
    return _override(PRESETS[preset], raw, "")


def config_record(config: TrainingConfig) -> dict[str, Any]:
    """The configuration as JSON; `config_from` is its inverse."""
    return {"schema_version": 1, **asdict(config)}


def _override(base: Any, raw: Mapping[str, Any], where: str) -> Any:
    known = {entry.name for entry in fields(base)}
    changed = {}
    for name, value in raw.items():
        _require(name in known, f"the unknown setting '{where}{name}'", f"one of {', '.join(sorted(known))}")
        current = getattr(base, name)
        if hasattr(current, "__dataclass_fields__"):
            _require(isinstance(value, dict), f"'{where}{name}' = {value!r}", "a table of settings")
            changed[name] = _override(current, value, f"{where}{name}.")
        else:
            changed[name] = _like(current, value, f"{where}{name}")
    try:
        return replace(base, **changed)
    except NetworkConfigError as error:
        raise TrainingConfigError(error.found, error.expected) from error


def _like(current: Any, value: Any, where: str) -> Any:
    """`value` in the type of `current`; an int will do for a float, a list for a tuple of the same length."""
    if current == () and isinstance(value, list | tuple):  # any number of shares
        return tuple(_like(0.0, share, where) for share in value)
    if isinstance(current, tuple):
        fits = isinstance(value, list | tuple) and len(value) == len(current)
        _require(fits, f"'{where}' = {value!r}", f"{len(current)} values")
        return tuple(_like(mine, theirs, where) for mine, theirs in zip(current, value, strict=True))
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _require(type(value) is type(current), f"'{where}' = {value!r}", f"a {type(current).__name__}")
    return value

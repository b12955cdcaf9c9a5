"""A training case small enough to learn in seconds; importable by processes that a test starts."""

import time

import numpy as np
from cacnet.errors import CacnetError
from cacnet.network import LossConfig, NetworkConfig
from cacnet.training.cases import write_case
from cacnet.training.configuration import AugmentationConfig, TrainingConfig
from cacnet.training.make_cases import case_folder

PLAIN = AugmentationConfig(enabled=False)
TINY = TrainingConfig(
    network=NetworkConfig(widths=(4, 8, 8, 8, 8), conditioner_width=8),
    loss=LossConfig(positive_weights=(5.0, 2.0)),
    augmentation=AugmentationConfig(affine=0, intensity=0.2, noise=0.2, blur=0, sharpen=0, thick_slices=0),
    learning_rate=1e-2,
    warmup_steps=5,
    total_steps=8,
    patch_voxels=32,
    precision="float32",
    workers=0,
    log_steps=2,
    validate_steps=4,
    ema_decay=0.95,
    mine_steps=0,
)


def write_tube(folder, seed=0, record=None):
    """48³ voxels: a bright tube along z with three brighter spots in its wall, and one bright ball outside it."""
    random = np.random.default_rng(seed)
    z, y, x = np.indices((48, 48, 48))
    from_axis = np.hypot(y - 24 - 6 * np.sin(z / 8 + seed), x - 24)
    coronary = from_axis < 4
    calcium = np.zeros_like(coronary)
    for centre in (8, 24, 40):
        calcium |= coronary & (np.abs(z - centre) < 3) & (x > 24)
    ball = (z - 24) ** 2 + (y - 40) ** 2 + (x - 8) ** 2 < 16
    hu = random.normal(-80, 20, coronary.shape)
    hu[coronary], hu[calcium], hu[ball] = 400, 900, 900
    return write_case(folder, np.rint(hu), calcium, coronary, ball, record)


def make_tube(seed, output):
    """What `make_case` does, with a tube for a heart."""
    return write_tube(case_folder(output, seed), seed, {"truth": {"patient": {"seed": seed}}})


def fail_on_odd_seeds(seed, output):
    """A maker that half of the seeds defeat."""
    if seed % 2:
        raise CacnetError(f"seed {seed} is odd")
    return make_tube(seed, output)


def never_finish(seed, output):
    """A maker that says that it started, and goes on for ever."""
    (output / "started").touch()
    time.sleep(3600)

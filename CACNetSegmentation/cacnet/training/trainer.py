"""A network in training: one step, its learning rate, its running average, and its state to save and restore."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cacnet.errors import CacnetError
from cacnet.inference import Device, choose_device, precision_context
from cacnet.network import COMPANIONS, CACNet, Companions, LossParts, SegmentationLoss
from cacnet.training.cases import list_cases, simulated_seeds
from cacnet.training.checkpoint import CheckpointError
from cacnet.training.configuration import TrainingConfig, config_record
from cacnet.training.parallel import ALONE, Processes, require_shareable
from cacnet.training.validation import ValidationScores
from cacnet.weights import InputContract, LoadedModel, ModelCard, load_bundle

LOWEST_SHARE_OF_RATE = 0.01


class TrainingDivergedError(CacnetError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Run:
    """What a run is given: where its cases and its results are, and how long it may take.

    Attributes:
        cases: folders of cases, which may still be growing.
        output: the run's folder.
        simulate: seeds of cases to simulate meanwhile; they become one more folder of cases, `output`/cases.
        simulators: processes that simulate.
    """

    cases: tuple[Path, ...]
    output: Path
    config: TrainingConfig
    validation: Path | None = None
    max_minutes: float = math.inf
    device: str = "auto"
    init: str | None = None
    model_id: str = "cacnet"
    simulate: range | None = None
    simulators: int = 1

    @property
    def simulated_cases(self) -> Path:
        """Where simulated cases are kept."""
        return self.output / "cases"

    @property
    def all_cases(self) -> tuple[Path, ...]:
        """The folders that patches come from, in the order of `sampling.mix`."""
        return self.cases if self.simulate is None else (*self.cases, self.simulated_cases)

    def sources(self) -> dict[str, Any]:
        """Where cases come from, as JSON, for a run that goes on."""
        return {
            "schema_version": 1,
            "cases": [str(folder.resolve()) for folder in self.cases],
            "simulate": f"{self.simulate.start}:{self.simulate.stop}" if self.simulate else None,
            "validation": str(self.validation.resolve()) if self.validation else None,
        }

    def list_cases(self) -> tuple[Path, ...]:
        """The cases that are there now."""
        return tuple(case for folder in self.all_cases for case in list_cases(folder))


class Trainer:
    """A network in training: its optimiser, its running average and how far it got."""

    def __init__(self, run: Run, processes: Processes = ALONE) -> None:
        config = run.config
        require_shareable(config, processes)
        torch.manual_seed(config.seed)
        self.run, self.config, self.processes = run, config, processes
        self.device = training_device(run.device, config.precision)
        torch.backends.cudnn.benchmark = True  # every step has the same shapes
        network = CACNet(config.network)
        self.initialised_from: str | None = None
        self.companions = Companions()
        """Of the model that this one began as, handed on as they are."""
        self.seeds_before: frozenset[int] = frozenset()
        """Seeds of the simulated patients that this network saw before this session of the run."""
        if run.init is not None:
            start = load_bundle(run.init)
            self.initialised_from = start.card.id  # never the path, which is of one machine
            network.load_state_dict(start.network.state_dict())
            self.companions = start.companions
            self.seeds_before = frozenset(start.card.training.get("seeds", ()))
        self.network = network.to(self.device.name).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.shared_network = processes.wrap(self.network)
        self.average = copy.deepcopy(self.network).eval()
        self.loss = SegmentationLoss(config.loss)
        self.optimiser = _optimiser(self.network, config)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, factor=0.5, patience=3, cooldown=3, min_lr=1e-8
        )
        self.step = 0
        self.seconds = 0.0
        self.epoch_loss = 0.0
        self.last_scores: ValidationScores | None = None

    def train_step(self, image: torch.Tensor, target: torch.Tensor) -> LossParts:
        """One batch, of which each process gives its share: forward, loss, backward, update, running average."""
        if self.config.schedule != "plateau":
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate_at(self.step, self.config)
        image = image.to(self.device.name, non_blocking=True).contiguous(memory_format=torch.channels_last_3d)
        target = target.to(self.device.name, non_blocking=True)
        with precision_context(self.device):
            logits = self.shared_network(image)
        parts = self.loss(self.processes.gather(logits.float()), self.processes.gather(target))
        loss = parts.total.item()
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                found=f"the loss at step {self.step} is {loss}",
                expected="a finite loss",
                action="Resume from the last checkpoint with a lower learning rate",
            )
        self.optimiser.zero_grad(set_to_none=True)
        (parts.total * self.processes.count).backward()  # the processes' gradients are averaged, and are to be added
        if self.config.gradient_limit > 0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        self._update_plateau(loss)
        return LossParts(*(part.detach() for part in vars(parts).values()))

    def _update_average(self) -> None:
        # The average follows closely at first: it would otherwise remember the untrained weights for long.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step)) if self.config.ema_decay else 0.0
        with torch.no_grad():
            for mine, theirs in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(theirs)

    def _update_plateau(self, loss: float) -> None:
        self.epoch_loss += loss / self.config.steps_per_epoch
        if self.step % self.config.steps_per_epoch == 0:
            if self.config.schedule == "plateau":
                self.plateau.step(self.epoch_loss)
            self.epoch_loss = 0.0

    @property
    def learning_rate(self) -> float:
        """What the last step used."""
        return float(self.optimiser.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "epoch_loss": self.epoch_loss,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "plateau": self.plateau.state_dict(),
            "random": torch.get_rng_state(),
            "scores": vars(self.last_scores) if self.last_scores else None,
            "seeds": self._seeds(),
            "initialised_from": self.initialised_from,
            **{kind.name: _stored(network) for kind, network in self.companions.each()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state; raises CheckpointError where it is of another network."""
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.plateau.load_state_dict(state["plateau"])
            torch.set_rng_state(state["random"])
            self.step, self.seconds, self.epoch_loss = state["step"], state["seconds"], state["epoch_loss"]
            self.last_scores = ValidationScores(**state["scores"]) if state["scores"] else None
            self.seeds_before = self.seeds_before.union(state.get("seeds", ()))
            self.initialised_from = state.get("initialised_from", self.initialised_from)
            self.companions = replace(self.companions, **_companions_of(state))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint does not fit ({error})", "one of the same network") from error

    def _seeds(self) -> list[int]:
        """Seeds of all simulated patients that the network has seen, even where their cases are gone."""
        return sorted(self.seeds_before.union(simulated_seeds(self.run.list_cases())))

    def model(self) -> LoadedModel:
        """What is validated and exported: the running average with its card."""
        training = {
            "config": config_record(self.config),
            "steps": self.step,
            "hours": round(self.seconds / 3600, 2),
            "cases": len(self.run.list_cases()),
            "seeds": self._seeds(),
            "initialised_from": self.initialised_from,
        }
        accuracy = {"validation_during_training": vars(self.last_scores)} if self.last_scores else {}
        card = ModelCard(
            id=self.run.model_id,
            name=f"CAC-Net, {self.step} steps",
            network=self.config.network,
            input=InputContract(tile_voxels=self.config.patch_voxels),
            training=training,
            accuracy=_without_nan(accuracy),
        )
        return LoadedModel(self.average, card, self.companions)


def _stored(companion: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return asdict(companion.config), companion.state_dict()


def _companions_of(state: dict[str, Any]) -> dict[str, Any]:
    """Those that `state` holds, by name."""
    found: dict[str, Any] = {}
    for kind in COMPANIONS:
        if state.get(kind.name) is not None:
            shape, tensors = state[kind.name]
            found[kind.name] = kind.network(kind.config(**{**kind.before_recorded, **shape})).train(False)
            found[kind.name].load_state_dict(tensors)
    return found


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """The rate of the 'cosine' and 'linear' schedules at a step: a function of the step alone, so a resume goes on."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = min(1.0, (step - config.warmup_steps) / max(1, config.total_steps - config.warmup_steps))
    left = 0.5 * (1 + math.cos(math.pi * done)) if config.schedule == "cosine" else 1 - done
    return config.learning_rate * (LOWEST_SHARE_OF_RATE + (1 - LOWEST_SHARE_OF_RATE) * left)


def training_device(name: str, precision: str) -> Device:
    """Where to train, and in which precision: 'auto' is what the device is fast in."""
    device = choose_device(name)
    wanted = device.precision if precision == "auto" else precision
    # float16 would need its loss scaled; it is not worth it for the few GPUs without bfloat16.
    return replace(device, precision="float32" if wanted == "float16" else wanted)


def _optimiser(network: CACNet, config: TrainingConfig) -> torch.optim.Optimizer:
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )


def _without_nan(record: Any) -> Any:
    if isinstance(record, dict):
        return {name: _without_nan(value) for name, value in record.items()}
    return None if isinstance(record, float) and math.isnan(record) else record

"""Several GPUs: the same command under `torchrun`, one process for each, which together take one larger batch.

The loss joins all patches of a step (Dice, hardest voxels), so the mean of the losses of parts would be another loss.
Every process therefore computes the one loss of all patches, from its own logits and those it gathers, and the
gradients are added up over the processes: a step is the step that one process would take with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from cacnet.inference import choose_device
from cacnet.training.configuration import TrainingConfig, TrainingConfigError


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is. The first one writes; the others only compute."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def patch_numbers(self, first_step: int, config: TrainingConfig) -> list[int]:
        """The numbers of the patches that this process takes, from a step to the end; the batch is shared out."""
        share = config.batch // self.count
        steps = range(first_step, config.total_steps)
        return [step * config.batch + self.rank * share + i for step in steps for i in range(share)]

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, with gradients averaged over the processes after backward."""
        return network if self.count == 1 else DistributedDataParallel(network)

    def gather(self, own: torch.Tensor) -> torch.Tensor:
        """The patches of all processes (N·count, …), in the order of their numbers; only `own` carries a gradient."""
        if self.count == 1:
            return own
        own = own.contiguous()
        parts = [torch.empty_like(own) for _ in range(self.count)]
        distributed.all_gather(parts, own.detach())
        parts[self.rank] = own
        return torch.cat(parts)

    def agree(self, decision: bool, device: str) -> bool:
        """What the first process decided, so that all of them stop at the same step."""
        if self.count == 1:
            return decision
        flag = torch.tensor(int(decision), device=device)
        distributed.broadcast(flag, src=0)
        return bool(flag.item())

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def require_shareable(config: TrainingConfig, processes: Processes) -> None:
    """Raise TrainingConfigError where that many processes cannot take the steps of one."""
    if config.batch % processes.count:
        raise TrainingConfigError(
            f"a batch of {config.batch} for {processes.count} processes", "a multiple of their number"
        )
    if processes.count > 1 and config.network.norm == "batch":
        raise TrainingConfigError("batch normalisation over several processes", "group or instance")


@contextmanager
def joined_processes(device: str) -> Iterator[Processes]:
    """This process among those that torchrun started; alone where it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    cuda = choose_device(device).name == "cuda"
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()

"""One process, or the share of one among many started by `torchrun` (data parallel)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

import torch
import torch.distributed as dist

from ..errors import BadInput


@dataclass(frozen=True)
class Processes:
    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """The first process alone writes files."""
        return self.rank == 0

    def share(self, batch_size: int) -> range:
        """The samples of a step that are this process's. Every process has equally many, so that the mean of their
        means is the mean over all."""
        if batch_size % self.count:
            raise BadInput(f"batch_size {batch_size} cannot be shared out evenly among {self.count} processes.")
        return range(self.rank, batch_size, self.count)

    def any(self, here: bool) -> bool:
        """Whether it holds in any of the processes."""
        if self.count == 1:
            return here
        flag = torch.tensor(float(here), device=self.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag.item())

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def wait(self) -> None:
        if self.count > 1:
            dist.barrier()


def pick_device(name: str, local_rank: int) -> torch.device:
    if name != "auto":
        try:
            device = torch.device(name)
            torch.empty(0, device=device)
            return device
        except (RuntimeError, AssertionError) as error:
            raise BadInput(f'The device "{name}" cannot be used: {str(error).splitlines()[0]}') from error
    if torch.cuda.is_available():
        return torch.device("cuda", local_rank)
    return torch.device("cpu")


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """Joins the group that `torchrun`'s environment tells of; alone without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    picked = pick_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if picked.type == "cuda":
        torch.cuda.set_device(picked)
    if count == 1:
        yield Processes(0, 1, picked)
        return
    dist.init_process_group("nccl" if picked.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count, picked)
    finally:
        dist.destroy_process_group()

"""Batches in order from a given step on, prepared ahead by other processes where asked for."""

from __future__ import annotations

import signal
from typing import Any, Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from .recipe import BatchSource


class _Samples(Dataset):
    def __init__(self, source: BatchSource) -> None:
        self.source = source

    def __getitem__(self, key: tuple[int, int]) -> Any:
        return self.source.sample(*key)


class _Order:
    """Batches as lists of (step, index)."""

    def __init__(self, steps: range, share: Sequence[int]) -> None:
        self.steps, self.share = steps, share

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self.steps:
            yield [(step, index) for index in self.share]

    def __len__(self) -> int:
        return len(self.steps)


def batches(source: BatchSource, steps: range, share: Sequence[int], workers: int) -> Iterator[Any]:
    """This process's share of the batches of `steps`, collated."""
    return iter(
        DataLoader(
            _Samples(source),
            batch_sampler=_Order(steps, share),
            collate_fn=source.collate,
            num_workers=workers,
            worker_init_fn=_start_worker,
            prefetch_factor=4 if workers else (2 if torch.__version__ < "2" else None),
        )
    )


def _start_worker(_number: int) -> None:
    # A terminal sends SIGINT to the whole group; the training process decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)

"""Chooses OpenBLAS's kernels by what the processor can do; import this before NumPy or PyTorch.

OpenBLAS tells processors by family and model. One it does not know gets generic kernels, measured here at a fiftieth of
the speed (Debian's 0.3.21 on a Sapphire Rapids).
"""

import os
from pathlib import Path


def choose_kernels() -> None:
    """Sets `OPENBLAS_CORETYPE` unless it is set; other BLAS libraries do not look at it."""
    try:
        flags = next(
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")
        ).split()
    except (OSError, StopIteration):
        return
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= set(flags):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    elif {"avx2", "fma"} <= set(flags):
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


choose_kernels()

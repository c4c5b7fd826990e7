from unsam_training import fast_blas  # noqa: F401  before NumPy and PyTorch are loaded

import sys
from pathlib import Path

import pytest
import torch

from unsam_training import recipes

HERE = Path(__file__).parent
recipes.__path__.append(str(HERE / "recipes"))

# Sums are added in another order with another number of threads.
torch.set_num_threads(1)


@pytest.fixture
def quiet():
    """Runs of the trainer say nothing."""
    return {"progress": lambda text: None}


@pytest.fixture
def entry():
    """A command that starts the trainer with the tests' recipes known to it."""
    return [sys.executable, str(HERE / "run_trainer.py")]

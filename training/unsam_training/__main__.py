from . import fast_blas  # noqa: F401  before NumPy and PyTorch are loaded
from .command import main

if __name__ == "__main__":
    raise SystemExit(main())

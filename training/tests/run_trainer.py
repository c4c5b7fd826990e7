"""`python3 -m unsam_training`, with the tests' recipes beside the real ones."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from unsam_training import fast_blas, recipes  # noqa: E402, F401

recipes.__path__.append(str(HERE / "recipes"))

from unsam_training.command import main  # noqa: E402

raise SystemExit(main())

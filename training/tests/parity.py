"""The reference arrays made with the official PyTorch code: in a folder `shared` beside the clone (or UNSAM_SHARED), and a
trimmed set that is always there."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from unsam_training.modules.model import Prompts
from unsam_training.modules.prompt_encoder import box_points

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("UNSAM_SHARED") or ROOT.parent / "shared")
FIXTURE = ROOT / "packages" / "core" / "fixtures" / "unsamv2-mini"

if os.environ.get("CI") and not SHARED.exists():
    raise RuntimeError(f"CI needs the shared folder; expected it at {SHARED} (or in UNSAM_SHARED).")

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared reference data are not here")


class Parity:
    def __init__(self, folder):
        self.folder = folder
        self.description = json.loads((folder / "prompts.json").read_text())
        self.images = {image["id"]: image for image in self.description["images"]}
        self.cases = {case["id"]: case for case in self.description["cases"]}

    def array(self, entry):
        return torch.from_numpy(np.load(self.folder / (entry if isinstance(entry, str) else entry["file"])))

    def prompts(self, case, image_size):
        """A case as the network wants it: pixels of the S frame, a box's corners before the points."""
        image, batch = self.images[case["image"]], case["batch"]
        scale = torch.tensor([image_size / image["width"], image_size / image["height"]])
        coords, labels = [], []
        if case["boxes"]:
            corners, kinds = box_points(torch.tensor(case["boxes"]))
            coords.append(corners)
            labels.append(kinds)
        if case["points"]:
            coords.append(torch.tensor(case["points"]))
            labels.append(torch.tensor(case["labels"]))
        granularity = case["granularity"]
        if granularity is not None:
            granularity = torch.tensor(granularity, dtype=torch.float32).reshape(-1).expand(batch)
        return Prompts(
            images=torch.zeros(batch, dtype=torch.long),
            coords=torch.cat(coords, dim=1) * scale if coords else None,
            labels=torch.cat(labels, dim=1) if labels else None,
            granularity=granularity,
            mask=self.array(case["mask_input"]) if case["mask_input"] else None,
        )


def shared_parity(name):
    return Parity(SHARED / "parity" / name) if SHARED.exists() else None


def relative_error(value, reference):
    """Relative L2."""
    return float((value - reference).norm() / reference.norm())

"""
The weighted mean of the weights of two runs, which is often better than either (Wortsman et al. 2022, model soups):
python3 -m unsam_training.checkpoint.average FIRST SECOND --share 0.4 --out MEAN, files in .safetensors.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from .safetensors_file import read_safetensors, write_safetensors


def average(first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) first + share second, tensor by tensor, in first's types. Raises BadInput where they do not match."""
    if not 0 <= share <= 1:
        raise BadInput(f"The share is {share}; it must be from 0 to 1.")
    if first.keys() != second.keys():
        names = ", ".join(sorted(first.keys() ^ second.keys())[:3])
        raise BadInput(f"The two files hold different tensors: {names} and maybe more stand in one of them alone.")
    mean = {}
    for name, tensor in first.items():
        other = second[name]
        if tensor.shape != other.shape:
            raise BadInput(f"{name} is {list(tensor.shape)} in one file and {list(other.shape)} in the other.")
        mean[name] = torch.lerp(tensor.float(), other.float(), share).to(tensor.dtype)
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second file (default 0.5)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        mean = average(read_safetensors(options.first), read_safetensors(options.second), options.share)
        write_safetensors(options.out, mean)
    except BadInput as error:
        raise SystemExit(f"average: {error}") from None


if __name__ == "__main__":
    main()

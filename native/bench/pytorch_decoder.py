#!/usr/bin/env python3
"""The SAM 2.1 / UnSAMv2 mask decoder in plain PyTorch, as a yardstick for the native decoders.

Written from the rules in docs and the tensors' names, operation by operation, with nothing folded or fused by hand (LoRA is
folded into the weights, for both sides). `--check` holds it against the stored cases of the official code; otherwise it is
timed, eager and under torch.compile, in float32 and bfloat16, on CUDA where there is a device, else on the CPU.

    python3 native/bench/pytorch_decoder.py [--check] [--side 64] [--prompts 1 8 64] [--runs 50] [--device cuda|cpu] [--json FILE]

Needs PyTorch 1.13 or newer and numpy.
"""

import argparse
import json
import math
import pathlib
import statistics
import struct
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F


def read_weights(path):
    """float32 tensors of a .safetensors file, LoRA pairs (W + 2 B A) folded in."""
    blob = path.read_bytes()
    (length,) = struct.unpack("<Q", blob[:8])
    tensors = {}
    for name, entry in json.loads(blob[8 : 8 + length]).items():
        if name == "__metadata__" or entry["dtype"] not in ("F32", "BF16"):
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "F32":
            values = numpy.frombuffer(blob[start:end], "<f4")
        else:
            values = (numpy.frombuffer(blob[start:end], "<u2").astype("<u4") << 16).view("<f4")
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    folded = {}
    for name, tensor in tensors.items():
        if name.endswith((".lora_A", ".lora_B")):
            continue
        layer, _, part = name.partition(".original_layer.")
        if part == "weight":
            tensor = tensor + 2.0 * tensors[f"{layer}.lora_B"] @ tensors[f"{layer}.lora_A"]
        folded[f"{layer}.{part}" if part else name] = tensor
    return folded


def random_weights(seed=1):
    """An UnSAMv2 decoder of the official shape with seeded random weights."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}

    def add(name, *shape, scale=1.0, mean=0.0):
        weights[name] = torch.randn(*shape, generator=generator) * scale + mean

    def linear(name, out, inputs):
        add(f"{name}.weight", out, inputs, scale=inputs**-0.5)
        add(f"{name}.bias", out, scale=0.1)

    def norm(name, n):
        add(f"{name}.weight", n, scale=0.2, mean=1.0)
        add(f"{name}.bias", n, scale=0.2)

    def mlp(name, out):
        for i, n in enumerate((256, 256, out)):
            linear(f"{name}.layers.{i}", n, 256)

    def attention(name, inner):
        for part in ("q_proj", "k_proj", "v_proj"):
            linear(f"{name}.{part}", inner, 256)
        linear(f"{name}.out_proj", 256, inner)

    d, p = "sam_mask_decoder.", "sam_prompt_encoder."
    for layer in (f"{d}transformer.layers.{i}" for i in range(2)):
        attention(f"{layer}.self_attn", 256)
        attention(f"{layer}.cross_attn_token_to_image", 128)
        attention(f"{layer}.cross_attn_image_to_token", 128)
        linear(f"{layer}.mlp.layers.0", 2048, 256)
        linear(f"{layer}.mlp.layers.1", 256, 2048)
        for i in range(1, 5):
            norm(f"{layer}.norm{i}", 256)
    attention(f"{d}transformer.final_attn_token_to_image", 128)
    norm(f"{d}transformer.norm_final_attn", 256)
    for name, n in (("obj_score_token", 1), ("iou_token", 1), ("mask_tokens", 4), ("gra_token", 1)):
        add(f"{d}{name}.weight", n, 256)
    add(f"{d}output_upscaling.0.weight", 256, 64, 2, 2, scale=1 / 16)
    add(f"{d}output_upscaling.0.bias", 64, scale=0.1)
    norm(f"{d}output_upscaling.1", 64)
    add(f"{d}output_upscaling.3.weight", 64, 32, 2, 2, scale=1 / 8)
    add(f"{d}output_upscaling.3.bias", 32, scale=0.1)
    mlp(f"{d}iou_prediction_head", 4)
    mlp(f"{d}pred_obj_score_head", 1)
    mlp(f"{d}gra_output_token_mlp", 32)
    add(f"{p}pe_layer.positional_encoding_gaussian_matrix", 2, 128)
    for i in range(4):
        add(f"{p}point_embeddings.{i}.weight", 1, 256)
    for name in ("not_a_point_embed", "no_mask_embed", "granularity_embedding"):
        add(f"{p}{name}.weight", 1, 256)
    for i, (out, inputs) in zip((0, 3, 6), ((192, 128), (192, 192), (256, 192))):
        linear(f"{p}fourier_embedder.mlp.mlp.{i}", out, inputs)
    return weights


class Decoder(nn.Module):
    """Prompt encoder and mask decoder. All prompts of a call have the same number of points; a mask prompt for all or none."""

    def __init__(self, weights):
        super().__init__()
        self.names = {}
        for name, tensor in weights.items():
            if name.startswith(("sam_mask_decoder.", "sam_prompt_encoder.")):
                key = name.replace(".", "_")
                self.register_buffer(key, tensor)
                self.names[name] = key
        self.has_granularity = "sam_mask_decoder.gra_token.weight" in self.names
        self.object_mlp = "sam_mask_decoder.pred_obj_score_head.layers.0.weight" in self.names

    def w(self, name):
        return getattr(self, self.names[name])

    def linear(self, x, name):
        return F.linear(x, self.w(f"{name}.weight"), self.w(f"{name}.bias"))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w(f"{name}.weight"), self.w(f"{name}.bias"), 1e-5)

    def norm_channels(self, x, name):
        mean = x.mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt((x - mean).pow(2).mean(1, keepdim=True) + 1e-6)
        return x * self.w(f"{name}.weight")[:, None, None] + self.w(f"{name}.bias")[:, None, None]

    def mlp(self, x, name):
        for i in range(3):
            x = self.linear(x, f"{name}.layers.{i}")
            x = F.relu(x) if i < 2 else x
        return x

    def attention(self, q, k, v, name):
        q, k, v = self.linear(q, f"{name}.q_proj"), self.linear(k, f"{name}.k_proj"), self.linear(v, f"{name}.v_proj")
        split = lambda x: x.unflatten(-1, (8, x.shape[-1] // 8)).transpose(1, 2)
        q, k, v = split(q), split(k), split(v)
        if hasattr(F, "scaled_dot_product_attention"):
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v
        return self.linear(mixed.transpose(1, 2).flatten(2), f"{name}.out_proj")

    def position(self, xy):
        """Random Fourier features of points in [0, 1]; taken in float32 whatever the precision."""
        matrix = self.w("sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix")
        angle = 2 * math.pi * ((2 * xy.float() - 1) @ matrix.float())
        return torch.cat([angle.sin(), angle.cos()], -1).to(matrix.dtype)

    def tokens(self, coords, labels, granularity, side):
        d, p, batch = "sam_mask_decoder.", "sam_prompt_encoder.", coords.shape[0]
        fixed = [self.w(f"{d}{n}.weight") for n in ("obj_score_token", "iou_token", "mask_tokens")]
        if self.has_granularity:
            fixed.append(self.w(f"{d}gra_token.weight"))
        parts = [torch.cat(fixed)[None].expand(batch, -1, -1)]
        if coords.shape[1] > 0:
            table = torch.cat([self.w(f"{p}not_a_point_embed.weight")] + [self.w(f"{p}point_embeddings.{i}.weight") for i in range(4)])
            place = self.position((coords.float() + 0.5) / (16 * side)) * (labels >= 0)[..., None]
            parts.append(place + table[labels + 1])
        if granularity is not None:
            frequencies = 100.0 ** (torch.arange(64, device=coords.device, dtype=torch.float32) / 64)
            angle = granularity.float()[:, None] * frequencies
            x = torch.stack([angle.sin(), angle.cos()], -1).flatten(1).to(table.dtype if coords.shape[1] else parts[0].dtype)
            for i in (0, 3, 6):
                x = self.linear(x, f"{p}fourier_embedder.mlp.mlp.{i}")
                x = F.relu(x) if i < 6 else x
            parts.append((x + self.w(f"{p}granularity_embedding.weight"))[:, None])
        return torch.cat(parts, 1)

    def dense(self, masks):
        p = "sam_prompt_encoder."
        if masks is None:
            return self.w(f"{p}no_mask_embed.weight")[0, :, None, None]
        x = masks
        for conv, norm in (("0", "1"), ("3", "4")):
            x = F.conv2d(x, self.w(f"{p}mask_downscaling.{conv}.weight"), self.w(f"{p}mask_downscaling.{conv}.bias"), stride=2)
            x = F.gelu(self.norm_channels(x, f"{p}mask_downscaling.{norm}"))
        return F.conv2d(x, self.w(f"{p}mask_downscaling.6.weight"), self.w(f"{p}mask_downscaling.6.bias"))

    def forward(self, embed, high_0, high_1, coords, labels, granularity=None, masks=None):
        """embed [256, s, s], high_0 [32, 4s, 4s], high_1 [64, 2s, 2s]; coords [b, n, 2] in the network frame, labels [b, n].

        Returns mask logits [b, masks, 4s, 4s] (masks: the granularity mask, or all four), IoU [b, 4], object score [b, 1].
        """
        d, t = "sam_mask_decoder.", "sam_mask_decoder.transformer."
        side, batch = embed.shape[-1], coords.shape[0]
        tokens = self.tokens(coords, labels, granularity, side)
        axis = (torch.arange(side, device=embed.device) + 0.5) / side
        grid = torch.stack([axis[None, :].expand(side, -1), axis[:, None].expand(-1, side)], -1).reshape(1, -1, 2)
        grid = self.position(grid)
        keys = (embed[None] + self.dense(masks)).expand(batch, -1, -1, -1).flatten(2).transpose(1, 2)
        queries = tokens
        for i in range(2):
            layer = f"{t}layers.{i}"
            if i == 0:
                queries = self.attention(queries, queries, queries, f"{layer}.self_attn")
            else:
                q = queries + tokens
                queries = queries + self.attention(q, q, queries, f"{layer}.self_attn")
            queries = self.norm(queries, f"{layer}.norm1")
            queries = queries + self.attention(queries + tokens, keys + grid, keys, f"{layer}.cross_attn_token_to_image")
            queries = self.norm(queries, f"{layer}.norm2")
            hidden = F.relu(self.linear(queries, f"{layer}.mlp.layers.0"))
            queries = self.norm(queries + self.linear(hidden, f"{layer}.mlp.layers.1"), f"{layer}.norm3")
            keys = keys + self.attention(keys + grid, queries + tokens, queries, f"{layer}.cross_attn_image_to_token")
            keys = self.norm(keys, f"{layer}.norm4")
        queries = queries + self.attention(queries + tokens, keys + grid, keys, f"{t}final_attn_token_to_image")
        queries = self.norm(queries, f"{t}norm_final_attn")

        x = keys.transpose(1, 2).unflatten(2, (side, side))
        x = F.conv_transpose2d(x, self.w(f"{d}output_upscaling.0.weight"), self.w(f"{d}output_upscaling.0.bias"), stride=2)
        x = F.gelu(self.norm_channels(x + high_1, f"{d}output_upscaling.1"))
        x = F.conv_transpose2d(x, self.w(f"{d}output_upscaling.3.weight"), self.w(f"{d}output_upscaling.3.bias"), stride=2)
        x = F.gelu(x + high_0)
        if self.has_granularity:
            hyper = self.mlp(queries[:, 6:7], f"{d}gra_output_token_mlp")
        else:
            hyper = torch.stack([self.mlp(queries[:, 2 + i], f"{d}output_hypernetworks_mlps.{i}") for i in range(4)], 1)
        logits = (hyper @ x.flatten(2)).unflatten(2, x.shape[-2:])
        iou = torch.sigmoid(self.mlp(queries[:, 1], f"{d}iou_prediction_head"))
        head = f"{d}pred_obj_score_head"
        return logits, iou, self.mlp(queries[:, 0], head) if self.object_mlp else self.linear(queries[:, 0], head)


def select(model, logits, iou, multimask):
    """The masks the official predictor returns."""
    if model.has_granularity:
        return logits, iou[:, 1:].max(1, keepdim=True).values if multimask else iou[:, :1]
    if multimask:
        return logits[:, 1:], iou[:, 1:]
    inner, outer = (logits[:, 0] > 0.05).flatten(1).sum(1), (logits[:, 0] > -0.05).flatten(1).sum(1)
    stable = torch.where(outer > 0, inner / outer.clamp(min=1), torch.ones_like(iou[:, 0])) >= 0.98
    token = torch.where(stable, 0, 1 + iou[:, 1:].argmax(1))
    rows = torch.arange(len(token))
    return logits[rows, token][:, None], iou[rows, token][:, None]


def check(shared):
    """Every stored case against this module; returns the worst relative L2 error of the logits."""
    worst = 0.0
    for checkpoint, folder in (("unsamv2-mini-safetensors", "unsamv2-mini"), ("sam21-mini", "sam21-mini")):
        model = Decoder(read_weights(shared / "parity" / checkpoint / "checkpoint.safetensors"))
        folder = shared / "parity" / folder
        index = json.loads((folder / "prompts.json").read_text())
        load = lambda entry: torch.from_numpy(numpy.load(folder / entry["file"])).float()
        images = {image["id"]: image for image in index["images"] if "high_res_feats_0" in image}
        cases = 0
        for case in index["cases"]:
            image = images.get(case["image"])
            if image is None:
                continue
            embed, high_0, high_1 = (load(image[k])[0] for k in ("image_embed", "high_res_feats_0", "high_res_feats_1"))
            side, batch = embed.shape[-1], int(case["batch"])
            scale = torch.tensor([16 * side / image["width"], 16 * side / image["height"]])
            coords, labels = torch.zeros(batch, 0, 2), torch.zeros(batch, 0, dtype=torch.int64)
            if case["boxes"] is not None:
                coords = torch.cat([coords, torch.tensor(case["boxes"]).float().reshape(batch, 2, 2) * scale], 1)
                labels = torch.cat([labels, torch.tensor([[2, 3]]).expand(batch, -1)], 1)
            if case["points"] is not None:
                coords = torch.cat([coords, torch.tensor(case["points"]).float() * scale], 1)
                labels = torch.cat([labels, torch.tensor(case["labels"]).long()], 1)
            if labels.shape[1] > 0:
                coords = torch.cat([coords, torch.zeros(batch, 1, 2)], 1)
                labels = torch.cat([labels, torch.full((batch, 1), -1)], 1)
            granularity = case.get("granularity")
            if granularity is not None:
                granularity = torch.tensor(granularity).float().reshape(-1).expand(batch)
            masks = load(case["mask_input"]).reshape(-1, 1, 4 * side, 4 * side) if case["mask_input"] else None
            with torch.inference_mode():
                logits, iou, _ = model(embed, high_0, high_1, coords, labels, granularity, masks)
                logits, iou = select(model, logits, iou, case["multimask_output"])
            want = load(case["expected"]["low_res_logits"]).reshape(logits.shape)
            difference = (logits - want).flatten(2).norm(dim=2) / want.flatten(2).norm(dim=2)
            worst = max(worst, float(difference.max()))
            cases += 1
        print(f"{folder.name}: {cases} cases, worst relative L2 so far {worst:.1e}", file=sys.stderr)
    return worst


def measure(call, device, runs):
    """Median milliseconds of `call`: by events on CUDA, by the wall clock on the CPU."""
    for _ in range(3):
        call()
    times = []
    for _ in range(runs):
        if device == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            call()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end))
        else:
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def bench(options):
    device, rows = options.device, []
    print("\n| what | precision | prompts | ms |\n| --- | --- | --- | --- |", flush=True)
    torch.manual_seed(2)
    side, weights = options.side, random_weights()
    for dtype in (torch.float32, torch.bfloat16):
        model = Decoder(weights).to(device, dtype).eval()
        features = [torch.randn(c, n * side, n * side, device=device, dtype=dtype) for c, n in ((256, 1), (32, 4), (64, 2))]
        modes = {"eager": model}
        if hasattr(torch, "compile") and not options.no_compile:
            modes["compiled"] = torch.compile(model, mode="max-autotune" if device == "cuda" else "default", dynamic=False)
        for prompts in options.prompts:
            coords = torch.cat([torch.rand(prompts, 1, 2) * 16 * side, torch.zeros(prompts, 1, 2)], 1).to(device)
            labels = torch.tensor([[1, -1]]).expand(prompts, -1).to(device)
            granularity = torch.linspace(0.1, 1.0, prompts).to(device)
            for mode, run in modes.items():
                try:
                    with torch.inference_mode():
                        milliseconds = measure(lambda: run(*features, coords, labels, granularity), device, options.runs)
                except Exception as error:  # a compiler that is missing here must not hide the other rows
                    print(f"{mode} {dtype}: {error}", file=sys.stderr)
                    continue
                row = {"what": f"PyTorch {mode}", "precision": str(dtype).split(".")[1], "prompts": prompts, "ms": milliseconds}
                rows.append(row)
                print(f"| {row['what']} | {row['precision']} | {prompts} | {milliseconds:.3f} |", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="hold the module against the stored cases instead of timing it")
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--side", type=int, default=64, help="image tokens per side (64: the official size)")
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    if options.check:
        if not (options.shared / "parity").exists():
            sys.exit(f"no parity data at {options.shared}; pass --shared")
        worst = check(options.shared)
        sys.exit(0 if worst <= 1e-4 else f"the worst relative L2 error is {worst:.1e}, more than 1e-4")
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name() if options.device == 'cuda' else 'the CPU'}", file=sys.stderr)
    rows = bench(options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

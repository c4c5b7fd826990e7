import hashlib
import json
import math
import shutil
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from parity import ROOT, SHARED, needs_shared, relative_error
from scenes_on_disk import write_scenes
from tiny_model import write_tiny_model
from unsam_training.checkpoint.safetensors_file import read_safetensors
from unsam_training.checkpoint.state_dict import read_state_dict
from unsam_training.data.images import planes, read_image, resized
from unsam_training.data.samples import FRESH
from unsam_training.errors import BadInput
from unsam_training.modules.config import parse_config, read_config
from unsam_training.modules.model import Prompts, load_model, normalised
from unsam_training.recipes import adapt
from unsam_training.modules.feature_cache import FeatureCache
from unsam_training.objectives.mask_loss import mask_losses
from unsam_training.seeding import seed_torch
from unsam_training.trainer.loop import train
from unsam_training.trainer.settings import Settings

OBJECTIVES = ("focal", "dice", "iou", "consistency", "patch_contrast", "boundary_alignment")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapt")
    images, labels = write_scenes(folder, 8)
    checkpoint, config = write_tiny_model(folder)
    return {"images": str(images), "labels": str(labels), "checkpoint": str(checkpoint), "config": str(config)}


def options(files, **others):
    sizes = {"batch_size": 2, "prompts_per_image": 3, "lora_rank": 4}
    return {**adapt.DEFAULTS, **files, **sizes, **others}


def only(files, objective, **others):
    """One objective alone."""
    switched = {name: float(name == objective) for name in OBJECTIVES}
    return options(files, **switched, correction_rounds=0, **others)


def settings(**others):
    return Settings(
        **{**adapt.SETTINGS, "steps": 6, "warmup_steps": 2, "learning_rate": 3e-3, "preview_every": 1000, **others}
    )


def logged(out):
    """The log's lines about losses."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line]


def prepared(given, seed=0):
    recipe = adapt.create(given)
    model = recipe.build_model(given)
    data = recipe.build_data(given, seed)
    return recipe, model, data.collate([data.sample(0, index) for index in range(given["batch_size"])])


def total(recipe, model, batch):
    seed_torch(1)
    return sum(value for name, value in recipe.losses(model, batch).items() if not name.startswith("report/"))


@pytest.mark.parametrize("box", [0.0, 1.0])
def test_gradients_reach_every_trained_tensor_and_no_other(files, box):
    recipe, model, batch = prepared(options(files, box_probability=box, correction_rounds=2, views=FRESH))
    total(recipe, model, batch).backward()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert len(trained) == 56 + 7 + 1 + 6
    for name, parameter in model.named_parameters():
        if name in trained:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
        else:
            assert parameter.grad is None, name


@pytest.mark.parametrize(
    "name",
    [
        "sam_mask_decoder.gra_token.weight",
        "sam_mask_decoder.gra_output_token_mlp.layers.2.weight",
        "sam_mask_decoder.transformer.layers.0.cross_attn_image_to_token.q_proj.lora_A",
        "sam_mask_decoder.transformer.layers.1.self_attn.v_proj.lora_B",
        "sam_prompt_encoder.fourier_embedder.mlp.mlp.0.weight",
    ],
)
def test_gradients_are_the_slope_of_the_loss(files, name):
    # The teacher takes no gradient and correction clicks jump, so their share of the slope is not in the gradient.
    recipe, model, batch = prepared(
        options(files, consistency=0.0, correction_rounds=0, iou=0.0, focal=100.0, dice=20.0)
    )
    parameter = dict(model.named_parameters())[name]
    (gradient,) = torch.autograd.grad(total(recipe, model, batch), parameter)
    along, values = gradient / gradient.norm(), []
    # Far enough that the rise stands out of float32's rounding of the loss.
    step = min(0.05, max(2e-3, 1e-4 / float(gradient.norm())))
    with torch.no_grad():
        for sign in (1, -2):
            parameter += sign * step * along
            values.append(float(total(recipe, model, batch)))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(gradient.norm()), rel=0.03)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_alone_overfits_eight_images(files, tmp_path, quiet, objective):
    given = only(files, objective, batch_size=8, views=1, box_probability=0.0, chain_probability=0.0)
    train("adapt", given, settings(steps=30, learning_rate=1e-2, seed=2), tmp_path, **quiet)
    log = logged(tmp_path)
    values = [line[objective] for line in log]
    first, last = sum(values[:4]) / 4, sum(values[-4:]) / 4
    assert set(OBJECTIVES) & log[0].keys() == {objective}
    # Patch contrast cannot fall below the logarithm of the number of positives, about half of 64.
    floor = math.log(32) if objective == "patch_contrast" else 0.0
    assert last - floor < 0.75 * (first - floor)


def test_consistency_is_zero_where_both_views_are_the_same(files):
    recipe, model, batch = prepared(options(files, views=0))
    assert batch.first == batch.second
    assert recipe.losses(model, batch)["consistency"].item() == 0.0
    recipe, model, batch = prepared(options(files, views=FRESH))
    assert recipe.losses(model, batch)["consistency"].item() > 0.0


def test_two_views_of_a_pair_differ_wherever_there_are_two(files):
    for views in (1, 2, 4):
        recipe = adapt.create(given := options(files, views=views))
        data = recipe.build_data(given, seed=3)
        pairs = [data._draw_views(0, np.random.default_rng(k)) for k in range(200)]
        assert all(first != second for first, second in pairs)
        assert {number for pair in pairs for number in pair} == set(range(views + 1))
        # Either order of any two comes as often as any other.
        counts = np.unique(np.array(pairs), axis=0, return_counts=True)[1]
        assert len(counts) == (views + 1) * views and counts.min() > 200 / len(counts) / 4


def test_what_is_kept_apart_is_measured_and_never_trained_on(files):
    recipe, model, _ = prepared(given := options(files, held_out=0.3))
    names = [image.path.name for image in recipe.data.images]
    apart = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:2]
    assert sorted(names[6:]) == sorted(apart) and len(names) == 8
    assert {recipe.data.sample(step, index)["first"].image for step in range(9) for index in (0, 1)} == set(range(6))
    with torch.no_grad():
        found = recipe.evaluate(model)
    assert set(found) == {"held_out_loss", "held_out_iou"}
    # Another training set with the same images kept apart is measured alike, whatever is trained on.
    apart_alone, other, _ = prepared({**given, "held_out": 0.0})
    apart_alone.data.images = recipe.data.images[6:]
    with torch.no_grad():
        alone = apart_alone.evaluate(other)
    assert alone == {"fixed_loss": found["held_out_loss"], "fixed_iou": found["held_out_iou"]}
    with pytest.raises(BadInput, match="held_out is 1.0; give a share"):
        prepared(options(files, held_out=1.0))


def preset(files, **others):
    """The authors' preset, of sizes that fit a tiny model."""
    given = {**adapt.DEFAULTS, **adapt.PRESETS["unsamv2"]["options"], **files, "batch_size": 1, "lora_rank": 4}
    return {**given, "prompts_per_image": 3, **others}


def test_the_authors_preset_adds_rounds_at_full_resolution_and_scores_objects(files):
    recipe, model, batch = prepared(preset(files, views=0))
    side = recipe.config.image_size
    assert batch.masks.shape[1:] == (side, side) and batch.coords.shape[1] == 1
    seed_torch(1)
    named = recipe.losses(model, batch)
    objectives = {"focal", "dice", "iou", "object_score"}
    corrected = {f"correction_{name}" for name in objectives}
    assert {name for name in named if not name.startswith("report/")} == objectives | corrected
    # By hand: the first answer's logits, enlarged to the input's size, against masks of that size.
    features = recipe._features(model, batch.first)
    first = model.decode(features, Prompts(batch.images, batch.coords, batch.labels, batch.granularity))
    large = torch.nn.functional.interpolate(first.masks, (side, side), mode="bilinear", align_corners=False)[:, 0]
    found = mask_losses(large, batch.masks, first.iou[:, 0], batch.weight)
    assert torch.allclose(named["focal"], 20 * found.focal) and torch.allclose(named["dice"], found.dice)
    there = -torch.nn.functional.logsigmoid(first.object_score[:, 0])
    assert torch.allclose(named["object_score"], (there * batch.weight).sum() / batch.weight.sum())
    # Three rounds that are added are three times their mean, on the same random numbers.
    averaged, other, _ = prepared(preset(files, views=0, correction_sum=False))
    other.load_state_dict(model.state_dict())
    seed_torch(1)
    mean = averaged.losses(other, batch)
    for name in corrected:
        assert torch.allclose(named[name], 3 * mean[name], rtol=1e-5), name


def test_the_authors_preset_learns(files, tmp_path, quiet):
    given = preset(files, batch_size=2, views=1)
    train("adapt", given, settings(steps=30, weight_decay=1e-5), tmp_path)
    losses = [line["loss"] for line in logged(tmp_path)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_a_new_lora_starts_as_the_authors(files, tmp_path):
    plain, _ = write_tiny_model(tmp_path, lora_rank=0)
    given = preset({**files, "checkpoint": str(plain)})
    torch.manual_seed(2)
    _, model, _ = prepared(given)
    values = torch.cat([p.flatten() for name, p in model.named_parameters() if name.endswith("lora_A")])
    assert float(values.std()) == pytest.approx(0.01, rel=0.05) and abs(float(values.mean())) < 0.001
    # One that is in the file stays.
    recipe, kept, _ = prepared(preset(files))
    assert all(
        torch.equal(p, recipe.tensors[name]) for name, p in kept.named_parameters() if name.endswith("lora_A")
    )


def test_frozen_features_are_computed_once(files):
    given = options(files, views=1, batch_size=8)
    recipe, model, _ = prepared(given)
    for step in range(6):
        recipe.losses(model, recipe.data.collate([recipe.data.sample(step, index) for index in range(8)]))
    # Eight images of two views each.
    assert recipe.cache.misses == 16 and recipe.cache.hits == 6 * 8 * 2 - 16
    small = FeatureCache(1)
    features = recipe.cache.get(("x",), lambda key: next(iter(recipe.cache._entries.values())))
    assert (
        all(small.get(i % 2, lambda key: features) is features for i in range(4))
        and small.misses == 4
        and small.held == 0
    )


def test_a_stopped_and_resumed_run_equals_one_not_stopped(files, tmp_path, quiet):
    given = options(files, cache_gib=0.0005)
    train("adapt", given, settings(), tmp_path / "whole", **quiet)
    train("adapt", given, settings(stop_after=3), tmp_path / "parts", **quiet)
    train("adapt", given, settings(), tmp_path / "parts", **quiet)
    whole, parts = (read_safetensors(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)


def test_bfloat16_learns_the_same(files, tmp_path, quiet):
    losses = {}
    for precision in ("float32", "bfloat16"):
        train("adapt", options(files), settings(precision=precision), tmp_path / precision, **quiet)
        losses[precision] = [line["loss"] for line in logged(tmp_path / precision)]
    # Correction clicks are drawn from the errors, which differ a little.
    assert losses["float32"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.03)


def test_what_is_exported_changes_only_what_is_trained(files, tmp_path, quiet):
    summary = train("adapt", options(files), settings(), tmp_path, **quiet)
    before, after = read_state_dict(files["checkpoint"]), read_safetensors(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    changed = sorted(name for name in before if not torch.equal(before[name], after[name]))
    assert changed == summary["changed"] and summary["added"] == []
    marks = ("lora_A", "lora_B", "gra_token", "gra_output_token_mlp", "fourier_embedder", "granularity_embedding")
    assert len(changed) == 70 and all(any(mark in name for mark in marks) for name in changed)
    assert after["memory_attention.norm.weight"].dtype == torch.bfloat16
    assert parse_config(read_config(tmp_path / "model.json")) == parse_config(read_config(files["config"]))


def test_a_plain_sam21_becomes_granular(files, tmp_path, quiet):
    (tmp_path / "plain").mkdir()
    checkpoint, config = write_tiny_model(tmp_path / "plain", lora_rank=0, granularity=False)
    summary = train("adapt", options({**files, "checkpoint": str(checkpoint)}), settings(), tmp_path / "out", **quiet)
    assert summary["changed"] == [] and len(summary["added"]) == 70
    loaded = load_model(read_safetensors(tmp_path / "out" / "model.safetensors"), parse_config(read_config(config)))
    assert loaded.model.sam_mask_decoder.granular and loaded.added == []


def test_what_was_learned_shows_on_fixed_prompts(files, tmp_path, quiet):
    summary = train("adapt", options(files), settings(steps=30, evaluate_every=10), tmp_path, **quiet)
    first, last = summary["evaluation"]["first"], summary["evaluation"]["last"]
    assert (first["step"], last["step"]) == (0, 30)
    assert last["fixed_loss"] < 0.8 * first["fixed_loss"]


def test_previews_show_the_fixed_images(files, tmp_path, quiet):
    train("adapt", options(files), settings(preview_every=3), tmp_path, **quiet)
    pictures = sorted((tmp_path / "previews").iterdir())
    assert [path.name for path in pictures] == [f"step-{step:07d}.png" for step in (0, 3, 6)]
    assert np.asarray(Image.open(pictures[-1])).std() > 20


def test_pairs_of_views_show_the_mask_where_the_map_carries_it(files):
    # No colours change and nothing is turned or cropped: the second view is the first, mirrored or not.
    still = {f"augment_{name}": 0.0 for name in ("aspect", "rotation", "shear", "brightness", "contrast", "saturation")}
    still |= {f"augment_{name}": 0.0 for name in ("hue", "grey", "blur")}
    given = options(files, **still, augment_crop=1.0, augment_flip=1.0, views=1, box_probability=0.0)
    recipe, _, _ = prepared(given)
    pictures = recipe._pairs()
    assert len(pictures) == 2 and "both views of a pair" in pictures[0][0]
    for _, picture in pictures:
        half = picture.shape[1] // 2
        one, other = picture[:, :half].astype(int), picture[:, half:].astype(int)
        # Photo, gap, photo with the mask: each mirrored in itself, but for the click and a pixel of rounding.
        for start in (0, 204):
            panel, mirrored = one[:, start : start + 200], other[:, start : start + 200][:, ::-1]
            assert (np.abs(panel - mirrored).max(-1) > 24).mean() < 0.03


def test_two_processes_agree_on_the_loss_of_a_step(files):
    # Half a batch each: the mean of the halves is the whole's, whatever is drawn inside the losses set aside.
    given = options(
        files, batch_size=4, correction_rounds=0, patch_contrast=0.0, consistency=0.0, boundary_alignment=0.0
    )
    recipe, model, whole = prepared(given)
    data = recipe.data
    halves = [data.collate([data.sample(0, index) for index in range(rank, 4, 2)]) for rank in (0, 1)]
    shares = [total(recipe, model, half).item() for half in halves]
    assert sum(shares) / 2 == pytest.approx(total(recipe, model, whole).item(), rel=1e-4)


@pytest.mark.parametrize("missing", ["images", "labels", "checkpoint"])
def test_what_is_missing_is_named(files, missing):
    with pytest.raises(BadInput, match=f"--{missing}"):
        adapt.create(options({**files, missing: None}))


def test_a_checkpoint_of_no_published_size_needs_a_configuration(files):
    with pytest.raises(BadInput, match="--config"):
        adapt.create(options({**files, "config": None}))


@needs_shared
@torch.no_grad()
def test_the_result_gives_the_same_logits_in_the_sdk(files, tmp_path, quiet):
    main = ROOT / "packages" / "cli" / "dist" / "main.js"
    node = shutil.which("node")
    if node is None or not main.exists():
        pytest.skip("Node or the built command line is not here")
    mini = SHARED / "parity" / "unsamv2-mini"
    given = {**files, "checkpoint": str(mini / "checkpoint.pt"), "config": str(mini / "config.json")}
    with torch.enable_grad():
        train(
            "adapt", {**adapt.DEFAULTS, **given, "batch_size": 2, "prompts_per_image": 3}, settings(), tmp_path, **quiet
        )
    weights, config = tmp_path / "model.safetensors", tmp_path / "model.json"
    photo, logits = mini / "img0.png", tmp_path / "logits.npy"
    command = [node, str(main), "segment", str(photo), "--model", str(weights), "--config", str(config)]
    prompt = ["--point", "195,148", "--point", "20,30,0", "--granularity", "0.4", "--logits", str(logits), "--json"]
    done = subprocess.run([*command, *prompt], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

    parsed = parse_config(read_config(config))
    loaded = load_model(read_safetensors(weights), parsed, lora_rank=8).model.eval()
    rgb = read_image(photo)
    height, width = rgb.shape[:2]
    pixels = normalised(resized(planes(rgb), 256, 256))[None]
    scale = torch.tensor([256 / width, 256 / height])
    prompts = Prompts(
        torch.zeros(1, dtype=torch.long), torch.tensor([[[195.0, 148.0], [20.0, 30.0]]]) * scale,
        torch.tensor([[1, 0]]), torch.tensor([0.4]),
    )  # fmt: skip
    own = loaded(pixels, prompts)
    found = torch.from_numpy(np.load(logits)).reshape(own.masks.shape)
    assert relative_error(found, own.masks) < 1e-4
    assert json.loads(done.stdout)["segment"]["score"] == pytest.approx(float(own.iou[0, 0]), abs=1e-4)

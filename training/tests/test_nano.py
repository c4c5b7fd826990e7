import json

import numpy as np
import pytest
import torch
from PIL import Image

from unsam_training.checkpoint.safetensors_file import read_safetensors
from unsam_training.data.nano_samples import NanoSamples, ScenePool, TreePhotos, collage, crop

from unsam_training.data.scenes_textures import TextureBank
from unsam_training.errors import BadInput
from unsam_training.modules.nano_encoder import NanoEncoder, folded, network_input
from unsam_training.objectives.nano_dense import boundary_loss, tree_distance_loss
from unsam_training.recipes import nano
from unsam_training.trainer.loop import train
from unsam_training.trainer.settings import Settings

SMALL = {"widths": (8, 12, 16, 16, 16), "up": (12, 12, 12, 12), "blocks": (1, 1, 1, 1), "metric": 6}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two photos of four regions, of them one with a tree; and the folder's index."""
    folder = tmp_path_factory.mktemp("photos")
    rows = ["file,shippable"]
    for k in range(2):
        pixels = np.full((100, 130, 3), 60, np.uint8)
        pixels[:50] += 90
        pixels[:, 65:, k] += 60
        Image.fromarray(pixels).save(folder / f"photo{k}.png")
        rows.append(f"photo{k}.png,yes")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    trees = folder / "trees"
    trees.mkdir()
    leaf = np.zeros((100, 130), np.uint8)
    leaf[50:] += 2
    leaf[:, 65:] += 1
    Image.fromarray(leaf).save(trees / "photo0.png")
    tree = {"parents": [0, 0, 0, 1, 1, 2, 2], "heights": [1, 0.5, 0.6, 0, 0, 0, 0], "leaves": [3, 4, 5, 6]}
    (trees / "photo0.json").write_text(json.dumps(tree))
    return folder


def options(photos, tmp_path, **others):
    common = {"images": str(photos), "labels": str(photos / "trees"), "cache": str(tmp_path / "scenes")}
    return {**nano.DEFAULTS, **common, "size": 64, "scene_size": 96, "scenes": 3, "batch_size": 2, **others}


def test_photos_come_with_their_trees(photos):
    source = TreePhotos([photos / "photo0.png", photos / "photo1.png"], photos / "trees")
    assert len(source) == 1
    assert source[0].leaf.shape == (100, 130)
    assert np.allclose(source[0].distance[0], [0, 0.5, 1, 1])
    assert np.allclose(source[0].distance[2], [1, 1, 0, 0.6])


def test_a_collage_pastes_regions_as_things_of_their_own(photos):
    scene = TreePhotos([photos / "photo0.png"], photos / "trees")[0]
    rng = np.random.default_rng(0)
    ground = crop(rng, scene, 64)
    made = collage(np.random.default_rng(1), ground, [crop(rng, scene, 64) for _ in range(3)])
    pasted = made.leaf >= len(ground.distance)
    assert pasted.any() and np.array_equal(made.leaf[~pasted], ground.leaf[~pasted])
    assert np.all(made.distance[: len(ground.distance), len(ground.distance) :] == 1)


def test_samples_depend_on_seed_step_and_index_alone(photos, tmp_path):
    files = [photos / "photo0.png", photos / "photo1.png"]

    def source(cache):
        pool = ScenePool(0, 3, 96, TextureBank(files), tmp_path / cache)
        return NanoSamples(5, 4, 64, pool, TreePhotos(files, photos / "trees"), photo_share=0.5)

    one, other = source("a"), source("b")
    other.sample(9, 1)
    for index in range(6):
        first, again = one.sample(2, index), other.sample(2, index)
        assert all(np.array_equal(first[name], again[name]) for name in first)


def test_a_broken_file_of_the_pool_is_made_again(photos, tmp_path):
    pool = ScenePool(0, 3, 64, TextureBank([photos / "photo0.png"]), tmp_path)
    made = pool[1].image
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert np.array_equal(pool[1].image, made)


def test_boundary_loss_is_least_for_the_true_map():
    height = torch.tensor([[[0.0, 0.4], [0.0, 1.0]]])
    best = torch.stack([torch.tensor([[-20.0, 20.0], [-20.0, 20.0]]), torch.logit(height[0].clamp(1e-6, 1 - 1e-6))])
    logits = best[None].clone().requires_grad_()
    boundary_loss(logits, height).backward()
    assert logits.grad.abs().max() < 1e-5


def test_tree_distance_loss_is_zero_for_an_embedding_that_keeps_the_tree():
    # Three leaves at heights 0.5 (first two) and 1 (the third): a triangle of sides 1, 2, 2.
    places = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 15**0.5 / 2]])
    metric = places.T.reshape(1, 2, 1, 3)
    target = torch.tensor([[[0, 0.5, 1], [0.5, 0, 1], [1, 1, 0]]])
    points = torch.tensor([[0, 1, 2]])
    assert tree_distance_loss(metric, points, target) < 1e-6
    assert tree_distance_loss(2 * metric, points, target) > 0.1


def test_gradients_reach_every_trained_tensor(photos, tmp_path):
    recipe = nano.create(options(photos, tmp_path))
    torch.manual_seed(0)
    model = recipe.build_model(recipe.options)
    groups = recipe.parameter_groups(model)
    source = recipe.build_data(recipe.options, 0)
    for step in range(2):  # residual branches begin at zero: what is inside them learns from the second step on
        sum(recipe.losses(model, source.collate([source.sample(step, k) for k in range(2)])).values()).backward()
        if step == 0:
            with torch.no_grad():
                for group in groups:
                    for p in group["params"]:
                        p -= 0.01 * p.grad
                        p.grad = None
    for name, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("objective", ["boundary", "tree_distance"])
def test_each_objective_alone_overfits_eight_images(photos, tmp_path, objective):
    torch.manual_seed(1)
    pool = ScenePool(0, 8, 64, TextureBank([photos / "photo0.png"]), tmp_path)
    source = NanoSamples(0, 8, 64, pool)
    batch = source.collate([source.sample(0, k) for k in range(8)])
    model = NanoEncoder(**{**SMALL, "widths": (16, 24, 32, 32, 32), "up": (24, 24, 24, 24)})
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    pixels = network_input(batch["image"])
    losses = []
    for _ in range(150):
        out = model(pixels)
        loss = (
            boundary_loss(out["boundary"], batch["height"])
            if objective == "boundary"
            else tree_distance_loss(out["metric"], batch["points"], batch["target"])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert min(losses[-10:]) < 0.35 * losses[0]


def test_folding_changes_no_output():
    torch.manual_seed(2)
    model = NanoEncoder(**SMALL)
    pixels = network_input(torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8))
    for _ in range(3):
        model(pixels)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    model.eval()
    tensors = folded(model)

    def layer(x, name, stride=1):
        weight = tensors[f"{name}.weight"]
        padding = weight.shape[-1] // 2 if weight.shape[-1] % 2 else 0
        return torch.nn.functional.conv2d(x, weight, tensors[f"{name}.bias"], stride, padding)

    with torch.no_grad():
        level = layer(torch.relu(layer(pixels, "stem.0", 2)), "stem.1").relu()
        assert torch.allclose(level, model.stem(pixels), atol=1e-5)
        inner = layer(torch.relu(layer(level, "stages.0.0", 2)), "stages.0.1.first").relu()
        expected = model.stages[0](level)
        found = (layer(level, "stages.0.0", 2).relu() + layer(inner, "stages.0.1.second")).relu()
        assert torch.allclose(found, expected, atol=1e-5)


def test_a_run_leaves_weights_in_half_precision(photos, tmp_path):
    settings = Settings(**{**nano.SETTINGS, "steps": 2, "precision": "float32", "evaluate_every": 2})
    summary = train("nano", options(photos, tmp_path), settings, tmp_path / "run", progress=lambda text: None)
    tensors = read_safetensors(tmp_path / "run" / "model.safetensors")
    assert summary["tensors"] == len(tensors) and all(t.dtype == torch.float16 for t in tensors.values())
    assert tensors["colour.weight"].shape == (16, 4, 2, 2)
    assert sum(t.numel() for t in tensors.values()) * 2 < 25e6
    assert torch.isfinite(tensors["boundary.weight"].float()).all()


def test_a_run_without_an_objective_says_so(photos, tmp_path):
    settings = Settings(**{**nano.SETTINGS, "steps": 2, "precision": "float32"})
    without = {**options(photos, tmp_path), "boundary": 0, "tree_distance": 0}
    with pytest.raises(BadInput, match="nothing would be learned"):
        train("nano", without, settings, tmp_path / "run", progress=lambda text: None)


def test_lab_matches_known_colours():
    rgb = torch.tensor([[[[255, 255, 255], [255, 0, 0], [0, 0, 0]]]], dtype=torch.uint8)
    lab = network_input(rgb)[0, :3, 0] * torch.tensor([50.0, 40, 40])[:, None] + torch.tensor([50.0, 0, 0])[:, None]
    expected = torch.tensor([[100, 53.24, 0], [0, 80.09, 0], [0, 67.2, 0]])
    assert torch.allclose(lab, expected, atol=0.05)



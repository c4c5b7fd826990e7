import numpy as np
import pytest
import torch
from PIL import Image

from unsam_training.data.nano_prompts import PROMPTS, draw_prompts
from unsam_training.data.scenes import Scene, make_scene
from unsam_training.data.scenes_textures import TextureBank
from unsam_training.modules.nano_prompted import MetricMasks
from unsam_training.recipes import nano, nano_prompted
from unsam_training.trainer.loop import train
from unsam_training.trainer.settings import Settings


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    pixels = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    (folder / "index.csv").write_text("file,shippable\nphoto.png,yes\n")
    return folder


def options(photos, tmp_path, **others):
    common = {"images": str(photos), "cache": str(tmp_path / "scenes"), "size": 64, "scene_size": 80, "scenes": 2}
    return {**nano_prompted.DEFAULTS, **common, "batch_size": 2, **others}


def test_masks_of_prompts_are_nodes_around_the_click(photos):
    for index in range(4):
        scene = make_scene(0, index, 64, TextureBank([photos / "photo.png"]))
        prompts = draw_prompts(np.random.default_rng(index), scene)
        assert prompts["masks"].shape == (PROMPTS, 16, 16)
        for (x, y), granularity, mask in zip(prompts["clicks"], prompts["granularity"], prompts["masks"]):
            assert mask[y // 4, x // 4]
            assert 0.1 <= granularity <= 1
            # Of two leaves at one height from the click both are in the mask or neither.
            height = (float(granularity) - 0.1) / 0.9
            inside = (scene.distance[scene.leaf[y, x]] <= height + 1e-5)[scene.leaf[2::4, 2::4]]
            assert np.array_equal(mask.numpy(), inside)


def test_a_scene_of_hardly_more_than_one_leaf_has_prompts_too():
    leaf = np.zeros((64, 64), np.uint8)
    leaf[0, 0] = 1  # between the samples of the grid
    scene = Scene("", np.zeros((64, 64, 3), np.uint8), leaf, np.array([[0, 1], [1, 0]], np.float32))
    assert draw_prompts(np.random.default_rng(0), scene)["masks"].all()


def test_masks_of_the_metric_grow_with_the_granularity():
    torch.manual_seed(0)
    masks = MetricMasks()
    with torch.no_grad():
        masks.steps += torch.randn(10)
    metric, click = torch.randn(1, 4, 8, 8).repeat(11, 1, 1, 1), torch.randn(1, 4).repeat(11, 1)
    found = masks(metric, click, torch.linspace(0, 1, 11)) > 0
    for smaller, larger in zip(found, found[1:]):
        assert not (smaller & ~larger).any()


@pytest.mark.parametrize("terms", [{}, {"metric_term": False}, {"decoder_term": False}])
def test_gradients_reach_every_trained_tensor(photos, tmp_path, terms):
    recipe = nano_prompted.create(options(photos, tmp_path, **terms))
    torch.manual_seed(0)
    model = recipe.build_model(recipe.options)
    recipe.parameter_groups(model)
    source = recipe.build_data(recipe.options, 0)
    batch = source.collate([source.sample(0, k) for k in range(2)])
    with torch.no_grad():  # residual branches begin at zero, and hide what is inside them
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(0.5)
    sum(value for name, value in recipe.losses(model, batch).items() if not name.startswith("report/")).backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and parameter.grad.abs().sum() > 0
        assert not parameter.requires_grad or reached, name


def test_the_encoder_of_a_nano_run_is_kept_as_it_is(photos, tmp_path):
    plain = {**nano.DEFAULTS, "images": str(photos), "cache": str(tmp_path / "scenes"), "size": 64}
    plain.update(scene_size=80, scenes=2, batch_size=2)
    settings = Settings(steps=1, ema_decay=0.5)
    train("nano", plain, settings, tmp_path / "nano", progress=lambda text: None)
    given = options(photos, tmp_path, checkpoint=str(tmp_path / "nano" / "last.pt"))
    recipe = nano_prompted.create(given)
    model = recipe.build_model(given)
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    frozen = {name for name, p in model.encoder.named_parameters() if not p.requires_grad}
    assert {name for name in before if not name.startswith(("image_embed", "high_res"))} >= frozen
    assert "stem.0.conv.weight" in frozen and "image_embed.weight" not in frozen
    train("nano_prompted", given, Settings(steps=2), tmp_path / "prompted", progress=lambda text: None)
    state = torch.load(tmp_path / "prompted" / "last.pt")["model"]
    for name, value in before.items():
        if f"encoder.{name}" in state and not name.startswith(("image_embed", "high_res")):
            assert torch.equal(state[f"encoder.{name}"], value), name

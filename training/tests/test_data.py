import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from unsam_training.data.augment import IDENTITY, Augmentation, Colours, View, identity_view, random_view, recoloured
from unsam_training.data.geometry import moved, warped, whole_image
from unsam_training.data.images import planes, read_image, resized
from unsam_training.data.labels import labelled_images, read_labels
from unsam_training.data.prompts import box_prompt, click_prompt, correction_click, draw_click, moved_prompts
from unsam_training.data.rle import RunLengths, decode_counts, decode_mask, encode_counts, encode_mask
from unsam_training.data.samples import FRESH, LabelledViews, Sampling, Sight, draw_annotation
from unsam_training.errors import BadInput
from unsam_training.seeding import generator
from scenes_on_disk import write_scenes

WILD = Augmentation(crop=0.3, aspect=0.4, rotation=25, shear=0.2)


# Run lengths


@pytest.mark.parametrize(
    "runs, text",
    [
        ([5, 2, 2, 2, 5], "52203"),
        ([6, 1, 40, 4, 5, 4, 5, 4, 21], "61X13mN000`0"),
        ([245, 5, 35, 5, 35, 5, 35, 5, 35, 5, 1190], "e75S10000000ST1"),
    ],
)
def test_known_strings_of_coco(runs, text):
    assert decode_counts(text) == runs and encode_counts(runs) == text


@pytest.mark.parametrize("seed", range(30))
def test_masks_survive_run_lengths(seed):
    random = generator(seed)
    height, width = random.integers(1, 70, 2)
    mask = random.random((height, width)) < random.choice([0.0, 0.02, 0.5, 0.98, 1.0])
    coded = encode_mask(mask)
    assert np.array_equal(decode_mask(coded), mask)
    # Independently: runs counted one by one down the columns.
    runs, last = [0], False
    for value in mask.T.ravel():
        if value != last:
            runs.append(0)
            last = value
        runs[-1] += 1
    assert decode_counts(coded["counts"]) == runs
    region = RunLengths({"size": [int(height), int(width)], "counts": runs})
    for y, x in zip(random.integers(0, height, 20), random.integers(0, width, 20)):
        assert region.holds(int(x), int(y)) == mask[y, x]


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [2, 2], "counts": [1, 2]},
        {"size": [2, 2], "counts": [5, -1]},
        {"size": [2], "counts": [4]},
        {"size": [0, 4], "counts": []},
        {"size": [2, 2], "counts": "o"},
        {"size": [2, 2], "counts": "\x00"},
        {"size": [2, 2], "counts": "ooooooooooo0"},
        {"size": [1 << 20, 1 << 20], "counts": [1 << 40]},
        {"counts": "4"},
    ],
)
def test_wrong_run_lengths_are_refused(segmentation):
    with pytest.raises(BadInput):
        decode_mask(segmentation)


# Geometry


def dot(height, width, x, y, sigma):
    """A bright spot at (x, y) in continuous coordinates."""
    columns, rows = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    return torch.exp(-((columns[None] - x) ** 2 + (rows[:, None] - y) ** 2) / (2 * sigma**2))[None].expand(3, -1, -1)


@pytest.mark.parametrize("seed", range(40))
def test_a_point_goes_where_its_pixel_goes(seed):
    random = generator(seed)
    height, width = random.integers(60, 300, 2)
    side = int(random.choice([64, 128]))
    view = random_view(height, width, side, WILD, random)
    point = random.uniform([0.3 * width, 0.3 * height], [0.7 * width, 0.7 * height])
    where = moved(point, view.matrix)
    if not (8 < where.min() and where.max() < side - 8):
        return
    image = View(view.matrix, side).pixels(dot(height, width, *point, 3.0))[0].double()
    centres = torch.arange(side) + 0.5
    total = image.sum()
    found = torch.stack([(image.sum(0) * centres).sum(), (image.sum(1) * centres).sum()]) / total
    assert np.abs(found.numpy() - where).max() < 0.25
    # The mask of the same spot goes to the same place.
    mask = (dot(height, width, *point, 3.0)[0] > 0.2).numpy()
    target = view.masks(mask[None], side)[0].double()
    if target.sum() > 3:
        found = torch.stack([(target.sum(0) * centres).sum(), (target.sum(1) * centres).sum()]) / target.sum()
        assert np.abs(found.numpy() - where).max() < 1.0


def test_the_identity_view_is_the_networks_input_exactly():
    rgb = torch.rand(3, 61, 83)
    expected = F.interpolate(rgb[None], size=(64, 64), mode="bilinear", align_corners=False, antialias=True)[0]
    assert torch.equal(identity_view(61, 83, 64).pixels(rgb), expected)
    for seed in range(5):
        view = random_view(61, 83, 64, IDENTITY, generator(seed))
        assert torch.equal(view.pixels(rgb), expected)
        assert np.array_equal(view.to(identity_view(61, 83, 64)), np.eye(3))
    square = torch.rand(3, 64, 64)
    assert torch.equal(identity_view(64, 64, 64).pixels(square), resized(square, 64, 64))


def test_the_general_way_agrees_with_the_exact_one():
    # A map that is the identity but for rounding takes the general way.
    for height, width in ((200, 150), (64, 64), (40, 50)):
        rgb = planes((np.random.default_rng(0).random((height, width, 3)) * 255).astype(np.uint8))
        exact = whole_image(height, width, 64)
        near = exact.copy()
        near[0, 2] += 1e-9
        assert (warped(rgb, near, 64, "border") - warped(rgb, exact, 64, "border")).abs().max() < 2e-3


def test_a_mirrored_view_is_the_mirrored_image():
    rgb = torch.rand(3, 64, 64)
    view = random_view(64, 64, 64, Augmentation(1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), generator(0))
    assert (view.pixels(rgb) - rgb.flip(2)).abs().max() < 1e-5


def test_crops_stay_inside_the_image():
    for seed in range(100):
        view = random_view(100, 150, 64, Augmentation(crop=0.2, aspect=0.5, rotation=0, shear=0), generator(seed))
        corners = moved(np.array([[0, 0], [64, 0], [0, 64], [64, 64.0]]), np.linalg.inv(view.matrix))
        assert corners.min() > -1e-6 and (corners <= np.array([150, 100]) + 1e-6).all()


def test_masks_at_a_quarter_of_the_side_follow_the_view():
    mask = np.zeros((1, 100, 120), bool)
    mask[0, 30:70, 20:80] = True
    for seed in range(10):
        view = random_view(100, 120, 128, WILD, generator(seed))
        small, large = view.masks(mask, 32)[0], view.masks(mask, 128)[0]
        average = F.avg_pool2d(large[None, None].float(), 4)[0, 0]
        sure = (average < 0.2) | (average > 0.8)
        assert torch.equal(small[sure], (average > 0.5)[sure])


def test_colours_do_what_they_say():
    rgb = torch.rand(3, 20, 20) * 0.5 + 0.25
    assert recoloured(rgb, Colours()) is rgb
    assert recoloured(rgb, Colours(brightness=0.5)).mean() == pytest.approx(float(rgb.mean()) * 0.5, rel=1e-4)
    grey = recoloured(rgb, Colours(grey=True))
    assert (grey[0] - grey[1]).abs().max() < 1e-6
    assert recoloured(rgb, Colours(contrast=0.5)).std() < 0.6 * rgb.std()
    blurred = recoloured(rgb, Colours(blur=1.2))
    assert blurred.std() < 0.5 * rgb.std() and blurred.mean() == pytest.approx(float(rgb.mean()), rel=0.02)
    # A third of a turn sends red to green or blue, and keeps the sum.
    red = torch.zeros(3, 2, 2)
    red[0] = 0.6
    turned = recoloured(red, Colours(hue=1 / 3))
    assert turned[0].max() < 1e-5 and turned.sum() == pytest.approx(float(red.sum()), rel=1e-4)


# Prompts


def test_clicks_lie_inside():
    random = generator(3)
    for _ in range(50):
        mask = random.random((32, 32)) < 0.05
        mask[random.integers(0, 20) :, random.integers(0, 20) :][:9, :9] = True
        pixel = draw_click(mask, random)
        assert mask[tuple(pixel)]
        prompt = click_prompt(pixel, 4.0)
        # The encoder adds half a pixel: (x + 0.5) / S is the centre of the mask's pixel.
        assert np.allclose((prompt.coords[0] + 0.5) / 128, (pixel[::-1] + 0.5) / 32)
    solid = np.zeros((16, 16), bool)
    solid[4:11, 4:11] = True
    assert all(4 < v < 10 for _ in range(50) for v in draw_click(solid, random))


def test_boxes_hold_the_mask_but_for_the_noise():
    mask = np.zeros((32, 32), bool)
    mask[8:20, 4:28] = True
    exact = box_prompt(mask, 4.0, generator(0), noise=0)
    assert np.allclose(exact.coords + 0.5, [[16, 32], [112, 80]]) and exact.labels.tolist() == [2, 3]
    for seed in range(30):
        box = box_prompt(mask, 4.0, generator(seed))
        assert (np.abs(box.coords - exact.coords) <= np.array([96, 48]) * 0.1 + 1e-4).all()


def test_correction_clicks_hit_errors():
    torch.manual_seed(0)
    target = torch.zeros(4, 16, 16, dtype=torch.bool)
    target[:3, 4:12, 4:12] = True
    logits = torch.where(target, 5.0, -5.0)[:, None].clone()
    logits[0, 0, 5, 6] = -1  # missed
    logits[1, 0, 0, 9] = 1  # too much
    for _ in range(10):
        coords, labels = correction_click(logits, target, 4.0)
        assert ((coords[0, 0] + 0.5) / 4).tolist() == [6.5, 5.5] and labels[0, 0] == 1
        assert ((coords[1, 0] + 0.5) / 4).tolist() == [9.5, 0.5] and labels[1, 0] == 0
        column, row = ((coords[2, 0] + 0.5) / 4).long().tolist()
        assert target[2, row, column] and labels[2, 0] == 1
        assert labels[3, 0] == 0


def test_prompts_move_with_the_view():
    matrix = torch.tensor([[[-1.0, 0, 64], [0, 1, 0], [0, 0, 1]]])
    click = moved_prompts(torch.tensor([[[9.5, 19.5]]]), torch.tensor([[1]]), matrix)
    assert click.tolist() == [[[53.5, 19.5]]]
    box = moved_prompts(torch.tensor([[[9.5, 19.5], [29.5, 39.5], [3.5, 3.5]]]), torch.tensor([[2, 3, 0]]), matrix)
    assert box.tolist() == [[[33.5, 19.5], [53.5, 39.5], [59.5, 3.5]]]


# Files


def test_label_files_are_read(tmp_path):
    images, labels = write_scenes(tmp_path, 3)
    found = labelled_images(images, labels)
    assert [entry.path.name for entry in found] == [f"scene-{i}.png" for i in range(3)]
    for entry in found:
        assert read_image(entry.path).shape == (entry.height, entry.width, 3)
        assert all(annotation.region.mask().sum() == annotation.area for annotation in entry.annotations)
        assert {annotation.granularity for annotation in entry.annotations} >= {0.1}


def test_hidden_files_and_pipes_are_passed_over_and_a_byte_order_mark_is_read(tmp_path):
    images, labels = write_scenes(tmp_path, 2)
    for folder, name in ((images, "._scene-0.png"), (labels, "._scene-0.json")):
        (folder / name).write_bytes(b"\0\5\x16\7")
    if hasattr(os, "mkfifo"):
        os.mkfifo(images / "pipe.png")
        os.mkfifo(labels / "pipe.json")
    path = labels / "scene-0.json"
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert [entry.path.name for entry in labelled_images(images, labels)] == ["scene-0.png", "scene-1.png"]


def test_wrong_label_files_are_named(tmp_path):
    images, labels = write_scenes(tmp_path, 1)
    (path,) = labels.glob("*.json")
    whole = json.loads(path.read_text())
    for change in (
        lambda c: c["annotations"][0].update(granularity=1.5),
        lambda c: c["annotations"][0]["segmentation"].update(size=[3, 3]),
        lambda c: c["annotations"][0].pop("area"),
        lambda c: c["image"].update(width="wide"),
        lambda c: c.update(annotations=[7]),
    ):
        content = json.loads(json.dumps(whole))
        change(content)
        path.write_text(json.dumps(content))
        with pytest.raises(BadInput, match=path.name):
            read_labels(path)
    path.write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        labelled_images(images, labels)
    path.write_text('{"other": 1}')
    with pytest.raises(BadInput, match="No label file"):
        labelled_images(images, labels)
    with pytest.raises(BadInput, match="is no folder"):
        labelled_images(tmp_path / "none", labels)


def test_images_of_many_kinds(tmp_path):
    grey16 = (np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8)
    Image.fromarray(grey16).save(tmp_path / "16.png")
    assert np.array_equal(read_image(tmp_path / "16.png")[..., 1], (grey16 >> 8).astype(np.uint8))
    Image.new("RGBA", (5, 4), (10, 20, 30, 255)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (4, 5, 3)
    turned = Image.new("RGB", (6, 3))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "t.jpg", exif=exif)
    assert read_image(tmp_path / "t.jpg").shape == (6, 3, 3)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    with pytest.raises(BadInput, match="broken.png"):
        read_image(tmp_path / "broken.png")


# Samples


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return labelled_images(*write_scenes(tmp_path_factory.mktemp("scenes"), 5))


def source(scenes, **how):
    given = {"side": 128, "target_side": 32, "batch_size": 4, "prompts_per_image": 6, "augmentation": WILD, **how}
    return LabelledViews(scenes, Sampling(**given), seed=3)


@pytest.mark.parametrize("views", [0, 4, FRESH])
def test_samples_depend_on_seed_step_and_index_alone(scenes, views):
    one, two = source(scenes, views=views), source(scenes, views=views)
    for step in (0, 7, 3):
        two.sample(step + 1, 2)
        a, b = one.sample(step, 1), two.sample(step, 1)
        assert a["first"] == b["first"] and a["second"] == b["second"]
        for name in ("coords", "labels", "granularity", "masks", "weight", "between"):
            assert np.array_equal(a[name], b[name]), name


def test_every_image_comes_once_an_epoch(scenes):
    data = source(scenes, batch_size=5)
    for step in range(4):
        assert sorted(data.sample(step, index)["first"].image for index in range(5)) == list(range(5))


def test_clicks_lie_in_their_masks_and_chains_share_a_click(scenes):
    data = source(scenes, views=FRESH, box_probability=0.0, chain_probability=1.0)
    shared = 0
    for step in range(20):
        sample = data.sample(step, 0)
        for coords, mask, weight in zip(sample["coords"], sample["masks"], sample["weight"]):
            column, row = ((coords[0] + 0.5) / 4).astype(int)
            assert weight == 0 or mask[row, column]
        clicks = {}
        for coords, granularity in zip(sample["coords"], sample["granularity"]):
            clicks.setdefault(tuple(coords[0]), set()).add(float(granularity))
        shared += sum(len(values) > 1 for values in clicks.values())
    assert shared > 10


def test_all_granularities_are_drawn_though_most_masks_are_small(scenes):
    whole = max(scenes[0].annotations, key=lambda a: a.granularity)
    small = min(scenes[0].annotations, key=lambda a: a.granularity)
    crowded = replace(scenes[0], annotations=(whole, *[small] * 200))
    random = generator(0)
    drawn = [draw_annotation(crowded, random) is whole for _ in range(200)]
    assert 70 < sum(drawn) < 130


def test_an_image_that_is_not_what_was_labelled_is_named(tmp_path):
    images, labels = write_scenes(tmp_path, 1)
    data = source(labelled_images(images, labels))
    Image.new("RGB", (50, 40)).save(images / "scene-0.png")
    with pytest.raises(BadInput, match="scene-0.png has 50 x 40 pixels; its label file says 120 x 96"):
        data.pixels(Sight(0, 0))


def test_the_source_can_be_sent_to_other_processes(scenes):
    sent = pickle.loads(pickle.dumps(source(scenes)))
    assert np.array_equal(sent.sample(3, 1)["masks"], source(scenes).sample(3, 1)["masks"])


def test_batches_fit_together(scenes):
    data = source(scenes, views=FRESH, box_probability=1.0)
    batch = data.collate([data.sample(0, index) for index in range(4)])
    assert batch.images.tolist() == [i for i in range(4) for _ in range(6)]
    assert batch.coords.shape == (24, 2, 2) and batch.masks.shape == (24, 32, 32) and batch.masks.dtype == torch.bool
    assert data.pixels(batch.first[0]).shape == (3, 128, 128)
    # What the maps between the views say is what the views themselves do.
    for image, (first, second) in enumerate(zip(batch.first, batch.second)):
        point = np.array([60.0, 70.0])
        original = moved(point, np.linalg.inv(data.view(first).matrix))
        assert np.allclose(moved(point, batch.between[image].numpy()), moved(original, data.view(second).matrix))

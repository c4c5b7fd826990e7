import numpy as np
import pytest
from PIL import Image

from unsam_training.data.scenes import boundary_map, contact_sheet, make_scene, shippable_photos, tree_distances
from unsam_training.data.scenes_layouts import LAYOUTS
from unsam_training.data.scenes_textures import TextureBank
from unsam_training.errors import BadInput


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for k in range(2):
        pixels = np.random.default_rng(k).integers(0, 255, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return TextureBank(sorted(folder.glob("*.png")))


@pytest.mark.parametrize("kind", sorted(LAYOUTS))
def test_a_scene_is_a_function_of_seed_and_index(bank, kind):
    first, again = make_scene(3, 5, 96, bank, kind), make_scene(3, 5, 96, bank, kind)
    assert np.array_equal(first.image, again.image) and np.array_equal(first.leaf, again.leaf)
    assert not np.array_equal(first.image, make_scene(3, 6, 96, bank, kind).image)


@pytest.mark.parametrize("kind", sorted(LAYOUTS))
@pytest.mark.parametrize("index", range(3))
def test_distances_form_a_tree(bank, kind, index):
    scene = make_scene(1, index, 96, bank, kind)
    d = scene.distance
    assert np.array_equal(np.unique(scene.leaf), np.arange(len(d))), "every leaf is visible"
    assert np.array_equal(d, d.T) and np.all(np.diag(d) == 0)
    off = d[~np.eye(len(d), dtype=bool)]
    assert off.min() > 0 and off.max() <= 1
    # An ultrametric: of the three distances among three leaves the two largest are equal.
    assert np.all(d[:, :, None] <= np.maximum(d[:, None, :], d[None, :, :]) + 1e-6)


def test_tree_distances_are_heights_of_the_smallest_common_node():
    #        0 (1.0)
    #      1 (0.6)   4
    #     2     3
    parents, heights = np.array([0, 0, 1, 1, 0]), np.array([1, 0.6, 0, 0, 0], np.float32)
    expected = np.array([[0, 0.6, 1], [0.6, 0, 1], [1, 1, 0]], np.float32)
    assert np.array_equal(tree_distances(parents, heights, [2, 3, 4]), expected)


def test_boundary_map_marks_both_sides_with_the_height_at_which_they_meet():
    leaf = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]])
    distance = np.array([[0, 0.4, 1], [0.4, 0, 1], [1, 1, 0]], np.float32)
    expected = np.array([[0, 0.4, 0.4, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], np.float32)
    assert np.array_equal(boundary_map(leaf, distance), expected)


def test_only_shippable_photos_give_textures(tmp_path):
    (tmp_path / "index.csv").write_text(
        'file,source,licence,attribution,shippable\nb.jpg,x,CC0,"A, B",yes\na.jpg,x,CC BY,C,yes\nc.jpg,x,research,D,no\n'
    )
    assert [file.name for file in shippable_photos(tmp_path)] == ["a.jpg", "b.jpg"]


def test_a_contact_sheet_has_a_tile_for_each_scene(bank):
    sheet = contact_sheet([make_scene(0, k, 64, bank) for k in range(5)], columns=4)
    assert sheet.size == (4 * 64, 2 * 2 * 64)


def test_a_folder_without_its_table_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(BadInput, match="has no index.csv; write one with the columns file and shippable"):
        shippable_photos(tmp_path)
    (tmp_path / "index.csv").write_text("name,yes\na.jpg,yes\n")
    with pytest.raises(BadInput, match="no row with the columns file and shippable"):
        shippable_photos(tmp_path)

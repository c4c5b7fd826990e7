"""Small images with exact part-whole masks and the label files that belong to them."""

import json

import numpy as np
from PIL import Image

from unsam_training.data.rle import encode_mask
from unsam_training.seeding import generator


def scene(number, height=96, width=120):
    """A rectangle with two parts on a plain ground: RGB and [(mask, granularity, is_part)]."""
    random = generator(17, number)
    rgb = np.full((height, width, 3), random.integers(0, 90, 3), np.uint8)
    top, left = random.integers(8, 24), random.integers(8, 30)
    whole = np.zeros((height, width), bool)
    whole[top : top + 56, left : left + 72] = True
    parts = [np.zeros_like(whole), np.zeros_like(whole)]
    parts[0][top + 6 : top + 30, left + 6 : left + 30] = True
    parts[1][top + 14 : top + 50, left + 38 : left + 66] = True
    rgb[whole] = random.integers(100, 170, 3)
    for part in parts:
        rgb[part] = random.integers(180, 256, 3)
    noisy = np.clip(rgb + random.normal(0, 4, rgb.shape), 0, 255).astype(np.uint8)
    roots = [np.sqrt(mask.sum()) for mask in (whole, *parts)]
    granularity = [0.1 + 0.9 * (root - min(roots)) / (max(roots) - min(roots)) for root in roots]
    return noisy, [(mask, g, index > 0) for index, (mask, g) in enumerate(zip((whole, *parts), granularity))]


def write_scenes(folder, count):
    """`count` images in `folder/images` and their labels in `folder/labels`."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir()
    labels.mkdir()
    for number in range(count):
        rgb, masks = scene(number)
        name = f"scene-{number}"
        Image.fromarray(rgb).save(images / f"{name}.png")
        annotations = []
        for index, (mask, granularity, is_part) in enumerate(masks):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            annotations.append(
                {
                    "id": index,
                    "segmentation": encode_mask(mask),
                    "bbox": [int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1],
                    "area": int(mask.sum()),
                    "granularity": min(1.0, float(granularity)),
                    "instance_id": 0,
                    "is_part": is_part,
                    "predicted_iou": 1.0,
                    "stability_score": 1.0,
                }
            )
        height, width = rgb.shape[:2]
        image = {"file_name": f"{name}.png", "width": width, "height": height, "image_id": number}
        (labels / f"{name}.json").write_text(json.dumps({"image": image, "annotations": annotations}))
    return images, labels

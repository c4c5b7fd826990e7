import math

import pytest
import torch

from unsam_training.modules.layers import gelu
from unsam_training.objectives.boundary_alignment import boundary_alignment
from unsam_training.objectives.consistency import consistency_loss
from unsam_training.objectives.correction import Answer, corrections
from unsam_training.objectives.mask_loss import dice_loss, focal_loss, mask_iou, mask_losses
from unsam_training.objectives.patch_contrast import patch_contrast
from unsam_training.recipes.adapt import carried_regions

EYE = torch.eye(3, dtype=torch.float64)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def slope_agrees(function, x, step=1e-2):
    """The gradient against the loss's rise along it (finite differences)."""
    x = x.clone().requires_grad_()
    torch.manual_seed(1)
    (gradient,) = torch.autograd.grad(function(x), x)
    assert gradient.norm() > 0
    along = gradient / gradient.norm()
    values = []
    for sign in (1, -1):
        torch.manual_seed(1)
        values.append(float(function(x.detach() + sign * step * along)))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(gradient.norm()), rel=0.02)


def test_mask_losses_are_what_their_formulas_say():
    logits, target = 3 * torch.randn(3, 5, 7), torch.rand(3, 5, 7) > 0.6
    focal, dice, iou = [], [], []
    for plane, truth in zip(logits.double(), target):
        total, overlap, mass, both, either = 0.0, 0.0, 0.0, 0, 0
        for z, t in zip(plane.flatten().tolist(), truth.flatten().tolist()):
            p = 1 / (1 + math.exp(-z))
            total += -0.25 * (1 - p) ** 2 * math.log(p) if t else -0.75 * p**2 * math.log(1 - p)
            overlap += p * t
            mass += p + t
            both += z > 0 and t
            either += z > 0 or t
        focal.append(total / 35)
        dice.append(1 - (2 * overlap + 1) / (mass + 1))
        iou.append(both / either)
    assert torch.allclose(focal_loss(logits, target.float()), torch.tensor(focal), rtol=1e-4)
    assert torch.allclose(dice_loss(logits, target.float()), torch.tensor(dice), rtol=1e-4)
    assert torch.allclose(mask_iou(logits > 0, target), torch.tensor(iou))
    predicted, weight = torch.rand(3), torch.tensor([1.0, 0.0, 1.0])
    found = mask_losses(logits, target, predicted, weight)
    assert found.focal.item() == pytest.approx((focal[0] + focal[2]) / 2, rel=1e-4)
    assert found.iou.item() == pytest.approx(
        (abs(predicted[0] - iou[0]) + abs(predicted[2] - iou[2])).item() / 2, rel=1e-4
    )
    slope_agrees(
        lambda x: mask_losses(x, target, predicted, weight).focal + mask_losses(x, target, predicted, weight).dice,
        logits,
    )


def test_nothing_to_learn_from_is_zero_and_not_nan():
    logits = torch.randn(2, 8, 8, requires_grad=True)
    none, nothing = torch.zeros(2), torch.zeros(2, 8, 8, dtype=torch.bool)
    features, regions = torch.randn(2, 4, 8, 8, requires_grad=True), torch.full((2, 8, 8), -1)
    losses = [
        *mask_losses(logits, nothing, none, none)[:3],
        consistency_loss(logits, logits, EYE.expand(2, 3, 3), none),
        patch_contrast(features, features, regions, regions),
        boundary_alignment(features, regions),
        # One region alone has nothing to be held against.
        patch_contrast(features, features, regions + 1, regions + 1),
        boundary_alignment(features, regions + 1),
    ]
    assert [float(loss) for loss in losses] == [0] * 8
    sum(losses).backward()
    assert torch.isfinite(logits.grad).all() and torch.isfinite(features.grad).all()
    assert mask_iou(nothing, nothing).tolist() == [1, 1]


def test_consistency_is_exactly_zero_for_identical_views():
    logits, weight = 20 * torch.randn(4, 16, 16), torch.ones(4)
    assert consistency_loss(logits, logits, EYE.expand(4, 3, 3), weight).item() == 0.0
    assert consistency_loss(logits, logits + 0.1, EYE.expand(4, 3, 3), weight).item() > 0


def test_consistency_follows_the_map_between_views():
    ones = torch.ones(1)
    smooth = torch.nn.functional.interpolate(torch.randn(1, 1, 4, 4), size=(32, 32), mode="bicubic")[0] * 4
    mirror = torch.tensor([[-1.0, 0, 32], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)[None]
    assert consistency_loss(smooth, smooth.flip(2), mirror, ones).item() < 1e-9
    shift = torch.tensor([[1.0, 0, 5], [0, 1, -3], [0, 0, 1]], dtype=torch.float64)[None]
    moved = torch.full_like(smooth, 9.0)
    moved[:, :29, 5:] = smooth[:, 3:, :27]
    # What only one of the views shows does not count.
    assert consistency_loss(smooth, moved, shift, ones).item() < 1e-9
    assert consistency_loss(smooth, smooth, shift, ones).item() > 0.01
    slope_agrees(lambda x: consistency_loss(smooth, x, shift, ones), torch.randn(1, 32, 32), step=0.1)
    teacher = smooth.clone().requires_grad_()
    student = torch.randn(1, 32, 32, requires_grad=True)
    consistency_loss(teacher, student, shift, ones).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0


def test_consistency_is_the_divergence_of_the_two_answers():
    p, q = torch.tensor([[[0.3]]]), torch.tensor([[[-1.2]]])
    a, b = 1 / (1 + math.exp(-0.3)), 1 / (1 + math.exp(1.2))
    expected = a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))
    assert consistency_loss(p, q, EYE[None], torch.ones(1)).item() == pytest.approx(expected, rel=1e-4)


def test_regions_are_carried_like_pixels():
    regions = torch.arange(64).reshape(1, 8, 8)
    mirror = torch.tensor([[-1.0, 0, 8], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)[None]
    assert torch.equal(carried_regions(regions, mirror), regions.flip(2))
    assert torch.equal(carried_regions(regions, EYE[None]), regions)
    shift = torch.tensor([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)[None]
    carried = carried_regions(regions, shift)
    assert (carried[:, :, :2] == -1).all() and torch.equal(carried[:, :, 2:], regions[:, :, :6])


def test_patch_contrast_knows_what_belongs_together():
    regions = torch.zeros(2, 8, 8, dtype=torch.long)
    regions[:, :, 4:] = 1
    apart = torch.stack([(regions == 0).float(), (regions == 1).float()], dim=1)
    good = patch_contrast(apart, apart, regions, regions)
    mixed = patch_contrast(apart, apart, regions, 1 - regions)
    random = patch_contrast(torch.randn(2, 8, 8, 8), torch.randn(2, 8, 8, 8), regions, regions)
    # With n positives of equal weight and no negative that matters the loss is log n; about half of 64 are positives.
    assert good.item() == pytest.approx(math.log(32), abs=0.2) and good < random < mixed
    slope_agrees(lambda x: patch_contrast(x, apart, regions, regions), torch.rand(2, 2, 8, 8))


def test_patch_contrast_is_infonce_with_one_positive():
    # Two patches, each the other view's only positive: cross entropy over the two similarities.
    a, b = torch.randn(1, 6, 1, 2), torch.randn(1, 6, 1, 2)
    regions = torch.tensor([[[0, 1]]])
    unit = [torch.nn.functional.normalize(x[0, :, 0].T, dim=1) for x in (a, b)]
    similarity = unit[0] @ unit[1].T / 0.1
    expected = torch.nn.functional.cross_entropy(similarity, torch.arange(2)).item()
    # Drawing repeats the two patches about equally often: log of the repetitions comes on top.
    found = patch_contrast(a, b, regions, regions, patches=4096).item()
    assert found - math.log(2048) == pytest.approx(expected, abs=0.15)


def test_boundary_alignment_by_hand():
    features, regions = torch.randn(2, 5, 9, 9), torch.randint(0, 3, (2, 9, 9)).repeat_interleave(1, dim=0)
    regions[:, 0] = -1
    unit = torch.nn.functional.normalize(features, dim=1)
    total, count = 0.0, 0
    for n in range(2):
        for y in range(9):
            for x in range(9):
                for dy, dx in ((0, 2), (2, 0), (0, -2), (-2, 0)):
                    r, q = (y + dy, x + dx), (y - dy, x - dx)
                    if not all(0 <= v < 9 for v in (*r, *q)):
                        continue
                    here, there, behind = regions[n, y, x], regions[n][r], regions[n][q]
                    if here < 0 or there < 0 or there == here or behind != here:
                        continue
                    across, along = (float(unit[n, :, y, x] @ unit[n][:, p[0], p[1]]) for p in (r, q))
                    total += math.log1p(math.exp((across - along) / 0.1))
                    count += 1
    # `directions` shortens vectors a little.
    assert count > 50 and boundary_alignment(features, regions).item() == pytest.approx(total / count, rel=0.03)
    slope_agrees(lambda x: boundary_alignment(x, regions), features, step=0.02)


def test_features_near_zero_have_bounded_gradients():
    features, regions = torch.randn(2, 8, 16, 16), (torch.rand(2, 16, 16) > 0.5).long()
    features[:, :, :8] *= 1e-9
    features.requires_grad_()
    (boundary_alignment(features, regions) + patch_contrast(features, features, regions, regions)).backward()
    assert features.grad.abs().max() < 10


def test_gelu_has_the_right_gradient_whatever_the_layout():
    x = torch.randn(2, 8, 16, 16, requires_grad=True)
    gradient = torch.randn(2, 256, 8).transpose(1, 2).unflatten(2, (16, 16))
    gelu(x).backward(gradient)
    z = x.detach()
    slope = 0.5 * (1 + torch.erf(z / math.sqrt(2))) + z * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert torch.allclose(x.grad, slope * gradient, atol=1e-5)


def test_corrections_add_clicks_and_feed_the_answer_back():
    target = torch.zeros(2, 8, 8, dtype=torch.bool)
    target[:, 2:6, 2:6] = True
    asked = []

    def answer(coords, labels, mask):
        asked.append((coords, labels, mask))
        return Answer(mask + 1, torch.rand(2))

    first = Answer(torch.full((2, 1, 8, 8), -50.0, requires_grad=True), torch.rand(2))
    start = torch.zeros(2, 1, 2), torch.ones(2, 1, dtype=torch.long)
    answers = list(corrections(answer, first, *start, target, 3, stride=4.0))
    assert len(answers) == 3 and [coords.shape[1] for coords, _, _ in asked] == [2, 3, 4]
    assert (asked[0][2] == -32).all() and not asked[0][2].requires_grad
    for n in range(2):
        column, row = ((asked[-1][0][n, 1] + 0.5) / 4).long().tolist()
        assert target[n, row, column] and asked[-1][1][n, 1] == 1


def test_a_round_of_corrections_may_be_drawn_from_the_target():
    torch.manual_seed(3)
    target = torch.zeros(1, 8, 8, dtype=torch.bool)
    target[:, :2] = True
    # All that is wrong lies below the target, where a click is background.
    first = Answer(torch.full((1, 1, 4, 4), 50.0), torch.rand(1))
    start = torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.long)

    def kinds(chance):
        asked = []

        def answer(coords, labels, mask):
            asked.append(labels[0, -1].item())
            assert mask.shape == (1, 1, 4, 4)
            return Answer(mask, torch.rand(1))

        list(corrections(answer, first, *start, target, 200, 1.0, chance))
        return asked

    assert kinds(0.0) == [0] * 200 and kinds(1.0) == [1] * 200
    assert 5 <= sum(kinds(0.1)) <= 40

import json

import pytest
import torch

from parity import FIXTURE, SHARED, Parity, needs_shared, relative_error, shared_parity
from unsam_training.checkpoint.state_dict import read_state_dict
from unsam_training.errors import BadInput
from unsam_training.modules.config import parse_config, read_config, recognised_config, written_config
from unsam_training.modules.lora import LoraLinear
from unsam_training.modules.model import SegmentationModel, load_model

UNSAMV2, SAM21 = shared_parity("unsamv2-mini"), shared_parity("sam21-mini")
LIMIT = 1e-4


def load(parity, file, **how):
    config = parse_config(read_config(parity.folder / "config.json"))
    return load_model(read_state_dict(file), config, **how)


@pytest.fixture(scope="module")
def unsamv2():
    return load(UNSAMV2, UNSAMV2.folder / "checkpoint.pt").model.eval()


@pytest.fixture(scope="module")
def unsamv2_lora():
    return load(UNSAMV2, SHARED / "parity/unsamv2-mini-safetensors/checkpoint.safetensors", lora_rank=8).model.eval()


@pytest.fixture(scope="module")
def sam21():
    return load(SAM21, SAM21.folder / "checkpoint.safetensors").model.eval()


def features_of(parity, model, image):
    entry = parity.images[image]
    embed = parity.array(entry["image_embed"])
    if "high_res_feats_0" in entry:
        return type(model.encode(torch.zeros(1, 3, 256, 256)))(
            embed, parity.array(entry["high_res_feats_0"]), parity.array(entry["high_res_feats_1"])
        )
    return None


@torch.no_grad()
def check_encoder(parity, model):
    entry = parity.images["img0"]
    pixels = parity.array(entry["input"])
    features = model.encode(pixels)
    for name, value in zip(("image_embed", "high_res_feats_0", "high_res_feats_1"), features):
        assert relative_error(value, parity.array(entry[name])) < LIMIT, name
    patches = model.image_encoder.trunk.patch_embed(pixels).permute(0, 3, 1, 2)
    assert relative_error(patches[:, :, :16], parity.array("stages/patch_embed.npy")) < LIMIT
    for stage, level in enumerate(model.image_encoder.trunk(pixels)):
        assert relative_error(level, parity.array(f"stages/trunk_stage_{stage}.npy")) < LIMIT, stage
    grid = model.sam_prompt_encoder.pe_layer.grid(16)
    assert relative_error(grid[None], parity.array("stages/dense_pe.npy")) < LIMIT


@torch.no_grad()
def check_case(parity, model, features, case):
    decoded = model.decode(features, parity.prompts(case, model.config.image_size))
    expected = case["expected"]
    logits = parity.array(expected["low_res_logits"])
    iou = parity.array(expected["predicted_iou"])
    if model.sam_mask_decoder.granular:
        found, score = (
            decoded.masks,
            decoded.iou[:, 1:].amax(1, keepdim=True) if case["multimask_output"] else decoded.iou[:, :1],
        )
    else:
        index = torch.tensor(expected["mask_tokens"])
        found = decoded.masks.gather(1, index[:, :, None, None].expand(-1, -1, *decoded.masks.shape[2:]))
        score = decoded.iou.gather(1, index)
    assert relative_error(found, logits) < LIMIT
    assert (score - iou).abs().max() < 2e-5
    assert (decoded.object_score - parity.array(expected["object_score_logits"])).abs().max() < 2e-4


@needs_shared
def test_encoder_of_unsamv2(unsamv2):
    check_encoder(UNSAMV2, unsamv2)


@needs_shared
def test_encoder_of_sam21(sam21):
    check_encoder(SAM21, sam21)


def cases(parity):
    return [case for case in parity.cases.values() if case["image"] == "img0"] if parity else []


@needs_shared
@pytest.mark.parametrize("case", cases(UNSAMV2), ids=lambda case: case["id"])
def test_decoder_of_unsamv2(unsamv2, unsamv2_lora, case):
    features = features_of(UNSAMV2, unsamv2, "img0")
    check_case(UNSAMV2, unsamv2, features, case)
    check_case(UNSAMV2, unsamv2_lora, features, case)


@needs_shared
@pytest.mark.parametrize("case", cases(SAM21), ids=lambda case: case["id"])
def test_decoder_of_sam21(sam21, case):
    check_case(SAM21, sam21, features_of(SAM21, sam21, "img0"), case)


@needs_shared
@pytest.mark.parametrize("case", ["i0-click-g050", "i0-mask-click", "i0-batch3-2points"])
@torch.no_grad()
def test_stages_of_the_decoder(unsamv2, case):
    features = features_of(UNSAMV2, unsamv2, "img0")
    prompts = UNSAMV2.prompts(UNSAMV2.cases[case], 256)
    decoded = unsamv2.decode(features, prompts)
    sparse = unsamv2.sam_prompt_encoder.tokens(prompts.coords, prompts.labels, prompts.granularity)
    assert relative_error(sparse, UNSAMV2.array(f"stages/{case}.sparse_embeddings.npy")) < LIMIT
    assert relative_error(decoded.tokens, UNSAMV2.array(f"stages/{case}.tokens_out.npy")) < LIMIT
    assert (decoded.iou - UNSAMV2.array(f"stages/{case}.iou_all.npy")).abs().max() < 2e-5


@needs_shared
@torch.no_grad()
def test_prompts_of_unequal_length_in_one_batch_do_not_disturb_each_other(unsamv2):
    features = features_of(UNSAMV2, unsamv2, "img0")
    short = UNSAMV2.prompts(UNSAMV2.cases["i0-click-g050"], 256)
    encoder, position = unsamv2.sam_prompt_encoder, unsamv2.sam_prompt_encoder.pe_layer.grid(16)
    tokens = encoder.tokens(short.coords, short.labels, short.granularity)
    filled = torch.cat([tokens, torch.randn(1, 3, 256)], dim=1)
    seen = torch.tensor([[True] * tokens.shape[1] + [False] * 3])
    alone = unsamv2.sam_mask_decoder(features, position, tokens, encoder.no_mask())
    among = unsamv2.sam_mask_decoder(features, position, filled, encoder.no_mask(), seen)
    assert relative_error(among.masks, alone.masks) < 1e-5


def test_the_trimmed_set_that_is_always_here():
    parity = Parity(FIXTURE)
    tensors = read_state_dict(FIXTURE / "checkpoint.safetensors")
    config = parse_config(read_config(FIXTURE / "config.json"))
    # It has no encoder; any will do.
    encoder = {
        name: value
        for name, value in SegmentationModel(config).state_dict().items()
        if name.startswith(("image_encoder", "no_mem_embed"))
    }
    model = load_model({**encoder, **tensors}, config).model.eval()
    features = features_of(parity, model, "img0")
    assert len(parity.cases) > 10
    for case in parity.cases.values():
        check_case(parity, model, features, case)


@needs_shared
def test_a_file_that_lacks_something_is_refused_by_name():
    config = parse_config(read_config(UNSAMV2.folder / "config.json"))
    with pytest.raises(BadInput, match="transformer.layers.1.norm4.weight"):
        load_model(read_state_dict(SHARED / "parity/hostile/missing-tensor.pt"), config)
    with pytest.raises(BadInput, match=r"gra_token.weight is \[2, 128\].*\[1, 256\]"):
        load_model(read_state_dict(SHARED / "parity/hostile/wrong-shape.pt"), config)


@needs_shared
def test_a_plain_sam21_gets_granularity_modules_and_lora():
    loaded = load(SAM21, SAM21.folder / "checkpoint.safetensors", granularity=True, lora_rank=8)
    # 28 LoRA pairs, the embedder's 6 tensors and the embedding, the mask token, the hypernetwork's 6 tensors.
    assert len(loaded.added) == 56 + 7 + 1 + 6
    assert sum(isinstance(module, LoraLinear) for module in loaded.model.modules()) == 28
    assert "memory_attention.norm.weight" in loaded.carried
    # Its granularity mask begins as mask 0; only one more token takes part in the attention.
    plain = load(SAM21, SAM21.folder / "checkpoint.safetensors").model.eval()
    features = features_of(SAM21, plain, "img0")
    prompts = SAM21.prompts(SAM21.cases["i0-click-stable"], 256)
    with torch.no_grad():
        own, grown = plain.decode(features, prompts), loaded.model.eval().decode(features, prompts)
    assert own.masks.shape[1] == 4 and grown.masks.shape[1] == 1
    assert relative_error(grown.masks[:, 0], own.masks[:, 0]) < 0.2


@needs_shared
@pytest.mark.parametrize("parity", [UNSAMV2, SAM21], ids=["unsamv2", "sam21"])
def test_a_configuration_survives_being_written(parity):
    config = parse_config(read_config(parity.folder / "config.json"))
    assert parse_config(json.loads(json.dumps(written_config(config, "x")))) == config


def test_published_sizes_are_recognised():
    tensors = {"image_encoder.trunk.patch_embed.proj.weight": torch.empty(96, 3, 7, 7)}
    widths = [96] + [192] * 2 + [384] * 11 + [768] * 2
    for index, width in enumerate(widths):
        tensors[f"image_encoder.trunk.blocks.{index}.attn.proj.weight"] = torch.empty(width, width, device="meta")
    assert recognised_config(tensors).trunk.global_att_blocks == (7, 10, 13)
    assert recognised_config({}) is None

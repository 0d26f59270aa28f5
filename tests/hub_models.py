"""Tiny networks of transformers with random weights, packed as the folders that people download."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from model_adapters.pytorch.hugging_face.library import library
from xai_core.types import ModelSource

LABELS = {0: "cat", 1: "dog", 2: "owl"}
SIDE = 32
SEEN = {"image_size": SIDE, "num_channels": 3, "num_labels": 3, "id2label": LABELS}
BLOCKS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "patch_size": 8}
STAGES = {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"}
SWIN = {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4, "patch_size": 4}

CLASSIFIERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ViTForImageClassification": ("vit", BLOCKS),
    "DeiTForImageClassification": ("deit", BLOCKS),
    "DeiTForImageClassificationWithTeacher": ("deit", BLOCKS),
    "ViTMSNForImageClassification": ("vit_msn", BLOCKS),
    "BeitForImageClassification": ("beit", BLOCKS),
    "Data2VecVisionForImageClassification": ("data2vec-vision", BLOCKS),
    "Dinov2ForImageClassification": ("dinov2", BLOCKS),
    "Dinov2WithRegistersForImageClassification": ("dinov2_with_registers", BLOCKS | {"num_register_tokens": 2}),
    "IJepaForImageClassification": ("ijepa", BLOCKS),
    "SwinForImageClassification": ("swin", SWIN),
    "Swinv2ForImageClassification": ("swinv2", SWIN),
    "ConvNextForImageClassification": ("convnext", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}),
    "ConvNextV2ForImageClassification": ("convnextv2", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}),
    "ResNetForImageClassification": ("resnet", STAGES),
    "RegNetForImageClassification": (
        "regnet",
        {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "groups_width": 8},
    ),
    "MobileNetV1ForImageClassification": ("mobilenet_v1", {"depth_multiplier": 0.25}),
    "MobileNetV2ForImageClassification": ("mobilenet_v2", {"depth_multiplier": 0.35}),
    "MobileViTForImageClassification": (
        "mobilevit",
        {"hidden_sizes": [16, 20, 24], "neck_hidden_sizes": [8, 8, 16, 16, 24, 32, 64], "patch_size": 2},
    ),
    "MobileViTV2ForImageClassification": ("mobilevitv2", {"width_multiplier": 0.5, "image_size": 64}),
    "EfficientNetForImageClassification": (
        "efficientnet",
        {"width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 320},
    ),
    "PoolFormerForImageClassification": (
        "poolformer",
        {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    ),
    "SegformerForImageClassification": (
        "segformer",
        {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 3, 4]},
    ),
    "PvtV2ForImageClassification": (
        "pvt_v2",
        {
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 3, 4],
            "image_size": SIDE,
        },
    ),
    "FocalNetForImageClassification": ("focalnet", {"embed_dim": 16, "depths": [1, 1], "patch_size": 4}),
    "BitForImageClassification": (
        "bit",
        {"embedding_size": 16, "hidden_sizes": [32, 64], "depths": [1, 1], "num_groups": 4},
    ),
    "HieraForImageClassification": (
        "hiera",
        {
            "embed_dim": 16,
            "image_size": [SIDE, SIDE],
            "depths": [1, 1],
            "num_heads": [1, 2],
            "num_query_pool": 1,
            "masked_unit_size": [4, 4],
        },
    ),
    "CLIPForImageClassification": (
        "clip",
        {"vision_config": BLOCKS | {"image_size": SIDE}, "text_config": BLOCKS | {"vocab_size": 20}},
    ),
    "SiglipForImageClassification": (
        "siglip",
        {"vision_config": BLOCKS | {"image_size": SIDE}, "text_config": BLOCKS | {"vocab_size": 20}},
    ),
}


WORDS = ("<pad>", "<start>", "a", "photo", "of", "cat", "dog", "owl", "small", "grey", "?", "<end>")
MATCHERS = {"CLIPModel": "clip", "SiglipModel": "siglip", "Siglip2Model": "siglip2"}


def matcher(name: str, words: int) -> Any:
    """Return a tiny CLIP or SigLIP with random weights, for a tokenizer of some words of which the last is the end."""
    texts = {**BLOCKS, "vocab_size": words, "max_position_embeddings": 16, "pad_token_id": 0, "eos_token_id": words - 1}
    del texts["patch_size"]
    sizes = {"num_patches": (SIDE // BLOCKS["patch_size"]) ** 2} if name == "Siglip2Model" else {"image_size": SIDE}
    parts = {"vision_config": BLOCKS | sizes, "text_config": texts | {"projection_size": 32}}
    torch.manual_seed(0)
    config = library().AutoConfig.for_model(MATCHERS[name], projection_dim=24, **parts)
    return _random(getattr(library(), name)(config).eval())


def network(name: str, **settings: Any) -> Any:
    """Return a tiny network of transformers with random weights, in eval mode."""
    transformers = library()
    model_type, own = CLASSIFIERS[name]
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(model_type, **(SEEN | own | settings))
    return _random(getattr(transformers, name)(config).eval())


def _random(module: Any) -> Any:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():  # many layers start near zero, behind which nothing would be seen
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)
            else:
                parameter += 0.1 * torch.randn_like(parameter)
    return module


def packed(module: Any, place: Path, **files: Mapping[str, Any] | bytes) -> ModelSource:
    """Write a network's folder as a zip, with further files by name; "_" in a name stands for "."."""
    config = module.config.to_dict() | {"architectures": [type(module).__name__]}
    parts: dict[str, bytes] = {"config.json": json.dumps(config).encode(), "model.safetensors": weights_of(module)}
    for name, content in files.items():
        parts[name.replace("__", ".")] = content if isinstance(content, bytes) else json.dumps(content).encode()
    return zipped({name: data for name, data in parts.items() if data != b"null"}, place)


def zipped(parts: Mapping[str, bytes], place: Path, folder: str = "") -> ModelSource:
    """Write files as a zip, inside a folder, and return it as a source."""
    with zipfile.ZipFile(place / "upload.zip", "w") as archive:
        for name, data in parts.items():
            archive.writestr(folder + name, data)
    return ModelSource(str(place / "upload.zip"), "upload.zip", "digest")


def weights_of(module: Any) -> bytes:
    """Return a network's weights as a safetensors file; tensors that are shared are written once."""
    seen: set[int] = set()
    kept = {}
    for name, tensor in module.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            kept[name] = tensor.contiguous()
    return bytes(save(kept, {"format": "pt"}))


QUERIES = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "num_queries": 12,
    "num_labels": 3,
    "id2label": LABELS,
}
BACKBONE = {"model_type": "resnet", **STAGES, "out_features": ["stage2"]}
PYRAMID = {
    "model_type": "rt_detr_resnet",
    "embedding_size": 16,
    "hidden_sizes": [16, 24, 32, 40],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
    "out_features": ["stage2", "stage3", "stage4"],
}
REAL_TIME = {
    "encoder_hidden_dim": 32,
    "encoder_in_channels": [24, 32, 40],
    "decoder_in_channels": [32, 32, 32],
    "encoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "d_model": 32,
    "decoder_layers": 1,
    "decoder_ffn_dim": 32,
    "decoder_attention_heads": 2,
    "num_queries": 104,
    "num_denoising": 0,
    "num_labels": 3,
    "id2label": LABELS,
}
DETECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "YolosForObjectDetection": (
        "yolos",
        BLOCKS | {"image_size": [64, 96], "num_detection_tokens": 12, "num_labels": 3, "id2label": LABELS},
    ),
    "DetrForObjectDetection": ("detr", QUERIES | {"backbone_config": BACKBONE, "use_timm_backbone": False}),
    "ConditionalDetrForObjectDetection": (
        "conditional_detr",
        QUERIES | {"backbone_config": BACKBONE, "use_timm_backbone": False},
    ),
    "DeformableDetrForObjectDetection": (
        "deformable_detr",
        QUERIES
        | {
            "backbone_config": BACKBONE | {"out_features": ["stage1", "stage2"]},
            "use_timm_backbone": False,
            "num_feature_levels": 2,
            "decoder_layers": 2,
        },
    ),
    "RTDetrForObjectDetection": ("rt_detr", REAL_TIME | {"backbone_config": PYRAMID}),
    "RTDetrV2ForObjectDetection": ("rt_detr_v2", REAL_TIME | {"backbone_config": PYRAMID, "decoder_layers": 2}),
    "TableTransformerForObjectDetection": (
        "table-transformer",
        QUERIES | {"backbone_config": BACKBONE, "use_timm_backbone": False},
    ),
}


FOUR = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
FOUR_STAGES = ["stage1", "stage2", "stage3", "stage4"]
SWIN_OF_FOUR = {
    "model_type": "swin", **SWIN, "depths": [1, 1, 1, 1], "num_heads": [2, 2, 2, 2], "image_size": 64,
    "out_features": FOUR_STAGES,
}  # fmt: skip
OF_BLOCKS = BLOCKS | {"num_hidden_layers": 4, "out_indices": [0, 1, 2, 3], "image_size": 64, "patch_size": 16}
SEGMENTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SegformerForSemanticSegmentation": (
        "segformer",
        FOUR | {"num_attention_heads": [1, 2, 3, 4], "decoder_hidden_size": 16},
    ),
    "Mask2FormerForUniversalSegmentation": (
        "mask2former",
        {
            "backbone_config": SWIN_OF_FOUR, "hidden_dim": 32, "feature_size": 32, "mask_feature_size": 32,
            "num_queries": 6, "num_attention_heads": 2, "encoder_layers": 1, "decoder_layers": 2,
            "dim_feedforward": 32, "encoder_feedforward_dim": 32,
        },
    ),
    "MaskFormerForInstanceSegmentation": (
        "maskformer",
        {
            "backbone_config": SWIN_OF_FOUR, "fpn_feature_size": 32, "mask_feature_size": 32,
            "decoder_config": {"model_type": "detr"}
            | {name: value for name, value in QUERIES.items() if name not in ("num_labels", "id2label")},
        },
    ),
    "BeitForSemanticSegmentation": ("beit", OF_BLOCKS),
    "Data2VecVisionForSemanticSegmentation": ("data2vec-vision", OF_BLOCKS),
    "UperNetForSemanticSegmentation": (
        "upernet",
        {
            "backbone_config": {"model_type": "convnext", **FOUR, "out_features": FOUR_STAGES},
            "hidden_size": 16, "auxiliary_in_channels": 24, "auxiliary_channels": 8,
        },
    ),
    "MobileNetV2ForSemanticSegmentation": ("mobilenet_v2", {"depth_multiplier": 0.35, "image_size": 64}),
    "DPTForSemanticSegmentation": (
        "dpt",
        BLOCKS
        | {
            "num_hidden_layers": 4, "image_size": 64, "patch_size": 16, "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [8, 16, 24, 32], "fusion_hidden_size": 16, "is_hybrid": False,
        },
    ),
    "MobileViTForSemanticSegmentation": (
        "mobilevit",
        {
            "hidden_sizes": [16, 20, 24], "neck_hidden_sizes": [8, 8, 16, 16, 24, 32, 64], "aspp_out_channels": 16,
            "image_size": 64,
        },
    ),
    "MobileViTV2ForSemanticSegmentation": (
        "mobilevitv2", {"width_multiplier": 0.5, "image_size": 64, "aspp_out_channels": 16},
    ),
    "EomtForUniversalSegmentation": (
        "eomt", BLOCKS | {"num_hidden_layers": 4, "num_blocks": 1, "num_queries": 6, "image_size": 64, "patch_size": 16}
    ),
    "DetrForSegmentation": (
        "detr",
        QUERIES
        | {
            "backbone_config": {"model_type": "resnet", **STAGES, **FOUR, "out_features": FOUR_STAGES},
            "use_timm_backbone": False, "encoder_attention_heads": 8, "decoder_attention_heads": 8,
        },
    ),
}  # fmt: skip


def segmenter(name: str) -> Any:
    """Return a tiny segmentation network of transformers with random weights, in eval mode."""
    model_type, settings = SEGMENTERS[name]
    torch.manual_seed(0)
    config = library().AutoConfig.for_model(model_type, **({"num_labels": 3, "id2label": LABELS} | settings))
    return _normalised(_random(getattr(library(), name)(config).eval()))


def _normalised(module: Any) -> Any:
    """Set the statistics of batch norms to those of noise, without which values fade from layer to layer."""
    norms = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.train().momentum = 1.0
    with torch.no_grad():
        module(torch.randn(4, 3, 64, 64))
    return module.eval()


def finder(name: str) -> Any:
    """Return a tiny object detector of transformers with random weights, in eval mode."""
    model_type, settings = DETECTORS[name]
    torch.manual_seed(0)
    return _random(getattr(library(), name)(library().AutoConfig.for_model(model_type, **settings)).eval())


def tokenizer() -> bytes:
    """Return a tokenizer.json for the few words of `WORDS`."""
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, "?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(word, WORDS.index(word)) for word in ("<start>", "<end>")]
    made.post_processor = processors.TemplateProcessing(single="<start> $A <end>", special_tokens=ends)
    return bytes(made.to_str().encode())


def clip_to_upload(place: Path) -> Path:
    """Write a tiny CLIP with its tokenizer and preprocessing as a zip."""
    look = {"size": {"shortest_edge": SIDE}, "crop_size": SIDE}
    module = matcher("CLIPModel", len(WORDS))
    return Path(packed(module, place, tokenizer__json=tokenizer(), preprocessor_config__json=look).path)


def mobilenet(weights: Mapping[str, Any]) -> Any:
    """Return MobileNetV2 of transformers with torchvision's weights, which hold the same tensors in the same order."""
    settings = {"tf_padding": False, "layer_norm_eps": 1e-5, "num_labels": 1000, "image_size": 224}
    module = library().MobileNetV2ForImageClassification(library().AutoConfig.for_model("mobilenet_v2", **settings))
    names = [name for name in module.state_dict() if not name.endswith("num_batches_tracked")]
    tensors = [tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")]
    module.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    return module.eval()

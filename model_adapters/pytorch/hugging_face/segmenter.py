"""A segmentation network of transformers behind the common interface: its maps, as its own processor reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.probes import noise
from model_adapters.common.segmentation import check_scores, segmenter_card
from model_adapters.pytorch.hugging_face.building import built
from model_adapters.pytorch.hugging_face.classifier import channels_of, labels_of, tried
from model_adapters.pytorch.hugging_face.folder import Folder
from model_adapters.pytorch.hugging_face.looks import look_in
from model_adapters.pytorch.hugging_face.queries import QueryMaps, grid_of
from model_adapters.pytorch.hugging_face.tasks import Opener
from model_adapters.pytorch.network import frozen
from model_adapters.pytorch.segmentation.maps import Maps, in_region
from model_adapters.pytorch.segmentation.network import SIDE, TorchSegmenter, maps_on, opened
from xai_core.errors import UnsupportedModel
from xai_core.types import FileKind, Head

OF_QUERIES = ("mask2former", "maskformer", "detr", "eomt", "eomt_dinov3")
OTHERS = {
    "oneformer": "OneFormer needs a task in words besides the picture",
    "rf_detr": "{name} gives a mask for every object, but no class for every pixel",
}
UNFIT = "{why}, which does not open here. Choose SegFormer, Mask2Former, MaskFormer, UPerNet, DPT or BEiT."
ADDED = (
    "The score of a class at a pixel is added up over all queries: the probability of the class times the mask "
    "there, as transformers does. Where queries overlap it can exceed 1."
)


def segmenter(folder: Folder, opener: Opener, reading: str, kind: FileKind) -> TorchSegmenter:
    """Open a folder with a segmentation network; UnsupportedModel if it is none, or if its weights do not fit."""
    if opener.model_type in OTHERS:
        raise UnsupportedModel(UNFIT.format(why=OTHERS[opener.model_type].format(name=opener.name)))
    network, notes = built(opener, folder.config, folder.content())
    module, maps = frozen(network), _maps(opener, network.config)
    look = look_in(folder, opener.model_type, channels_of(network.config), whole=True)
    spec, _ = tried(in_region(module, maps), network.config, look)
    trial = maps_on(module, spec, noise(spec, 1, SIDE), maps)
    check_scores([trial])
    labels = labels_of(network.config, trial.shape[-1])
    head: Head = "softmax" if trial.shape[-1] > 1 else "sigmoid"
    scoring = OutputChoice.from_text(reading).scoring
    card = segmenter_card("pytorch", kind, spec, [trial], head, maps.gives, scoring, labels)
    said = (*notes, *(ADDED,) * isinstance(maps, QueryMaps))
    card = replace(
        card,
        architecture=f"transformers/{opener.name}",
        hint=look.preprocessing,
        hint_reason=look.reason if look.preprocessing else "",
        notes=(*card.notes, *said, *((look.reason,) if look.reason and not look.preprocessing else ())),
    )
    return opened(module, card, replace(maps, channels=trial.shape[-1] + isinstance(maps, QueryMaps)))


def _maps(opener: Opener, config: Any) -> Maps:
    if opener.model_type in OF_QUERIES:
        return QueryMaps(gives="probability", grid=grid_of(opener.model_type, config))
    return Maps()

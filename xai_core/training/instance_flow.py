"""Read and write histories as InstanceFlow's JSON.

Source of the format: Pühringer, Hinterreiter, Streit, InstanceFlow, 2020, arXiv 2007.11353, and its program.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import DataError, ImageError
from xai_core.pictures.files import open_picture
from xai_core.training.checking import LARGEST, LONGEST_SIDE, check_cells, whole
from xai_core.training.history import History
from xai_core.types import Indices

IN_PLACE = "data:image/"
EXPECTED = (
    "Expected InstanceFlow's JSON: name, labels, instances (id, actual, image) and epochs (id, classifications). This "
    "file differs. Export it again."
)


def from_instance_flow(data: bytes, name: str) -> History:
    """Read a history; pictures embedded in the file become thumbnails. Raises DataError if that fails."""
    try:
        return _read(json.loads(data), name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(EXPECTED) from error


def _read(content: Any, name: str) -> History:
    instances, epochs = content["instances"], content["epochs"]
    columns = [list(epoch["classifications"]) for epoch in epochs]
    ids = [str(instance["id"]) for instance in instances]
    epoch_names = tuple(str(epoch["id"]) for epoch in epochs)
    check_cells(len(ids), len(epoch_names))
    if uneven := [epoch for epoch, column in zip(epoch_names, columns, strict=True) if len(column) != len(ids)]:
        raise DataError(f"Epoch {uneven[0]} needs one classification for each of the {len(ids)} instances.")
    history = History(
        name=str(content.get("name") or name),
        labels=tuple(map(str, content["labels"])),
        predictions=_numbers(columns, "classifications").T.reshape(len(ids), len(epoch_names)),
        actual=_numbers([instance["actual"] for instance in instances], "actual"),
        ids=np.array(ids, np.str_),
        epochs=epoch_names,
    )
    return _with_images(history, [str(instance.get("image") or "") for instance in instances])


def to_instance_flow(history: History) -> bytes:
    """Return a history as InstanceFlow's JSON with embedded thumbnails; missing predictions are -1, curves are lost."""
    instances = [
        {"id": str(name), "actual": int(actual), "image": image}
        for name, actual, image in zip(history.ids, history.actual, _images(history), strict=True)
    ]
    columns = zip(history.epochs, history.predictions.T, strict=True)
    epochs = [{"id": epoch, "classifications": column.tolist()} for epoch, column in columns]
    content = {"name": history.name, "labels": list(history.labels), "instances": instances, "epochs": epochs}
    return json.dumps(content, ensure_ascii=False).encode()


def _numbers(values: list[Any], name: str) -> Indices:
    """Return numbers as an array; null means no data."""
    try:
        return whole(np.array(values, np.float64), name)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(EXPECTED) from error


def _with_images(history: History, images: list[str]) -> History:
    if not any(images):
        return history
    if not all(image.startswith(IN_PLACE) for image in images):
        return replace(history, images=np.array([image[:500] for image in images], np.str_))
    try:
        return replace(history, pictures=_decoded(images))
    except (ImageError, ValueError) as error:
        raise DataError(f"A picture in the file cannot be opened. {error}") from error


def _decoded(images: list[str]) -> NDArray[np.uint8]:
    """Return the pictures at the size of the first one, within the limits of a thumbnail."""
    first = _pixels(images[0])
    shrink = min(1.0, LONGEST_SIDE / max(first.shape[:2]), (LARGEST / (first.size * len(images))) ** 0.5)
    size = tuple(max(1, int(side * shrink)) for side in first.shape[1::-1])
    return np.stack([_in_size(_pixels(image), size) for image in images])


def _pixels(image: str) -> NDArray[np.uint8]:
    return open_picture(base64.b64decode(image.partition(",")[2], validate=True)).pixels


def _in_size(pixels: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1])))


def _images(history: History) -> list[str]:
    if history.pictures is not None:
        return [_in_place(pixels) for pixels in history.pictures]
    return [""] * len(history) if history.images is None else [str(image) for image in history.images]


def _in_place(pixels: NDArray[np.uint8]) -> str:
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, "PNG")
    return f"{IN_PLACE}png;base64,{base64.b64encode(written.getvalue()).decode()}"

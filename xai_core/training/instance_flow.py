"""Read and write histories as InstanceFlow's JSON.

Source of the format: Pühringer, Hinterreiter, Streit, InstanceFlow, 2020, arXiv 2007.11353, and its program.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import DataError, ImageError
from xai_core.pictures.files import open_picture, pixels_claimed
from xai_core.training.checking import LARGEST, LONGEST_SIDE, check_cells, whole
from xai_core.training.history import History
from xai_core.types import Indices, Texts
from xai_core.untrusted.texts import LONGEST_TEXT, text_array, writable

IN_PLACE = "data:image/"
MOST_PIXELS = 200_000_000  # of all pictures together
EXPECTED = (
    "Expected InstanceFlow's JSON: name, labels, instances (id, actual, image) and epochs (id, classifications). This "
    "file differs. Export it again."
)


def from_instance_flow(data: bytes, name: str) -> History:
    """Read a history; pictures embedded in the file become thumbnails. Raises DataError if that fails."""
    try:
        return _read(json.loads(data), name)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(EXPECTED) from error


def _read(content: Any, name: str) -> History:
    instances, epochs = content["instances"], content["epochs"]
    columns = [list(epoch["classifications"]) for epoch in epochs]
    ids = _texts((instance["id"] for instance in instances), "ids")
    epoch_names = tuple(_texts((epoch["id"] for epoch in epochs), "epochs").tolist())
    check_cells(len(ids), len(epoch_names))
    if uneven := [epoch for epoch, column in zip(epoch_names, columns, strict=True) if len(column) != len(ids)]:
        raise DataError(f"Epoch {uneven[0]} needs one classification for each of the {len(ids)} instances.")
    history = History(
        name=writable(str(content.get("name") or name))[:LONGEST_TEXT],
        labels=tuple(_texts(content["labels"], "labels").tolist()),
        predictions=_numbers(columns, "classifications").T.reshape(len(ids), len(epoch_names)),
        actual=_numbers([instance["actual"] for instance in instances], "actual"),
        ids=ids,
        epochs=epoch_names,
    )
    return _with_images(history, [str(instance.get("image") or "") for instance in instances])


def _texts(values: Iterable[Any], what: str) -> Texts:
    """Return names, which may be texts or numbers, as texts."""
    listed = list(values)
    if not all(isinstance(value, str | int | float) for value in listed):
        raise DataError(EXPECTED)
    return text_array(list(map(str, listed)), what)


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
        return replace(history, images=text_array([image[:500] for image in images], "images"))
    try:
        return replace(history, pictures=_decoded(images))
    except ImageError as error:
        raise DataError(f"A picture in the file cannot be opened. {error}") from error
    except ValueError as error:
        raise DataError("A picture in the file is not written in base64. Export the file again.") from error


def _decoded(images: list[str]) -> NDArray[np.uint8]:
    """Return the pictures at the size of the first one, within the limits of a thumbnail."""
    files = [base64.b64decode(image.partition(",")[2], validate=True) for image in images]
    _check_pixels(files)
    first = open_picture(files[0]).pixels
    shrink = min(1.0, LONGEST_SIDE / max(first.shape[:2]), (LARGEST / (first.size * len(files))) ** 0.5)
    size = tuple(max(1, int(side * shrink)) for side in first.shape[1::-1])
    return np.stack([_in_size(open_picture(file).pixels, size) for file in files])


def _check_pixels(files: list[bytes]) -> None:
    """Raise DataError if the pictures have more pixels than can be read in a few seconds."""
    pixels = sum(map(pixels_claimed, files))
    if pixels > MOST_PIXELS:
        raise DataError(
            f"The pictures in the file have {pixels / 1e6:,.0f} megapixels; at most {MOST_PIXELS / 1e6:,.0f} are read. "
            f"Make them smaller: they are shown with {LONGEST_SIDE} pixels or fewer."
        )


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

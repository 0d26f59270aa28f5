"""Base class and registry of the methods that explain a detector's boxes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, dataclass_transform

from xai_core.detection.model import DetectionModel
from xai_core.detector import Aspect, BoxTarget
from xai_core.errors import ParamError
from xai_core.method import Catalogued, Guide, Sensitivity, entered
from xai_core.params import FromModel, Range, Size
from xai_core.types import Capability, Card, Estimate, Floats, Precision

Levels = Annotated[
    tuple[str, ...],
    FromModel("layers"),
    "Levels of the feature pyramid to look at. If you choose none, all of them are used.",
]
Explained = Annotated[
    Aspect,
    "What to explain: whether the box is detected (score and position together), its class alone, how well it keeps "
    "its position (IoU), or one of its edges, its width or its height.",
]
LeastIoU = Annotated[
    float,
    Range(0.1, 0.9, 0.05),
    "How much a box must overlap the chosen one (intersection over union) to count as the same box.",
]
ForTheBox = Annotated[
    bool, "Set evidence against the box to zero. For an edge, show how strongly it moves, not in which direction."
]


class DetectionMethod(Catalogued):
    """A method that explains why a detector drew a box."""

    @classmethod
    def asks_for_boxes_alone(cls) -> bool:
        """Return whether the method needs nothing but the detector's boxes, for many pictures."""
        return cls.needs == Capability.DETECT

    @classmethod
    def precision_on(cls, card: Card, wanted: Precision) -> Precision:
        """Return float32 for methods that look inside a detector, which is always exact."""
        return wanted if cls.asks_for_boxes_alone() else "float32"

    def detections(self, size: Size) -> int:
        """Return how many times the detector runs to explain boxes of a picture of `size` (height, width) in pixels."""
        return 1

    @abstractmethod
    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        """Yield increasingly accurate estimates of each target box's attribution; the last one is the result.

        image: (H, W, 3) float32 in [0, 1]. Maps have the shape (T, *map_size(image)).
        A job may be cancelled at any `yield`, so never yield inside a framework's context manager.
        """


DETECTION_METHODS: dict[str, type[DetectionMethod]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def detection_method(
    method_id: str,
    *,
    title: str,
    needs: Capability,
    source: str,
    cost: str,
    guide: Guide,
    class_sensitivity: Sensitivity = "high",
) -> Callable[[type[DetectionMethod]], type[DetectionMethod]]:
    """Turn a class into a method and register it in `DETECTION_METHODS`; fields as in `xai_core.method.method`."""

    def register(cls: type[DetectionMethod]) -> type[DetectionMethod]:
        return entered(
            DETECTION_METHODS, cls, method_id, title, needs, source, cost, "Detection", guide, class_sensitivity
        )

    return register


def detection_method_named(method_id: str) -> type[DetectionMethod]:
    """Return the method called `id`, or raise a ParamError that lists the known ones."""
    if method_id not in DETECTION_METHODS:
        names = ", ".join(sorted(DETECTION_METHODS))
        raise ParamError(f"There is no method for boxes called {method_id!r}; the methods are {names}.")
    return DETECTION_METHODS[method_id]

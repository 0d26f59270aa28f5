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
    "Levels of the feature pyramid that are looked at; with none chosen, all of them.",
]
Explained = Annotated[
    Aspect,
    "What is explained: whether the box is found (its score and place together), its class alone, how well it keeps "
    "its place (IoU), or one of its edges, its width or its height.",
]
LeastIoU = Annotated[
    float,
    Range(0.1, 0.9, 0.05),
    "How far a box must overlap the chosen one (intersection over union) to count as the same.",
]
ForTheBox = Annotated[
    bool, "Set what speaks against the box to zero; for an edge, show how strongly it is moved and not which way."
]


class DetectionMethod(Catalogued):
    """A method that explains why a detector drew a box."""

    @classmethod
    def asks_for_boxes_alone(cls) -> bool:
        """Whether it asks a detector for boxes and nothing else, in many pictures."""
        return cls.needs == Capability.DETECT

    @classmethod
    def precision_on(cls, card: Card, wanted: Precision) -> Precision:
        """Return float32 where a detector is looked into, as that is always exact."""
        return wanted if cls.asks_for_boxes_alone() else "float32"

    def detections(self, size: Size) -> int:
        """Return in how many pictures a detector is asked for boxes, to explain some of one of `size`.

        size: height and width of the picture, in pixels.
        """
        return 1

    @abstractmethod
    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        """Yield ever better estimates of the attribution of each target box; the last one is the answer.

        image: (H, W, 3) float32 in [0, 1]. Maps have the shape (T, *map_size(image)).
        A job may be cancelled at any `yield`, so a yield never stands inside a framework's context.
        """


DETECTION_METHODS: dict[str, type[DetectionMethod]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def detection_method(
    id: str,
    *,
    title: str,
    needs: Capability,
    source: str,
    cost: str,
    guide: Guide,
    class_sensitivity: Sensitivity = "high",
) -> Callable[[type[DetectionMethod]], type[DetectionMethod]]:
    """Make a class a method and enter it in `DETECTION_METHODS` under `id`; fields as `xai_core.method.method` has."""

    def register(cls: type[DetectionMethod]) -> type[DetectionMethod]:
        return entered(DETECTION_METHODS, cls, id, title, needs, source, cost, "Detection", guide, class_sensitivity)

    return register


def detection_method_named(id: str) -> type[DetectionMethod]:
    """Return the method called `id`, or raise a ParamError that lists those there are."""
    if id not in DETECTION_METHODS:
        names = ", ".join(sorted(DETECTION_METHODS))
        raise ParamError(f"There is no method for boxes called {id!r}; there are {names}.")
    return DETECTION_METHODS[id]

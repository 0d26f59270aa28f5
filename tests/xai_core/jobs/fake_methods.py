"""Methods for tests. Only workers import this module, so that the tests' own registry stays as it is."""

import time
from typing import Annotated

import numpy as np

from xai_core.detection.method import DetectionMethod, detection_method
from xai_core.detection.pictures import map_size
from xai_core.errors import ModelError
from xai_core.method import BatchSize, Guide, Method, method
from xai_core.params import Range
from xai_core.types import Capability, Estimate


@method(
    "counting",
    title="Counting",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="steps",
    guide=Guide("", "", ""),
)
class Counting(Method):
    """Count the steps; remember rows as sampling methods do."""

    steps: Annotated[int, Range(1, 100_000), "How many."] = 5
    pause: Annotated[float, Range(0, 100), "Seconds between steps."] = 0.0

    def explain(self, model, image, targets):
        ledger = model.ledger("counting")
        remembered = float(len(ledger))
        for step in range(1, self.steps + 1):
            ledger.append(model.outputs(image[None]))
            time.sleep(self.pause)
            maps = np.full((len(targets), *model.input_size), step, np.float32)
            yield Estimate(step / self.steps, maps, {"remembered": (remembered,) * len(targets)}, maps / 2)


@method(
    "greedy",
    title="Greedy",
    group="Perturbation",
    needs=Capability.GRADIENT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Greedy(Method):
    """Need what the model has not."""

    def explain(self, model, image, targets):
        yield from ()


@method(
    "broken",
    title="Broken",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Broken(Method):
    """Yield what is no map, or nothing."""

    steps: Annotated[int, Range(0, 1), "How many."] = 1

    def explain(self, model, image, targets):
        for _ in range(self.steps):
            yield Estimate(1.0, np.full((len(targets), *model.input_size), np.nan, np.float32))


@method(
    "sorry",
    title="Sorry",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Sorry(Method):
    """Give up with a sentence."""

    def explain(self, model, image, targets):
        raise ModelError("There is nothing to explain.")
        yield


@method(
    "brightness",
    title="Brightness",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Brightness(Method):
    """Show the first class's score of two equal pictures."""

    def explain(self, model, image, targets):
        score = model.outputs(np.stack([image, image]))[1, 0]
        yield Estimate(1.0, np.full((len(targets), *model.input_size), score, np.float32))


@method(
    "mixed",
    title="Mixed",
    group="Perturbation",
    needs=Capability.PREDICT | Capability.RANDOMISATION,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Mixed(Brightness):
    """Ask for scores and for something that is always exact."""


@method(
    "bulky",
    title="Bulky",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Bulky(Method):
    """Show the batch size, for which there is room up to a number of pictures."""

    room: Annotated[int, Range(0, 100), "How many pictures there is room for."] = 1
    batch_size: BatchSize = 12

    def explain(self, model, image, targets):
        if self.batch_size > self.room:
            raise MemoryError
        model.outputs(np.repeat(image[None], self.batch_size, axis=0))
        yield Estimate(1.0, np.full((len(targets), *model.input_size), self.batch_size, np.float32))


@detection_method(
    "halves",
    title="Halves",
    needs=Capability.DETECT,
    source="none",
    cost="steps",
    guide=Guide("", "", ""),
)
class Halves(DetectionMethod):
    """Give each target's score everywhere, step by step."""

    steps: Annotated[int, Range(1, 100_000), "How many."] = 3
    pause: Annotated[float, Range(0, 100), "Seconds between steps."] = 0.0

    def explain(self, model, image, targets):
        shape = (len(targets), *map_size(image))
        for step in range(1, self.steps + 1):
            model.detect(image[None], 0.05)
            time.sleep(self.pause)
            scores = np.array([target.score for target in targets], np.float32)
            yield Estimate(step / self.steps, np.broadcast_to(scores[:, None, None], shape))


@detection_method(
    "insider",
    title="Insider",
    needs=Capability.DETECT | Capability.ABLATION,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class Insider(DetectionMethod):
    """Need what the detector has not."""

    def explain(self, model, image, targets):
        yield from ()


@detection_method(
    "bulky_boxes",
    title="Bulky boxes",
    needs=Capability.DETECT,
    source="none",
    cost="none",
    guide=Guide("", "", ""),
)
class BulkyBoxes(DetectionMethod):
    """Show the batch size, for which there is room up to a number of pictures."""

    room: Annotated[int, Range(0, 100), "How many pictures there is room for."] = 1
    batch_size: BatchSize = 12

    def explain(self, model, image, targets):
        if self.batch_size > self.room:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        model.detect(np.repeat(image[None], self.batch_size, axis=0), 0.05)
        yield Estimate(1.0, np.full((len(targets), *map_size(image)), self.batch_size, np.float32))

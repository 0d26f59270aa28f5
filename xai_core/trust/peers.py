"""Other libraries that explain image models: the methods they share with Vitrine, and how they are known to differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

Framework = Literal["pytorch", "onnx", "tensorflow"]
RANDOM = "It draws different random numbers, so the maps differ by their noise."
SCALE = "It rescales its map to 0 to 1, so only the pattern can be compared."
MODULES = (
    "It recognises nn.ReLU modules only: at any other ReLU, including ReLU6, it silently passes the plain gradient."
)
SIGN = "The sign of its principal component is arbitrary, so its map may be the negative."
PLAIN_IN_NESTED = "In nested models it silently passes the plain gradient."
TORCH: tuple[Framework, ...] = ("pytorch", "onnx")


@dataclass(frozen=True)
class Comparison:
    """A library that can compute the same method.

    version: the installed one, "" if it is not installed. difference: how it is known to differ, a sentence or "".
    """

    library: str
    version: str
    difference: str


@dataclass(frozen=True)
class Peer:
    """A library, described at the version that Vitrine installs.

    package: its name in the package index. methods: the known difference of each method it has, by method id; "" if
    there is none.
    """

    library: str
    package: str
    frameworks: tuple[Framework, ...]
    methods: Mapping[str, str]


PEERS = (
    Peer(
        "captum",
        "captum",
        TORCH,
        {
            "saliency": "",
            "input_x_gradient": "",
            "smoothgrad": RANDOM,
            "vargrad": f"{RANDOM} It divides by the number of samples, not by that number minus one.",
            "squaregrad": RANDOM,
            "integrated_gradients": "It uses Gauss-Legendre points on the path; with more steps the maps converge.",
            "gradient_shap": RANDOM,
            "deconvnet": MODULES,
            "guided_backprop": MODULES,
            "guided_grad_cam": MODULES,
            "deeplift": "It passes the plain gradient at activations that are not modules and at newer ones such as "
            "ReLU6; its shares do not add up where max pooling meets an activation or where values are multiplied.",
            "occlusion": "It cuts off its last patch at the border; Vitrine moves the patch inwards.",
            "lime": f"{RANDOM} It measures the distance of samples in pixels, Vitrine in superpixels kept.",
            "kernel_shap": f"{RANDOM} With fewer than about two samples per superpixel its regression is unstable.",
            "shapley": RANDOM,
        },
    ),
    Peer(
        "pytorch-grad-cam",
        "grad-cam",
        TORCH,
        {
            "grad_cam": SCALE,
            "grad_cam_plus_plus": SCALE,
            "hirescam": SCALE,
            "layercam": SCALE,
            "xgrad_cam": SCALE,
            "eigen_cam": f"{SCALE} {SIGN}",
            "eigen_grad_cam": f"{SCALE} {SIGN}",
            "score_cam": f"{SCALE} It enlarges masks with a different interpolation.",
            "ablation_cam": f"{SCALE} It divides by the score itself, so the map is inverted if the score is negative "
            "and undefined if it is zero.",
        },
    ),
    Peer(
        "zennit",
        "zennit",
        ("pytorch",),
        {
            "lrp": "It recognises only layers that are modules: outside ResNets it does not share relevance in "
            "proportion at additions, and gates absorb part of it.",
        },
    ),
    Peer(
        "xplique",
        "xplique",
        ("tensorflow",),
        {
            "saliency": "",
            "input_x_gradient": "",
            "integrated_gradients": "It weights the points on the path unevenly: at 50 steps its sum is 2 to 3% too "
            "small.",
            "smoothgrad": RANDOM,
            "vargrad": RANDOM,
            "squaregrad": RANDOM,
            "deconvnet": PLAIN_IN_NESTED,
            "guided_backprop": PLAIN_IN_NESTED,
            "grad_cam": "It uses the last top-level layer with filters and fails on nested models.",
            "grad_cam_plus_plus": "It divides by the mean of the layer's output, where the paper uses the sum.",
            "occlusion": "Only whole patches are placed, which leaves a border at zero, and overlaps are summed.",
            "rise": f"{RANDOM} It shifts all masks of a batch by the same crop and divides by the sum of the masks "
            "drawn.",
            "lime": RANDOM,
            "kernel_shap": f"{RANDOM} Its values are not constrained to add up to the difference in score.",
            "sobol": RANDOM,
            "hsic": f"{RANDOM} Its kernel width is the median output, so the map is undefined if that is 0.",
        },
    ),
)


def libraries_of(framework: Framework) -> dict[str, Peer]:
    """Return the libraries that explain models of a framework, by name."""
    return {peer.library: peer for peer in PEERS if framework in peer.frameworks}


def peers_for(method_id: str, framework: str) -> tuple[Comparison, ...]:
    """Return the libraries that can compute a method for a model of `framework`, named as on its card."""
    return tuple(
        Comparison(peer.library, _installed(peer.package), peer.methods[method_id])
        for peer in PEERS
        if framework in peer.frameworks and method_id in peer.methods
    )


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

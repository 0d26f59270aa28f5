"""Other libraries that explain image models: what each can be compared in, and where it is known to differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

Framework = Literal["pytorch", "onnx", "tensorflow"]
RANDOM = "It draws other random numbers, so maps differ by their noise."
SCALE = "Its map is brought to 0 to 1, so only the pattern can be compared."
MODULES = "It knows nn.ReLU modules only: at other ReLUs, ReLU6 too, it passes the plain gradient without a word."
TORCH: tuple[Framework, ...] = ("pytorch", "onnx")


@dataclass(frozen=True)
class Comparison:
    """A library that can compute a method too.

    version: the installed one, "" where there is none. difference: where it is known to differ, a sentence or "".
    """

    library: str
    version: str
    difference: str


@dataclass(frozen=True)
class Peer:
    """A library, as it is at the version that Vitrine is installed with.

    package: the name under which it is installed. methods: what is known of each method that it has, by the method's
    id: in which way its map differs, or "".
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
            "vargrad": f"{RANDOM} It divides by the number of samples, not by one less.",
            "squaregrad": RANDOM,
            "integrated_gradients": "It takes Gauss-Legendre points on the path; more steps bring the maps together.",
            "gradient_shap": RANDOM,
            "deconvnet": MODULES,
            "guided_backprop": MODULES,
            "guided_grad_cam": MODULES,
            "deeplift": "It passes the plain gradient at activations that are no modules, or that are newer, such as "
            "ReLU6; its shares do not add up where maximum pooling meets an activation, or values are multiplied.",
            "occlusion": "Its last patch is cut off at the border, where ours is moved inwards.",
            "lime": f"{RANDOM} It tells near pictures by their pixels, ours by the superpixels that are kept.",
            "kernel_shap": f"{RANDOM} Below about twice as many samples as superpixels its regression is not settled.",
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
            "eigen_cam": f"{SCALE} The sign of its principal component is arbitrary, so its map may be the negative.",
            "eigen_grad_cam": f"{SCALE} The sign of its principal component is arbitrary, so its map may be the "
            "negative.",
            "score_cam": f"{SCALE} It stretches masks by another interpolation.",
            "ablation_cam": f"{SCALE} It divides by the score itself, so the map turns round where that is negative "
            "and is undefined where it is zero.",
        },
    ),
    Peer(
        "zennit",
        "zennit",
        ("pytorch",),
        {
            "lrp": "It knows layers that are modules: outside ResNets, relevance at additions is not shared in "
            "proportion, and gates take a part.",
        },
    ),
    Peer(
        "xplique",
        "xplique",
        ("tensorflow",),
        {
            "saliency": "",
            "input_x_gradient": "",
            "integrated_gradients": "Its points on the path are weighed unevenly: its sum is 2 to 3 % too small at 50 "
            "steps.",
            "smoothgrad": RANDOM,
            "vargrad": RANDOM,
            "squaregrad": RANDOM,
            "deconvnet": "In models of several parts it passes the plain gradient, without a word.",
            "guided_backprop": "In models of several parts it passes the plain gradient, without a word.",
            "grad_cam": "It looks at the last outer layer with filters, and fails on models of several parts.",
            "grad_cam_plus_plus": "It divides by the mean of the layer's output where the paper has the sum.",
            "occlusion": "Its patches must fit in whole, which leaves a border at zero, and overlaps are summed.",
            "rise": f"{RANDOM} It shifts all masks of a batch by the same crop and divides by the masks that were "
            "drawn.",
            "lime": RANDOM,
            "kernel_shap": f"{RANDOM} Its values are not held to add up to the score's difference.",
            "sobol": RANDOM,
            "hsic": f"{RANDOM} The width of its kernel is the median output, so the map is undefined where that is 0.",
        },
    ),
)


def peers_for(method_id: str, framework: str) -> tuple[Comparison, ...]:
    """Return the libraries that can compute a method for a model of a framework, as cards name it."""
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

"""Generated scenes: handwritten digits of random size, place and colour on a textured background, with true boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from samples.digits.mnist import Glyphs

SIDE = 256
SMALLEST, LARGEST = 40, 120
MOST_DIGITS = 5
COVERED = 0.1  # most overlap, as a share of the smaller of two boxes
CONTRAST = 0.3  # least difference in brightness between a digit and the background behind it
INK = 0.2  # pixels with less ink do not count as part of a digit
TILT, STRETCH = 10.0, 1.2
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Digit:
    """A digit placed in a scene: its ink (h, w) in 0..1, trimmed to the ink, and its upper left corner."""

    ink: np.ndarray
    label: int
    top: int
    left: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return (x1, y1, x2, y2) in pixels; x2 and y2 are exclusive."""
        return self.left, self.top, self.left + self.ink.shape[1], self.top + self.ink.shape[0]


@dataclass(frozen=True)
class Scene:
    """A picture (256, 256, 3) uint8 RGB, boxes (N, 4) int64 as left, top, right, bottom, digits (N,) int64."""

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def make_scene(glyphs: Glyphs, seed: int, index: int) -> Scene:
    """Return scene `index` of a series; the same digits, seed and index give the same scene."""
    rng = np.random.default_rng((seed, index))
    digits = place(glyphs, rng)
    picture = paint(make_ground(rng), digits, rng)
    noisy = picture + rng.normal(0, rng.uniform(0, 0.03), picture.shape)
    pixels = (noisy.clip(0, 1) * 255).round().astype(np.uint8)
    return Scene(pixels, np.array([d.box for d in digits], np.int64), np.array([d.label for d in digits], np.int64))


def place(glyphs: Glyphs, rng: np.random.Generator) -> list[Digit]:
    """Return one to five digits that barely overlap; large ones are placed first, so that small ones still fit."""
    wanted = int(rng.integers(1, MOST_DIGITS + 1))
    heights = sorted(rng.uniform(SMALLEST, LARGEST, wanted), reverse=True)
    placed: list[Digit] = []
    for height in heights:
        number = int(rng.integers(len(glyphs.labels)))
        ink = trimmed(_resized(glyphs.pictures[number], height, rng))
        if ink.shape[1] > SIDE:  # a flat stroke stretched to the wanted height
            continue
        for _ in range(30):
            top, left = rng.integers(0, [SIDE - ink.shape[0] + 1, SIDE - ink.shape[1] + 1])
            digit = Digit(ink, int(glyphs.labels[number]), int(top), int(left))
            if all(covered(digit.box, earlier.box) <= COVERED for earlier in placed):
                placed.append(digit)
                break
    return placed


def covered(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Return the share of the smaller of two boxes that lies in the other."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(width, 0) * max(height, 0) / smaller


def trimmed(ink: np.ndarray) -> np.ndarray:
    """Crop the empty rows and columns around a digit."""
    rows, columns = np.flatnonzero((ink >= INK).any(1)), np.flatnonzero((ink >= INK).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def paint(ground: np.ndarray, digits: list[Digit], rng: np.random.Generator) -> np.ndarray:
    """Return the background (H, W, 3) in 0..1 with the digits on it, each in a colour that stands out."""
    picture = ground.copy()
    for digit in digits:
        x1, y1, x2, y2 = digit.box
        under = picture[y1:y2, x1:x2]
        colour = _colour_against(float((under @ LUMA).mean()), rng)
        picture[y1:y2, x1:x2] = under + digit.ink[..., None] * (colour - under)
    return picture


def make_ground(rng: np.random.Generator) -> np.ndarray:
    """Return a gradient between two colours with smooth noise or stripes on it, (256, 256, 3) in 0..1."""
    middle = rng.uniform(0.1, 0.9, 3)
    near, far = (middle + rng.uniform(-0.15, 0.15, 3) for _ in range(2))
    ground = near + _ramp(rng)[..., None] * (far - near)
    for _ in range(int(rng.integers(1, 3))):
        texture = _stripes(rng) if rng.random() < 0.4 else _clouds(rng)
        ground = ground + texture[..., None] * rng.uniform(-0.12, 0.12, 3)
    return ground.clip(0, 1)


def _resized(glyph: np.ndarray, height: float, rng: np.random.Generator) -> np.ndarray:
    tilted = Image.fromarray(glyph).resize((112, 112), Image.Resampling.BICUBIC)
    tilted = tilted.rotate(rng.uniform(-TILT, TILT), Image.Resampling.BILINEAR, expand=True)
    ink = trimmed(np.asarray(tilted) / 255)
    stretch = STRETCH ** rng.uniform(-1, 1)
    size = max(round(height * ink.shape[1] / ink.shape[0] * stretch), 4), round(height)
    small = Image.fromarray((ink * 255).astype(np.uint8)).resize(
        size, Image.Resampling.BOX if height < 56 else Image.Resampling.BILINEAR
    )
    return np.asarray(small) / 255


def _colour_against(brightness: float, rng: np.random.Generator) -> np.ndarray:
    for _ in range(50):
        colour = rng.uniform(0, 1, 3)
        if abs(float(colour @ LUMA) - brightness) >= CONTRAST:
            return colour
    return np.full(3, float(brightness < 0.5))


def _ramp(rng: np.random.Generator) -> np.ndarray:
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * right + np.sin(angle) * down
    return np.asarray((along - along.min()) / np.ptp(along))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    waves = rng.uniform(3, 20)
    return np.sin(2 * np.pi * (waves * _ramp(rng) + rng.random()))


def _clouds(rng: np.random.Generator) -> np.ndarray:
    cells = int(rng.integers(3, 40))
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))

"""The browser's arithmetic gives what Python's gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

import xai_core.filters  # noqa: F401  (registers the filters)
from vitrine.ui.components.viewer.payload import Panel, pack
from xai_core.detection.targets import renormalised
from xai_core.detector import BoxTarget
from xai_core.filter import Filter, filter_named
from xai_core.pictures.overlays import Look, heat_map

SIZES = [(224, 224), (8, 8), (7, 9), (14, 41), (37, 10), (1, 5), (6, 1)]
FILTER = """([values, height, width, chosen]) =>
  [...viewer.filtered(Float32Array.from(values), height, width, chosen)]"""
COLOURS = """([values, choice, fade]) => {
  const [map, cover] = [new Uint32Array(values.length), new Uint32Array(values.length)];
  const floats = Float32Array.from(values);
  viewer.colour(floats, viewer.scaleFor(floats, choice), fade, map, cover);
  return [map, cover].map((pixels) => [...new Uint8Array(pixels.buffer)]);
}"""
CUT = """([frame, values, height, width]) =>
  [...viewer.cutTo(frame, Float32Array.from(values), height, width)]"""
UNPACK = """(data) => {
  const { panels } = viewer.unpacked(Uint8Array.from(data));
  return panels.map(({ values, errors }) => [[...values], errors && [...errors]]);
}"""


def random_map(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).normal(size=(height, width)).astype(np.float32)


def in_browser(code: Page, heatmap: np.ndarray, chosen: Filter) -> np.ndarray:
    given = [heatmap.ravel().tolist(), *heatmap.shape, {chosen.id: chosen.values()}]
    return np.array(code.evaluate(FILTER, given), np.float32).reshape(heatmap.shape)


@pytest.mark.parametrize("size", [pytest.param(SIZES[0], marks=pytest.mark.long), *SIZES[1:]], ids=str)
def test_forgrad_in_the_browser_equals_forgrad_in_python_at_any_size(code: Page, size: tuple[int, int]) -> None:
    heatmap = random_map(*size)
    for sigma in (1, 3, 15):
        chosen = filter_named("forgrad")(sigma=sigma)
        np.testing.assert_allclose(in_browser(code, heatmap, chosen), chosen.apply(heatmap[None])[0], rtol=0, atol=1e-6)


def test_forgrad_in_the_browser_gives_the_worked_example(code: Page, assets: Path) -> None:
    case = json.loads((assets.parent / "cases.json").read_text())["forgrad_even"]
    heatmap = np.array(case["input"]["attribution_1xHxW"], np.float32)[0]
    for sigma in (1, 2, 4):
        found = in_browser(code, heatmap, filter_named("forgrad")(sigma=sigma))
        np.testing.assert_allclose(found, case["expected"][f"sigma_{sigma}"][0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("percentile", [50, 77.5, 99, 100])
def test_percentile_clipping_in_the_browser_equals_the_one_in_python(code: Page, percentile: float) -> None:
    heatmap, chosen = random_map(13, 21), filter_named("percentile_clip")(percentile=percentile)
    np.testing.assert_allclose(in_browser(code, heatmap, chosen), chosen.apply(heatmap[None])[0], rtol=1e-6)


@pytest.mark.parametrize("choice", ["automatic", "purple-orange", "viridis", "gray"])
@pytest.mark.parametrize("kind", ["signed", "unsigned", "zero"])
def test_the_browser_draws_the_colours_that_files_have(code: Page, choice: str, kind: str) -> None:
    heatmap = {"signed": np.positive, "unsigned": np.abs, "zero": np.zeros_like}[kind](random_map(9, 16))
    drawn, _ = code.evaluate(COLOURS, [heatmap.ravel().tolist(), choice, True])
    expected = heat_map(heatmap, Look.fitted(None, {"colour_map": choice}))
    assert np.array_equal(np.array(drawn).reshape(9, 16, 4)[..., :3], expected)


def test_an_overlay_that_fades_covers_the_photo_where_values_are_strong(code: Page) -> None:
    _, cover = code.evaluate(COLOURS, [[-4, 0, 1, 4], "automatic", True])
    assert cover[3::4] == [255, 0, 128, 255]


def test_an_overlay_that_does_not_fade_covers_the_photo_evenly(code: Page) -> None:
    _, cover = code.evaluate(COLOURS, [[-4, 0, 1, 4], "automatic", False])
    assert cover[3::4] == [255] * 4


def test_maps_and_errors_reach_the_browser_to_one_part_in_65535(code: Page) -> None:
    heatmap = random_map(3, 5)
    data = pack(
        np.zeros((3, 5, 3), np.uint8), [Panel("é", heatmap, "", heatmap**2), Panel("b", heatmap[::-1])], {}, False
    )
    (values, errors), (flipped, none) = code.evaluate(UNPACK, list(data))
    np.testing.assert_allclose(values, heatmap.ravel(), rtol=0, atol=np.ptp(heatmap) / 65535)
    np.testing.assert_allclose(errors, (heatmap**2).ravel(), rtol=0, atol=np.ptp(heatmap**2) / 65535)
    np.testing.assert_allclose(flipped, heatmap[::-1].ravel(), rtol=0, atol=np.ptp(heatmap) / 65535)
    assert none is None


def test_zooming_keeps_the_point_under_the_pointer(code: Page) -> None:
    script = """() => {
      const navigation = new viewer.Navigation(() => {}, () => {});
      const before = navigation.pointAt(0.3, 0.8);
      navigation.zoomBy(4, 0.3, 0.8);
      return [before, navigation.pointAt(0.3, 0.8), navigation.zoom];
    }"""
    before, after, zoom = code.evaluate(script)
    assert (after["x"], after["y"], zoom) == (pytest.approx(before["x"]), pytest.approx(before["y"]), 4)


@pytest.mark.parametrize(
    "corners", [(30, 20, 130, 90), (-5, -5, 20, 20), (190, 95, 205, 110), (50, 50, 50, 50)], ids=str
)
def test_a_map_cut_to_its_frame_equals_pythons(code: Page, corners: tuple[float, float, float, float]) -> None:
    heatmap, size = random_map(48, 97), (100, 200)
    target = BoxTarget(corners, 0, 0.9, (0.9,))
    frame = np.clip(np.array(corners) / [200, 100, 200, 100], 0, 1).tolist()
    found = np.array(code.evaluate(CUT, [frame, heatmap.ravel().tolist(), *heatmap.shape]), np.float32).reshape(
        heatmap.shape
    )
    np.testing.assert_allclose(found, renormalised(heatmap[None], [target], size)[0], rtol=0, atol=1e-6)

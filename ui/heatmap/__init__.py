"""The heatmap: pictures by epochs in the colours of their classes, drawn in the browser, where a picture is chosen."""

from ui.heatmap.component import heatmap
from ui.heatmap.sprites import SpriteSheet, sheet_of

__all__ = ["SpriteSheet", "heatmap", "sheet_of"]

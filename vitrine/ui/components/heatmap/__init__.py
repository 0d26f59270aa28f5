"""The heatmap: pictures by epochs in the colours of their classes, drawn in the browser, with a choice of picture."""

from vitrine.ui.components.heatmap.component import heatmap
from vitrine.ui.components.heatmap.sprites import SpriteSheet, sheet_of

__all__ = ["SpriteSheet", "heatmap", "sheet_of"]

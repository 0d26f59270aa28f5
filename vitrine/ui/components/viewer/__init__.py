"""The viewer: photo, map and overlay in step, with colours, zoom and filters that answer in the browser."""

from vitrine.ui.components.viewer.component import Picked, ViewerState, viewer
from vitrine.ui.components.viewer.payload import Panel

__all__ = ["Panel", "Picked", "ViewerState", "viewer"]

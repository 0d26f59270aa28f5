"""The viewer: photo, map and overlay in sync, with colours, zoom and filters that run in the browser."""

from vitrine.ui.components.viewer.component import Picked, ViewerState, viewer
from vitrine.ui.components.viewer.payload import Panel

__all__ = ["Panel", "Picked", "ViewerState", "viewer"]

"""A photo with boxes to choose by pointer or keyboard, and with zoom that runs in the browser."""

from vitrine.ui.components.boxes.component import box_picture
from vitrine.ui.components.boxes.payload import Box

__all__ = ["Box", "box_picture"]

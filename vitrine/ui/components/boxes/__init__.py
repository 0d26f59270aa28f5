"""A photo with boxes that can be chosen by pointer and keyboard, with zoom that answers in the browser."""

from vitrine.ui.components.boxes.component import box_picture
from vitrine.ui.components.boxes.payload import Box

__all__ = ["Box", "box_picture"]

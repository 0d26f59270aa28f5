"""A photo with boxes that can be chosen by pointer and keyboard, with zoom that answers in the browser."""

from ui.boxes.component import box_picture
from ui.boxes.payload import Box

__all__ = ["Box", "box_picture"]

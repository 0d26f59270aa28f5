"""What the methods of a family share."""

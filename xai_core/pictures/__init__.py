"""From picture files to pixels, and from maps to pictures."""

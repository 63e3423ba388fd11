"""Slides as files: reading, measuring and making them."""

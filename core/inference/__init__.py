"""From a slide and a model to predictions, a call, and their files."""

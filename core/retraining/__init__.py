"""From reads to training sets, and from training sets to models."""

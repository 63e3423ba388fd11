"""From slide pixels to the patches a network sees: tissue, quality, stain, grid."""

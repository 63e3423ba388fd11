"""Everything of Fibroread that is neither a screen nor a network of neurons."""

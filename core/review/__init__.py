"""Reading: how a request becomes a stored read, and who may see it."""

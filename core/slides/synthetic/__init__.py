"""Procedural Sirius-Red-like liver slides, for the demo and for tests."""

"""The command line, one module per capability; each defines `add_parser` and the function it runs."""

"""How fast this machine is: what the bench commands measure, and how."""

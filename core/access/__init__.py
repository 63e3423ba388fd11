"""Access: who a person is, what they may do, and the tokens that say so to a route."""

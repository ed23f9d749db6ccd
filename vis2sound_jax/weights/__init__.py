"""Released weights of the reference implementations, renamed and re-laid for our models."""

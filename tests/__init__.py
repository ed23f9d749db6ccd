"""A package, so that none of this name that is installed stands before it."""

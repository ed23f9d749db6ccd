"""Sounds made from sounds that exist: pieces of examples and exemplars, laid in one way; the choice among takes."""

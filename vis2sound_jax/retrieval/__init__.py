"""Sounds made from sounds that exist: onset transfer, exemplars, and the choice among takes."""

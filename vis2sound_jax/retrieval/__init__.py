"""Sounds made from sounds that exist: onset transfer, and the choice among takes."""

"""Tests of vis2sound_jax. A package of its own, since others install one of that name."""

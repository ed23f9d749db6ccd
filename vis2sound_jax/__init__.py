"""vis2sound_jax: sound for silent film, from visible impacts and from a user's own example."""

__version__ = "0.1.0"

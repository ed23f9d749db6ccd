"""Prepared recordings: where they are read from, how windows are cut from them, in which order they come."""

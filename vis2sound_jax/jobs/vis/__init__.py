"""The jobs of Visually Indicated Sounds."""

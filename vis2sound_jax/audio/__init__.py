"""Sound: pure functions on waveforms, and the one file that touches the disk."""

"""Films: decoding by time, encoding, muxing, and pure functions on frames."""

"""One folder for each system; none imports another."""

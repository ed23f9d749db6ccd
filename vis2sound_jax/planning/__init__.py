"""What a training step would cost on chips that are not there."""

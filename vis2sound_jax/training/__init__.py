"""Training: one loop, optimizers, checkpoints and sharding for every task."""

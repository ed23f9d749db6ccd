"""Networks: pure functions of arrays, written as Flax Linen modules."""

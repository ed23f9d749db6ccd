"""From logits to tokens: sampling rules and the decode loop."""

"""The listening study: its page, its table of answers, what follows from them."""

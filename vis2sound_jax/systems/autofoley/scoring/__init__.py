"""Tables of AutoFoley: what is scored of every row, and the page."""

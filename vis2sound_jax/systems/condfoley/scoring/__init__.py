"""How soundtracks of Conditional Foley are judged."""

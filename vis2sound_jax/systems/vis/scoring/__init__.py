"""How sounds of impacts are judged."""

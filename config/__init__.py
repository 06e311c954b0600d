"""What an operator sets: declarations, loader, and the documents made from the declarations."""

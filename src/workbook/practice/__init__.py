"""The reader's side: try exercises, get hints, see what is done."""

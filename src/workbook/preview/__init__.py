"""The book while it is being written: served, watched, and shown anew at each save."""

"""From woven chapters to finished books in their place."""

"""Writes books from woven chapters: HTML site, EPUB, PDF, or through Quarto."""

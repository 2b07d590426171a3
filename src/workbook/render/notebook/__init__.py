"""Chapters as notebooks and scripts, to download."""

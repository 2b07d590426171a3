"""Runs cells: in kernels, kept by what they depend on, and recorded on a machine."""

"""The EPUBs: one with MathML, one for e-ink readers that know none."""

"""Wrong answers that nobody thought of: reference solutions, changed mechanically.

`rewrite` makes them, `spoil` is what they call, `survivors` puts them to an exercise's check.
A mutant that the check accepts is a wrong answer that slips past, or it means the same as the
solution: such ones are listed, with the reason, in `tests/gate/CHAPTER.yml`.
"""

"""What an exercise becomes for a reader, and that a reader's file is never touched."""

from pathlib import Path

import pytest

from workbook.derive import tangle
from workbook.derive.assignments import assignments, check_function
from workbook.problem import BookError
from workbook.source.chapter import parse_chapter

ZH = """\
# 张量 {#sec-meet-tensors}

::: {#exr-meet-tensors-center}

## 居中 ★

:::

```{python}
#| label: meet-tensors-center
#| exercise: exr-meet-tensors-center
import torch

LIMIT = 3


def center(table):
    \"\"\"Return table, centered.\"\"\"
    ### BEGIN SOLUTION
    return table - table.mean()
    ### END SOLUTION
```

```{python}
#| label: meet-tensors-center-check
#| check: exr-meet-tensors-center
#| include: false
import torch

text = \"\"\"one
two\"\"\"
assert center(torch.ones(LIMIT)).sum() == 0, "value"
```
"""
EN = ZH.replace("# 张量", "# Tensors").replace("居中", "Center it")


def chapters(changed=("", "")):
    return [
        [parse_chapter(text.replace(*changed), Path(f"chapters/{lang}/02-meet-tensors.qmd"))]
        for lang, text in (("zh", ZH), ("en", EN))
    ]


def bodies():
    return {str(target.path): target.body for target in assignments(*chapters())}


STUB = """
# %% exr-meet-tensors-center
# 居中 ★
# Center it ★
import torch

LIMIT = 3


def center(table):
    \"\"\"Return table, centered.\"\"\"
    raise NotImplementedError("exr-meet-tensors-center")
"""
CHECK = """\
# %% exr-meet-tensors-center
def test_meet_tensors_center(exercise):
    LIMIT = exercise.LIMIT
    center = exercise.center

    import torch

    text = \"\"\"one
two\"\"\"
    assert center(torch.ones(LIMIT)).sum() == 0, "value"
"""
SOLUTION = """\
# %% exr-meet-tensors-center
import torch

LIMIT = 3


def center(table):
    \"\"\"Return table, centered.\"\"\"
    return table - table.mean()
"""
FILE = Path("exercises/meet_tensors.py")


def test_one_exercise_becomes_a_stub_a_check_and_a_solution():
    assert bodies() == {
        "exercises/meet_tensors.py": STUB,
        "tests/chapters/solutions/meet_tensors.py": SOLUTION,
        "tests/chapters/test_meet_tensors.py": CHECK,
    }


def test_the_readers_file_says_what_to_do_in_both_languages():
    text = assignments(*chapters())[0].text
    assert text.startswith('"""Exercises: 张量 · Tensors\n')
    assert "workbook try meet-tensors" in text
    assert "写上你的代码" in text
    assert "Write your code" in text
    compile(text, "meet_tensors.py", "exec")


def test_a_check_of_what_is_no_name_of_the_exercise_takes_nothing():
    [exercise] = chapters(("center(torch.ones(LIMIT)).sum()", "0"))[0][0].exercises
    assert "exercise." not in check_function(exercise)


@pytest.mark.parametrize("edit", ["x = 1\n", "def broken(:\n"])
def test_a_begun_file_is_left_alone_and_is_no_error(tmp_path, edit):
    tangle.write(tmp_path, assignments(*chapters()))
    begun = (tmp_path / FILE).read_text() + edit
    (tmp_path / FILE).write_text(begun)
    changed = assignments(*chapters(("居中", "减去均值")))
    assert tangle.write(tmp_path, changed) == []
    assert (tmp_path / FILE).read_text() == begun


def test_an_edit_of_the_readers_opening_is_an_edit(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    begun = "import numpy\n" + (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(begun)
    tangle.write(tmp_path, assignments(*chapters(("居中", "减去均值"))))
    assert (tmp_path / FILE).read_text() == begun


def test_a_file_in_another_encoding_is_left_alone(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    (tmp_path / FILE).write_bytes("# 张量\n".encode("gbk"))
    assert tangle.write(tmp_path, assignments(*chapters())) == []
    assert (tmp_path / FILE).read_bytes() == "# 张量\n".encode("gbk")


def test_a_solution_that_a_reader_copied_into_their_file_is_theirs(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    solution = (tmp_path / "tests/chapters/solutions/meet_tensors.py").read_text()
    (tmp_path / FILE).write_text(solution + "x = 1\n")
    assert tangle.write(tmp_path, assignments(*chapters()), check=True) == []
    assert tangle.write(tmp_path, assignments(*chapters())) == []
    assert (tmp_path / FILE).read_text() == solution + "x = 1\n"


def test_an_untouched_file_is_brought_up_to_date(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    assert tangle.write(tmp_path, assignments(*chapters(("居中", "减去均值")))) == [FILE]
    assert "# 减去均值 ★" in (tmp_path / FILE).read_text()


def test_a_begun_file_outlives_its_chapter_and_an_untouched_one_does_not(tmp_path):
    zh, en = chapters()
    other = [
        [
            parse_chapter(
                c.source.replace("meet-", "meet-no-"),
                Path(f"chapters/{x}/03-meet-no-tensors.qmd"),
            )
        ]
        for x, (c,) in (("zh", zh), ("en", en))
    ]
    tangle.write(tmp_path, assignments(zh, en))
    assert FILE in tangle.write(tmp_path, assignments(*other))
    tangle.write(tmp_path, assignments(zh, en))
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text() + "x = 1\n")
    assert FILE not in tangle.write(tmp_path, assignments(*other))
    assert (tmp_path / FILE).exists()


def test_the_strict_comparison_passes_over_what_is_the_readers(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    (tmp_path / FILE).write_text("x = 1\n")
    assert tangle.write(tmp_path, assignments(*chapters()), check=True) == []
    (tmp_path / FILE).unlink()
    assert tangle.write(tmp_path, assignments(*chapters()), check=True) == []


def test_the_strict_comparison_tells_of_an_untouched_file_that_is_old(tmp_path):
    tangle.write(tmp_path, assignments(*chapters()))
    with pytest.raises(BookError) as caught:
        tangle.write(tmp_path, assignments(*chapters(("居中", "减去均值"))), check=True)
    assert str(caught.value) == f"{FILE}: differs from the chapters; run workbook tangle"

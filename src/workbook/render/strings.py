"""What the books say of themselves, by edition: the bilingual one says it in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from workbook.source.edition import BILINGUAL, LANGUAGES

LICENSE_URL = "https://creativecommons.org/licenses/by-sa/4.0/"
LICENSE = {
    "zh": "文字与图：CC BY-SA 4.0。代码：MIT。",
    "en": "Text and figures: CC BY-SA 4.0. Code: MIT.",
}

Table = Mapping[str, Mapping[str, str]]  # by language, by what is said


def said(table: Table, lang: str) -> Mapping[str, str]:
    """The words of an edition, Chinese first where it has both; English is the default."""
    if lang == BILINGUAL:
        tables = [table[each] for each in LANGUAGES]
        return {key: " ".join(dict.fromkeys(t[key] for t in tables)) for key in tables[0]}
    return table.get(lang, table["en"])

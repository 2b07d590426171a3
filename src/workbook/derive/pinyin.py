"""Takes pinyin apart, so that words can be sorted as Chinese dictionaries sort them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

NEUTRAL = 4  # the tone that carries no mark
_TONES = "\u0304\u0301\u030c\u0300"  # macron, acute, caron, grave
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z]+|[\u4e00-\u9fff]")
_SYLLABLE = re.compile(r"(?:[zcs]h|[b-df-hj-np-tw-z])?[aeiouü]+(?:(?:ng|n|r)(?![aeiouü]))?")


def characters(words: str) -> list[str]:
    """The Chinese characters of a term."""
    return _HAN.findall(words)


def syllables(words: str, reading: str) -> list[tuple[str, int]]:
    """Letters and tone of each character's reading; Latin words of the term are left out."""
    latin = {word.casefold() for word in _WORD.findall(words) if not _HAN.match(word)}
    spelt = unicodedata.normalize("NFC", reading).casefold().split()
    return [found for word in spelt if word not in latin for found in _split(word)]


def order(words: str, reading: str) -> tuple[tuple[str, int, str], ...]:
    """A key that sorts character by character: letters, then tone, then the character."""
    read = iter(syllables(words, reading))
    return tuple(
        (*next(read, ("", NEUTRAL)), word) if _HAN.match(word) else (word.casefold(), 0, word)
        for word in _WORD.findall(words)
    )


def _split(word: str) -> Iterator[tuple[str, int]]:
    for match in _SYLLABLE.finditer(_toneless(word)):
        letters = unicodedata.normalize("NFD", word[match.start() : match.end()])
        tones = [_TONES.index(letter) for letter in letters if letter in _TONES]
        yield match[0].replace("ü", "v"), tones[0] if tones else NEUTRAL


def _toneless(word: str) -> str:
    """The letters without their tones, as many as before; ü is kept."""
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if c not in _TONES)
    return unicodedata.normalize("NFC", bare)

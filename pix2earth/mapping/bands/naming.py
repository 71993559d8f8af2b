"""Which of some texts, such as descriptions of bands and names of files, names a band."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBERED = re.compile(r"([a-z]+)0*(\d+[a-z]?)")


def plain(name: str) -> str:
    """Return the name of a band in lower case without leading zeros: "B02", "B2" and "b2" are the same band."""
    name = name.strip().casefold()
    numbered = NUMBERED.fullmatch(name)
    return f"{numbered[1]}{numbered[2]}" if numbered else name


def matching(band: str, texts: Sequence[str]) -> list[int]:
    """Return the positions of the texts that name a band.

    Texts that are the name count first, in the same letters, then in others ("b2" for "B02"). Only where there is none,
    those count of which it is a word, such as "B04, red" and "T18SVG_B04".
    """
    exact = [number for number, text in enumerate(texts) if text.strip() == band]
    whole = [number for number, text in enumerate(texts) if plain(text) == plain(band)]
    words = [number for number, text in enumerate(texts) if plain(band) in map(plain, _words(text))]
    return exact or whole or words


def names(band: str, text: str) -> bool:
    """Return whether a text names a band: as the whole text or as one of its words."""
    return bool(matching(band, [text]))


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case: runs of letters and digits."""
    return [word for word in re.split(r"[^0-9a-z]+", text.casefold()) if word]

"""The order of scenes in the RSGAN study (2020), whose splits are parts of one permutation."""

from __future__ import annotations

import numpy as np


def permutation(count: int, seed: int) -> list[int]:
    """Return the numbers 0 to ``count`` - 1 in the order in which the study cuts them into train, val and test.

    Number i changes places with one of those from i on, which the next 32 bits of the Mersenne Twister choose by their
    remainder. The study has 250 series and the seed 73.

    Args:
        count: of the scenes.
        seed: of the Mersenne Twister, below 2 ** 32.
    """
    # NumPy keeps the words of this generator as they are; np.random.MT19937 is seeded in another way.
    words = np.random.RandomState(seed).randint(0, 2**32, count - 1, dtype=np.uint32)
    order = list(range(count))
    for number, word in enumerate(words.tolist()):
        other = number + word % (count - number)
        order[number], order[other] = order[other], order[number]
    return order

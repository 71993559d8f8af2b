"""Read the XML of satellite products by local names, because prefixes and versions of the namespaces change.

A ``pattern`` is a regular expression for local names, such as "startTime" or "IMAGE_ID|IMAGE_FILE"; messages quote its
first alternative.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from shapely import Polygon

    from sensors.archives import Members


MOST_POINTS = 500
"""Points that a footprint may have; real ones have 5 to 47."""


class XmlDocument:
    """One XML file of a product."""

    def __init__(self, members: Members, member: str) -> None:
        """Parse a member; document types and entities are refused.

        Raises:
            UserError: it is missing, not XML, or declares entities.
        """
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring

        self.label = members.label(member)
        try:
            self.root: Element = fromstring(members.read(member), forbid_dtd=True)
        except DefusedXmlException:
            raise UserError(f"{self.label}: declares XML entities, which no product does; do not trust it") from None
        except (ParseError, ValueError, LookupError) as error:
            raise UserError(f"{self.label}: is not XML ({error}); download the product again") from None

    def all(self, pattern: str) -> Iterator[Element]:
        """Yield the elements whose local name matches, in the order of the file."""
        matches = re.compile(pattern).fullmatch
        return (element for element in self.root.iter() if matches(local_name(element)))

    def optional(self, pattern: str) -> str | None:
        """Return the text of the first element whose local name matches and that has text, or None."""
        return next((text for element in self.all(pattern) if (text := (element.text or "").strip())), None)

    def text(self, pattern: str) -> str:
        """Return the text of the first element whose local name matches.

        Raises:
            UserError: there is none.
        """
        text = self.optional(pattern)
        if text is None:
            raise UserError(f"{self.label}: has no element {pattern.split('|')[0]}; download the product again")
        return text

    def number(self, pattern: str) -> float:
        """Return the number in the first element whose local name matches.

        Raises:
            UserError: there is none, or it is not a number.
        """
        return self.as_number(self.text(pattern), pattern)

    def as_number(self, text: str, element: str) -> float:
        """Return a string of this file as a finite number; ``element`` is its pattern, for the message.

        Raises:
            UserError: it is no finite number.
        """
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            name = element.split("|")[0]
            raise UserError(f"{self.label}: {name} is '{text}', not a number; download the product again")
        return number

    def count(self, pattern: str, most: int) -> int:
        """Return the integer from 1 to ``most`` in the first element whose local name matches.

        Raises:
            UserError: there is none, or it is another number.
        """
        number = self.number(pattern)
        if not (number.is_integer() and 1 <= number <= most):
            name = pattern.split("|")[0]
            raise UserError(
                f"{self.label}: {name} is '{number:g}', not an integer from 1 to {most}; download the product again"
            )
        return int(number)

    def time(self, pattern: str) -> datetime:
        """Return the time (UTC) in the first element whose local name matches.

        Raises:
            UserError: there is none, or it is not a time.
        """
        text = self.text(pattern)
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=UTC)
        except ValueError:
            name = pattern.split("|")[0]
            raise UserError(f"{self.label}: {name} is '{text}', not a time; download the product again") from None

    def ring(self, pattern: str) -> Polygon:
        """Return the polygon of a list "latitude longitude latitude longitude ..." in degrees; see ``unwrapped``.

        Raises:
            UserError: there is no such element, or it is no ring of latitudes and longitudes.
        """
        text = self.text(pattern)
        parts = text.replace(",", " ").split()
        if len(parts) > 2 * MOST_POINTS:
            name = pattern.split("|")[0]
            raise UserError(f"{self.label}: {name} has {len(parts)} numbers; no product has a footprint of so many")
        numbers = [self.as_number(part, pattern) for part in parts]
        latitudes, longitudes = numbers[0::2], numbers[1::2]
        on_earth = all(-90 <= degrees <= 90 for degrees in latitudes) and all(
            -180 <= degrees <= 360 for degrees in longitudes
        )
        if len(numbers) % 2 or len(latitudes) < 4 or not on_earth:
            name = pattern.split("|")[0]
            raise UserError(f"{self.label}: {name} is no ring of latitudes and longitudes; download the product again")
        return unwrapped(longitudes, latitudes)


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def unwrapped(longitudes: Sequence[float], latitudes: Sequence[float]) -> Polygon:
    """Return a closed ring as a valid polygon of (longitude, latitude) in degrees.

    360 degrees are added to or subtracted from a longitude where that brings it nearer to the one before. So a ring
    across the antimeridian (179 and -179 mixed) is one piece, with longitudes between -180 and 540. A ring around a
    pole is closed along it.
    """
    import numpy as np
    from shapely import Polygon, make_valid

    along = np.unwrap(np.asarray(longitudes, float), period=360.0)
    if along.min() < -180:
        along += 360
    points = list(zip(along.tolist(), latitudes, strict=True))
    if abs(along[-1] - along[0]) > 180:
        pole = math.copysign(90.0, sum(latitudes))
        points += [(points[-1][0], pole), (points[0][0], pole)]
    polygon = Polygon(points)
    if polygon.is_valid:
        return polygon
    # The other method takes minutes for a hostile ring of some hundred crossing edges.
    pieces = make_valid(polygon, method="structure")
    # A ring that touches itself leaves lines without area beside its polygon.
    return max(getattr(pieces, "geoms", [pieces]), key=lambda piece: piece.area)

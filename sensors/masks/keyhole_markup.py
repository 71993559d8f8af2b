"""KML and KMZ files, checked and in the form that GDAL reads without loss."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://www.opengis.net/kml/2.2"
LARGEST = 256 * 2**20
"""Bytes. A KML in a KMZ that claims to be larger is not unpacked."""


def keyhole_markup(path: Path) -> bytes:
    """Return a KML, or the first one in a KMZ.

    Every hole has an ``innerBoundaryIs`` of its own: of several rings in one, GDAL keeps the last.

    Raises:
        UserError: it is no XML, declares entities or a document type, or the KMZ holds no KML.
    """
    from xml.etree.ElementTree import ParseError, tostring

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(_unpacked(path) if path.suffix.lower() == ".kmz" else path.read_bytes(), forbid_dtd=True)
    except ParseError as error:
        raise UserError(f"{path}: is no XML ({error})") from None
    except DefusedXmlException:
        raise UserError(f"{path}: declares entities or a document type, which no KML needs; remove them") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]  # GDAL knows names without prefixes
        element.attrib.clear()
    root.set("xmlns", NAMESPACE)
    for polygon in list(root.iter("Polygon")):
        _separate_holes(polygon)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _unpacked(path: Path) -> bytes:
    """Return the first KML of a KMZ.

    Raises:
        UserError: it is no zip, holds none, or one that is too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            documents = [one for one in archive.infolist() if one.filename.lower().endswith(".kml")]
            if not documents:
                raise UserError(f"{path}: holds no .kml")
            if documents[0].file_size > LARGEST:
                raise UserError(f"{path}: {documents[0].filename} is larger than {LARGEST // 2**20} MiB")
            return archive.read(documents[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be unpacked ({error})") from None


def _separate_holes(polygon: Element) -> None:
    """Give every ring of an ``innerBoundaryIs`` an element of its own."""
    from xml.etree.ElementTree import SubElement

    for boundary in polygon.findall("innerBoundaryIs"):
        for ring in boundary.findall("LinearRing")[1:]:
            boundary.remove(ring)
            SubElement(polygon, boundary.tag).append(ring)

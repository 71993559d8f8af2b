"""Masks from KML with every structure of polygons, and from other formats."""

import numpy as np
import pyproj
import pytest
import shapely

from pix2earth.settings.errors import UserError
from sensors.vector_masks import find_mask, on_grid, read_mask

KML = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'


def ring(*corners):
    return "<LinearRing><coordinates>{}</coordinates></LinearRing>".format(
        " ".join(f"{x},{y},0" for x, y in [*corners, corners[0]])
    )


def square(left, bottom, side, hole=None):
    def outline(x, y, length):
        return ring((x, y), (x + length, y), (x + length, y + length), (x, y + length))

    inner = f"<innerBoundaryIs>{outline(*hole)}</innerBoundaryIs>" if hole else ""
    return f"<Polygon><outerBoundaryIs>{outline(left, bottom, side)}</outerBoundaryIs>{inner}</Polygon>"


def placemark(shape):
    return f"<Placemark>{shape}</Placemark>"


@pytest.fixture
def kml(tmp_path):
    def write(body, name="mask.kml", template=KML):
        path = tmp_path / name
        path.write_text(template.format(body))
        return path

    return write


@pytest.mark.parametrize(
    ("body", "area"),
    [
        (placemark(square(0, 0, 10)), 100),
        (placemark(square(0, 0, 10, hole=(2, 2, 3))), 91),
        (placemark(square(0, 0, 10)) + placemark(square(5, 0, 10)), 150),
        (placemark(f"<MultiGeometry>{square(0, 0, 1)}{square(3, 0, 2)}</MultiGeometry>"), 5),
        (
            placemark(
                f"<MultiGeometry>{square(0, 0, 1)}<Point><coordinates>8,8</coordinates></Point>"
                f"<MultiGeometry>{square(5, 5, 1)}</MultiGeometry></MultiGeometry>"
            ),
            2,
        ),
        (f"<Folder>{placemark(square(0, 0, 1))}</Folder><Folder>{placemark(square(1, 0, 2))}</Folder>", 5),
        ("<Folder><Folder>" + placemark(square(0, 0, 2)) + "</Folder></Folder>", 4),
        (placemark("<Point><coordinates>1,1</coordinates></Point>") + placemark(square(0, 0, 3)) + "<Placemark/>", 9),
        # A bow tie encloses two triangles.
        (placemark(f"<Polygon><outerBoundaryIs>{ring((0, 0), (2, 2), (2, 0), (0, 2))}</outerBoundaryIs></Polygon>"), 2),
    ],
)
def test_the_union_has_every_polygon_once(kml, body, area):
    assert read_mask(kml(body)).area == pytest.approx(area, abs=1e-9)


def test_other_formats_are_projected_to_degrees(tmp_path):
    import pyogrio

    path = tmp_path / "land.gpkg"
    metres = shapely.box(500000, 8100000, 510000, 8105000)
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(metres)]), [], [], geometry_type="Polygon", crs="EPSG:32617", driver="GPKG"
    )
    west, south, _, _ = read_mask(path).bounds
    x, y = pyproj.Transformer.from_crs(4326, 32617).transform(south, west)  # latitude first
    assert (x, y) == pytest.approx((500000, 8100000), abs=300)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (placemark("<Point><coordinates>1,1</coordinates></Point>"), "holds no polygon"),
        ("<Placemark>", "is no XML"),
    ],
)
def test_masks_without_polygons_are_refused(kml, body, message):
    with pytest.raises(UserError, match=message):
        read_mask(kml(body))


def test_entities_are_refused(kml):
    bomb = '<!DOCTYPE kml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    path = kml("", template=KML.replace("<kml", bomb + "<kml").replace("{}", "<name>&b;</name>{}"))
    with pytest.raises(UserError, match="entities"):
        read_mask(path)


def test_masks_are_found_by_name(kml, tmp_path):
    path = kml("", name="fjord.kml")
    assert find_mask(tmp_path, "fjord") == path == find_mask(tmp_path, "fjord.kml")
    with pytest.raises(UserError, match="did you mean 'fjord'"):
        find_mask(tmp_path, "fiord")
    with pytest.raises(UserError, match="there is no"):
        find_mask(tmp_path, "../fjord")


def test_masks_are_found_across_the_antimeridian():
    # The scene's longitudes continue beyond 180, the mask's start again at -180.
    scene = shapely.box(179.5, 65.0, 181.5, 66.0)
    mask = shapely.box(-179.5, 65.2, -179.0, 65.4)
    projected = on_grid(mask, scene, "EPSG:32660")
    corner = pyproj.Transformer.from_crs(4326, 32660, always_xy=True).transform(-179.5, 65.2)
    corners = shapely.get_coordinates(projected)
    assert np.hypot(*(corners - corner).T).min() < 1
    assert on_grid(shapely.box(10, 65, 11, 66), scene, "EPSG:32660").is_empty

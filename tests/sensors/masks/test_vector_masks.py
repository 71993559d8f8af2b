"""Masks from KML with every structure of polygons, and from other formats."""

import zipfile

import numpy as np
import pyproj
import pytest
import shapely

from pix2earth.settings.errors import UserError
from sensors.masks.vector_masks import find_mask, on_grid, read_mask

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
        # Two rings in one innerBoundaryIs, which many programs write, are two holes.
        (
            placemark(
                f"<Polygon><outerBoundaryIs>{ring((0, 0), (9, 0), (9, 9), (0, 9))}</outerBoundaryIs>"
                f"<innerBoundaryIs>{ring((1, 1), (2, 1), (2, 2), (1, 2))}{ring((4, 4), (6, 4), (6, 6), (4, 6))}"
                "</innerBoundaryIs></Polygon>"
            ),
            81 - 1 - 4,
        ),
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
        (
            placemark(
                "<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,1</coordinates></LinearRing>"
                "</outerBoundaryIs></Polygon>"
            ),
            "the ring of a polygon is not closed: its last point must be its first",
        ),
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


@pytest.mark.parametrize("name", ["fjord.KML", "fjord.kmz", "fjord.KMZ", "fjord.geojson", "fjord.gpkg", "fjord.shp"])
def test_masks_of_all_formats_are_found_and_read(name, tmp_path, kml):
    import pyogrio

    path = tmp_path / name
    if path.suffix.lower() == ".kml":
        kml(placemark(square(3, 0, 2)), name=name)
    elif path.suffix.lower() == ".kmz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", KML.format(placemark(square(3, 0, 2))))
    else:
        drivers = {".geojson": "GeoJSON", ".gpkg": "GPKG", ".shp": "ESRI Shapefile"}
        shape = np.array([shapely.to_wkb(shapely.box(3, 0, 5, 2))], object)
        pyogrio.raw.write(
            path, shape, [], [], geometry_type="Polygon", crs="EPSG:4326", driver=drivers[path.suffix.lower()]
        )
    assert find_mask(tmp_path, "fjord") == path
    assert read_mask(path).bounds == (3, 0, 5, 2)


def test_two_files_of_one_name_are_told_apart_by_their_suffixes(kml, tmp_path):
    paths = [kml(placemark(square(0, 0, side)), name=name) for side, name in ((1, "a.kml"), (2, "a.KML"))]
    with pytest.raises(UserError, match=r"has a\.KML and a\.kml; name one of them with its suffix"):
        find_mask(tmp_path, "a")
    assert [find_mask(tmp_path, path.name) for path in paths] == paths


@pytest.mark.parametrize(
    ("content", "message"), [(b"PK", "cannot be unpacked"), (None, "holds no .kml")], ids=["broken", "empty"]
)
def test_kmz_that_cannot_be_read(content, message, tmp_path):
    path = tmp_path / "x.kmz"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("picture.png", b"")
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_mask(path)


def polygon(*corners):
    return f"<Polygon><outerBoundaryIs>{ring(*corners)}</outerBoundaryIs></Polygon>"


ACROSS = [(179.5, 65), (-179.5, 65), (-179.5, 66), (179.5, 66)]
AROUND = [(0, 80), (90, 80), (180, 80), (-90, 80)]


@pytest.mark.parametrize(
    ("body", "area", "inside", "outside"),
    [
        (polygon(*ACROSS), 1.0, [(179.9, 65.5), (-179.9, 65.5)], [(0, 65.5), (178, 65.5)]),
        (polygon(*ACROSS[::-1]), 1.0, [(179.9, 65.5), (-179.9, 65.5)], [(0, 65.5)]),
        (polygon(*((-x, -y) for x, y in ACROSS)), 1.0, [(180, -65.5)], [(0, -65.5)]),
        (polygon(*AROUND), 3600.0, [(45, 85), (-45, 85), (-135, 85), (135, 89)], [(45, 79), (-135, 79)]),
        (polygon(*((x, -y) for x, y in AROUND)), 3600.0, [(45, -85), (-135, -89)], [(45, -79)]),
        # Programs that cut at the border of the map, and a polygon of the whole Earth.
        (polygon((-180, -60), (-180, -90), (180, -90), (180, -60), (0, -65)), 9900.0, [(170, -80)], [(0, -60)]),
        (polygon((-180, -90), (180, -90), (180, 90), (-180, 90)), 64800.0, [(0, 0), (179, 89)], []),
        (
            f"<MultiGeometry>{polygon(*ACROSS)}{square(10, 10, 1)}</MultiGeometry>", 2.0, [(180, 65.5), (10.5, 10.5)],
            [(100, 40)],
        ),
    ],
)  # fmt: skip
def test_edges_go_the_shorter_way_around_the_earth(kml, body, area, inside, outside):
    mask = read_mask(kml(placemark(body)))
    assert mask.area == pytest.approx(area)

    def covers(x, y):
        return any(mask.intersects(shapely.Point(x + turn, y)) for turn in (-360, 0, 360))

    assert all(covers(*point) for point in inside) and not any(covers(*point) for point in outside)


def test_a_hole_across_the_antimeridian(kml):
    hole = ring((179.8, 65.2), (-179.8, 65.2), (-179.8, 65.7), (179.8, 65.7))
    body = polygon(*ACROSS).replace("</Polygon>", f"<innerBoundaryIs>{hole}</innerBoundaryIs></Polygon>")
    assert read_mask(kml(placemark(body))).area == pytest.approx(1 - 0.4 * 0.5)


def test_masks_across_the_antimeridian_lie_where_they_are_on_a_scene(kml):
    mask = read_mask(kml(placemark(polygon(*ACROSS))))
    for scene in (shapely.box(178.0, 64.5, 181.5, 66.5), shapely.box(-182.0, 64.5, -178.5, 66.5)):
        projected = on_grid(mask, scene, "EPSG:32660")
        project = pyproj.Transformer.from_crs(4326, 32660, always_xy=True).transform
        assert projected.contains(shapely.Point(project(179.7, 65.5)))
        assert projected.contains(shapely.Point(project(-179.7, 65.5)))
        assert not projected.contains(shapely.Point(project(178.9, 65.5)))
        degrees = np.pi / 180 * 6371007
        ground = degrees * degrees * np.cos(np.radians(65.5))
        assert projected.area == pytest.approx(ground, rel=0.02)


def test_masks_are_found_across_the_antimeridian():
    # The scene's longitudes continue beyond 180, the mask's start again at -180.
    scene = shapely.box(179.5, 65.0, 181.5, 66.0)
    mask = shapely.box(-179.5, 65.2, -179.0, 65.4)
    projected = on_grid(mask, scene, "EPSG:32660")
    corner = pyproj.Transformer.from_crs(4326, 32660, always_xy=True).transform(-179.5, 65.2)
    corners = shapely.get_coordinates(projected)
    assert np.hypot(*(corners - corner).T).min() < 1
    assert on_grid(shapely.box(10, 65, 11, 66), scene, "EPSG:32660").is_empty

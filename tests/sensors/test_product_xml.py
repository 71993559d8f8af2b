"""XML of products: elements by local name, refusal of hostile files, footprints across the antimeridian."""

import time

import numpy as np
import pytest

from pix2earth.settings.errors import UserError
from sensors.archives import Folder
from sensors.product_xml import MOST_POINTS, XmlDocument, unwrapped

LAUGHS = '<!DOCTYPE a [<!ENTITY b0 "lol">' + "".join(
    f'<!ENTITY b{i + 1} "{f"&b{i};" * 10}">' for i in range(9)
)  # fmt: skip
HOSTILE = {
    "billion laughs": LAUGHS + "]><a>&b9;</a>",
    "external entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "external document type": '<!DOCTYPE a SYSTEM "http://localhost:1/a.dtd"><a/>',
}


def document(folder, text: str) -> XmlDocument:
    (folder / "a.xml").write_text(text)
    return XmlDocument(Folder(folder), "a.xml")


@pytest.mark.parametrize("kind", HOSTILE)
def test_entities_are_refused_in_one_line_without_expansion(kind, tmp_path):
    started = time.process_time()
    with pytest.raises(UserError, match="declares XML entities") as refused:
        document(tmp_path, HOSTILE[kind])
    assert time.process_time() - started < 10  # without the limit: minutes
    assert len(refused.value.lines) == 1
    assert refused.value.lines[0].startswith(f"{tmp_path}/a.xml: ")
    assert "root:" not in refused.value.lines[0]


@pytest.mark.parametrize("text", ["", "<a>", "no XML", "<a></b>", '<?xml version="1.0" encoding="UTq-8"?><a/>'])
def test_invalid_xml_is_an_error(text, tmp_path):
    with pytest.raises(UserError, match=r"a\.xml: is not XML"):
        document(tmp_path, text)


def test_elements_are_found_whatever_their_namespace(tmp_path):
    one = document(tmp_path, '<x:a xmlns:x="urn:1"><x:b> </x:b><x:b> 7.5 </x:b><T>2020-07-02T17:29:01.024Z</T></x:a>')
    assert one.number("b") == 7.5
    assert one.time("T").isoformat() == "2020-07-02T17:29:01.024000+00:00"
    assert one.optional("c") is None


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda one: one.text("gone|missing"), "has no element gone"),
        (lambda one: one.number("word"), "word is 'seven', not a number"),
        (lambda one: one.time("word"), "word is 'seven', not a time"),
        (lambda one: one.ring("odd"), "odd is no ring"),
        (lambda one: one.ring("swapped"), "swapped is no ring"),
        (lambda one: one.ring("nan"), "nan is 'nan', not a number"),
        (lambda one: one.number("endless"), "endless is '1e999', not a number"),
    ],
)
def test_missing_elements_and_invalid_values_are_errors(read, message, tmp_path):
    one = document(
        tmp_path, "<a><word>seven</word><odd>1 2 3 4 5 6 7</odd><swapped>99 1 99 2 98 2 99 1</swapped>"
        "<nan>1 2 nan 3 4 5 1 2</nan><endless>1e999</endless></a>",
    )  # fmt: skip
    with pytest.raises(UserError, match=message) as refused:
        read(one)
    assert str(refused.value).startswith(f"{tmp_path}/a.xml: ")


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("turned", [1, -1])
def test_a_ring_across_the_antimeridian_is_one_piece_wherever_it_starts(first, turned):
    ring = [(179.0, 10.0), (-179.0, 10.0), (-179.0, 11.0), (179.0, 11.0)][::turned]
    ring = ring[first:] + ring[: first + 1]
    polygon = unwrapped(*zip(*ring, strict=True))
    assert polygon.bounds == (179, 10, 181, 11)
    assert polygon.area == pytest.approx(2)


def test_a_ring_wider_than_half_the_earth_is_not_taken_for_one_across_the_antimeridian():
    west, east = [-150.0, -50.0, 50.0, 150.0], [150.0, 50.0, -50.0, -150.0]
    polygon = unwrapped([*west, *east, -150.0], [-80.0] * 4 + [-70.0] * 4 + [-80.0])
    assert polygon.bounds == (-150, -80, 150, -70)
    assert polygon.area == pytest.approx(3000)


def test_a_ring_around_a_pole_holds_it():
    polygon = unwrapped([0.0, 90.0, 180.0, -90.0, 0.0], [-80.0, -82.0, -80.0, -82.0, -80.0])
    assert polygon.bounds[1] == -90
    assert polygon.area == pytest.approx(360 * 9)


def test_a_ring_that_crosses_itself_gives_a_valid_polygon():
    polygon = unwrapped([0.0, 1.0, 0.9, 1.1, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.1, 0.0])
    assert polygon.is_valid and polygon.area > 0


def test_a_hostile_ring_is_repaired_or_refused_quickly(tmp_path):
    """Edges that all cross one another: the usual repair of such a polygon takes minutes."""
    places = np.random.default_rng(0).uniform(0, 50, (MOST_POINTS, 2))
    started = time.process_time()
    assert unwrapped(*np.append(places, places[:1], axis=0).T).is_valid
    assert time.process_time() - started < 10  # without the limit: minutes
    longer = " ".join(f"{number:.3f}" for number in np.append(places, places).tolist())
    with pytest.raises(UserError, match=r"a\.xml: posList has 2000 numbers"):
        document(tmp_path, f"<posList>{longer}</posList>").ring("posList")


@pytest.mark.parametrize("stated", ["0", "-3", "2.5", "1e12"])
def test_a_count_is_an_integer_within_its_limit(stated, tmp_path):
    with pytest.raises(UserError, match=r"a\.xml: rows is '.*', not an integer from 1 to 100; download"):
        document(tmp_path, f"<rows>{stated}</rows>").count("rows", 100)
    assert document(tmp_path, "<rows>100</rows>").count("rows", 100) == 100

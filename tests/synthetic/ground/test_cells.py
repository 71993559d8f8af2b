"""Cells and parcels: nearest points by brute force, sizes, classes and merging."""

import numpy as np
import pytest

from synthetic.ground import cells
from synthetic.streams import stream


def nearest_of_all(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the nearest point of each pixel's centre by comparing all distances; ties go to the lowest number."""
    y, x = np.mgrid[:height, :width] + 0.5
    return ((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).argmin(axis=-1)


@pytest.mark.parametrize("shape", [(64, 64), (40, 90), (90, 40)])
def test_every_pixel_belongs_to_the_nearest_point(shape):
    points = stream(7, "points").random((20, 2)) * [shape[1], shape[0]]
    np.testing.assert_array_equal(cells.voronoi_cells(points, shape), nearest_of_all(points, *shape))


def test_borders_move_by_the_displacement():
    points = stream(7, "points").random((20, 2)) * 64
    displacement = np.stack([np.full((64, 64), 3.0), np.full((64, 64), -2.0)])
    moved = cells.voronoi_cells(points, (64, 64), displacement)
    np.testing.assert_array_equal(moved[2:, :-3], cells.voronoi_cells(points, (64, 64))[:-2, 3:])


def test_the_displacement_has_the_requested_deviation():
    field = cells.border_displacement(stream(7, "borders"), (128, 128), 5.0)
    assert field.shape == (2, 128, 128)
    np.testing.assert_allclose(field.std(axis=(1, 2)), 5.0, rtol=1e-3)
    assert cells.border_displacement(stream(7, "borders"), (128, 128), 0.0) is None


def test_no_cell_is_below_the_smallest_size():
    for scene in range(20):
        _, drawn = cells.draw_cells(stream(7, "points", scene), (64, 64), 60, 16, None)
        counts = np.bincount(drawn.ravel(), minlength=60)
        assert counts.min() >= 16
        assert counts.sum() == 64 * 64


def test_cells_without_room_are_an_error():
    with pytest.raises(ValueError, match="20 cells of at least 16 pixels have no room in 16 x 16 pixels"):
        cells.draw_cells(stream(7, "points"), (16, 16), 20, 16, None)


def test_exact_numbers_of_cells_differ_from_the_share_by_less_than_one():
    for scene in range(50):
        prior = stream(7, "covers", scene).dirichlet(np.ones(8))
        counts = np.bincount(cells.draw_classes(stream(7, "labels", scene), 60, prior, exact=True), minlength=8)
        assert counts.sum() == 60
        assert np.abs(counts - prior * 60).max() < 1


def test_exact_classes_have_the_same_probability_in_every_cell():
    first = [
        cells.draw_classes(stream(7, "labels", scene), 4, np.array([0.25, 0.75]), exact=True) for scene in range(2000)
    ]
    np.testing.assert_allclose(np.mean(np.array(first) == 0, axis=0), 0.25, atol=0.04)


class TestParcels:
    CELLS = np.kron(np.arange(9, dtype=np.int32).reshape(3, 3), np.ones((60, 60), np.int32))
    """Nine square cells of 3,600 pixels; the first of three classes is divided."""
    CLASSES = np.tile([1, 2, 3], 3)

    def divide(self, smallest: int) -> tuple[np.ndarray, np.ndarray]:
        return cells.divide_into_parcels(stream(7, "fields"), self.CELLS, self.CLASSES, {1: 200.0}, smallest)

    def test_lie_within_one_cell_and_have_its_class(self):
        parcels, class_of_parcel = self.divide(0)
        pairs = np.unique(np.stack([self.CELLS.ravel(), parcels.ravel()]), axis=1)
        assert pairs.shape[1] == parcels.max() + 1 == len(class_of_parcel)
        np.testing.assert_array_equal(class_of_parcel[parcels], self.CLASSES[self.CELLS])

    def test_cells_of_other_classes_are_not_divided(self):
        parcels, class_of_parcel = self.divide(0)
        assert set(np.bincount(parcels.ravel())[class_of_parcel != 1]) == {3600}

    def test_have_the_requested_mean_area_in_a_large_cell(self):
        cell = np.zeros((400, 400), np.int32)
        for scene in range(4):
            parcels, _ = cells.divide_into_parcels(stream(7, "fields", scene), cell, np.array([1]), {1: 200.0}, 0)
            assert 400 * 400 / (parcels.max() + 1) == pytest.approx(200, rel=0.2)

    def test_slivers_are_merged_into_their_neighbours(self):
        parcels, class_of_parcel = self.divide(16)
        assert np.bincount(parcels.ravel()).min() >= 16
        assert (class_of_parcel[parcels] != self.CLASSES[self.CELLS]).mean() < 0.005


class TestMerging:
    def test_small_cells_are_merged_into_the_neighbour_with_the_longest_border(self):
        before = np.zeros((8, 8), int)
        before[:, 4:] = 1
        before[3:5, 3] = 2  # borders: 4 pixels of 0 (without corners), 2 of 1
        merged, classes = cells.merge_small_cells(before, np.array([5, 6, 7]), 4)
        assert merged.max() == 1
        assert (merged[3:5, 3] == 0).all()
        assert classes.tolist() == [5, 6]

    def test_lines_are_never_merged(self):
        before = np.zeros((8, 8), int)
        before[2] = 2
        before[0, 0] = 1
        merged, classes = cells.merge_small_cells(before, np.array([5, 6, 7]), 16, first_line=2)
        assert classes.tolist() == [5, 7]
        assert (merged[2] == 1).all()
        assert merged[0, 0] == 0

    def test_numbers_have_no_gaps(self):
        before = np.repeat(np.array([[3], [7], [9]]), 20, axis=1).repeat(5, axis=0)
        merged, classes = cells.merge_small_cells(before, np.arange(10), 16)
        assert np.unique(merged).tolist() == [0, 1, 2]
        assert classes.tolist() == [3, 7, 9]

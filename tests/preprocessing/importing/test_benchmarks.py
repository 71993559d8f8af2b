"""Each shipped description reads its layout, written small, and names what is odd in it."""

import numpy as np
import pytest
from astropy.io import fits

from preprocessing.sources.description import load_description, shipped
from tests.importing_trees import geotiff, numbers, picture, run_importer, samples_of


def sen2_mtc(root, side=16):
    """Write three tiles of two scenes; return the images of each scene by the name of its sample."""
    images = {}
    root.mkdir()
    for number, tile in enumerate(("T12TUR_R027", "T34XYZ_R001", "T50AAA_R140")):
        (root / f"{('train', 'val', 'test')[number]}.txt").write_text(f"{tile}\n")
        for scene in range(2):
            folder, name = root / "Sen2_MTC" / tile, f"S2_{scene}"
            cloudy = [
                numbers(side, side, 4, dtype="uint16", seed=number * 10 + scene + t, high=10000) for t in range(3)
            ]
            clear = numbers(side, side, 4, dtype="uint16", seed=900 + number * 10 + scene, high=10000)
            for time, image in enumerate(cloudy):
                geotiff(folder / "cloud" / f"{name}_{time}.tif", image, crs=None)
            geotiff(folder / "cloudless" / f"{name}.tif", clear, crs=None)
            images[f"{tile}_{name}"] = (np.stack(cloudy), clear)
    return images


def small(side):
    return ("--set", f"tilesize={side}")


def test_sen2_mtc(tmp_path, capsys):
    images = sen2_mtc(tmp_path / "in")
    assert run_importer(tmp_path, "sen2_mtc", "--input", tmp_path / "in", "--dataset", "m", *small(16)) == 0, (
        capsys.readouterr().err
    )
    manifest, found = samples_of(tmp_path, "m", 16)
    assert {split: sum(key[0] == split for key in found) for split in ("train", "val", "test")} == {
        "train": 2, "val": 2, "test": 2,
    }  # fmt: skip
    assert manifest.fields["input_image"].shape == [3, 16, 16, 4]
    assert manifest.fields["target"].bands == ["B04", "B03", "B02", "B08"]
    assert manifest.fields["target"].scale == 1e-4 and manifest.fields["target"].dtype == "uint16"
    for (split, name), (fields, _) in found.items():
        assert split == {"T12TUR": "train", "T34XYZ": "val", "T50AAA": "test"}[name[:6]]
        np.testing.assert_array_equal(fields["input_image"], images[name][0])
        np.testing.assert_array_equal(fields["target"], images[name][1])


def test_sen2_mtc_without_the_third_cloudy_image(tmp_path, capsys):
    sen2_mtc(tmp_path / "in")
    (tmp_path / "in/Sen2_MTC/T12TUR_R027/cloud/S2_1_2.tif").unlink()
    with (tmp_path / "in/val.txt").open("a") as file:
        file.write("T99ZZZ_R001\n")
    assert run_importer(tmp_path, "sen2_mtc", "--input", tmp_path / "in", "--dataset", "m", *small(16)) == 0
    said = capsys.readouterr().out
    assert "T12TUR_R027_S2_1: input_image: there is no Sen2_MTC/T12TUR_R027/cloud/S2_1_2.tif" in said
    assert "val.txt: names T99ZZZ_R001, of which there is no complete sample" in said
    assert ("train", "T12TUR_R027_S2_1") not in samples_of(tmp_path, "m", 16)[1]


def test_sen2_mtc_of_eight_bands(tmp_path, capsys):
    sen2_mtc(tmp_path / "in")
    odd = tmp_path / "in/Sen2_MTC/T12TUR_R027/cloudless/S2_0.tif"
    geotiff(odd, numbers(16, 16, 8, dtype="uint16"), crs=None)
    arguments = ("sen2_mtc", "--input", tmp_path / "in", "--dataset", "m", *small(16))
    assert run_importer(tmp_path, *arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert f"T12TUR_R027_S2_0: {odd}: target: has 8 bands; expected 4: B04, B03, B02, B08" in said
    assert run_importer(tmp_path, *arguments, "--leave_out", "odd") == 0
    assert len(samples_of(tmp_path, "m", 16)[1]) == 5


def test_stgan_in_single_files(tmp_path):
    root, images = tmp_path / "in", {}
    for scene in range(10):
        grey = [numbers(16, 16, 1, seed=50 + scene * 3 + t) for t in range(3)]
        for time in range(3):
            picture(root / f"cloudy/s{scene}_{time}.jpg", numbers(16, 16, 3, seed=scene * 3 + time))
            picture(root / f"cloudy/s{scene}_{time}_ir.jpg", np.repeat(grey[time], 3, -1))
        images[f"s{scene}"] = picture(root / f"clear/s{scene}.jpg", numbers(16, 16, 3, seed=scene))
    assert run_importer(tmp_path, "stgan", "--input", root, "--dataset", "m", *small(16)) == 0
    manifest, found = samples_of(tmp_path, "m", 16)
    assert len(found) == 10 and manifest.fields["input_image"].shape == [3, 16, 16, 4]
    from pix2earth.image_files.reading import read_image_file

    for (_, name), (fields, _) in found.items():
        for time in range(3):
            np.testing.assert_array_equal(
                fields["input_image"][time, ..., :3], read_image_file(root / f"cloudy/{name}_{time}.jpg").array
            )
            infrared = read_image_file(root / f"cloudy/{name}_{time}_ir.jpg").array
            np.testing.assert_array_equal(fields["input_image"][time, ..., 3], infrared[..., 0])


def test_stgan_side_by_side(tmp_path):
    root, wholes = tmp_path / "in", {}
    for scene in range(10):
        wholes[f"s{scene}"] = picture(root / f"s{scene}.png", numbers(16, 80, 3, seed=scene))
    assert run_importer(tmp_path, "stgan_side_by_side", "--input", root, "--dataset", "m", *small(16)) == 0
    _, found = samples_of(tmp_path, "m", 16)
    assert len(found) == 10
    for (_, name), (fields, _) in found.items():
        pieces = wholes[name].reshape(16, 5, 16, 3).swapaxes(0, 1)
        for time in range(3):
            np.testing.assert_array_equal(fields["input_image"][time, ..., :3], pieces[time])
            np.testing.assert_array_equal(fields["input_image"][time, ..., 3], pieces[3, ..., time])
        np.testing.assert_array_equal(fields["target"], pieces[4])


def hls(root):
    """Write six chips and four masks with their catalogues; return the chips by their names."""
    days = "2020-01-05,2020-03-05,2020-06-05"
    rows = ["chip_id,usage,bad_pct_max,na_count,first_image_date,second_image_date,third_image_date"]
    chips = {}
    for index in range(6):
        name = f"chip_{index:03d}_001"
        chip = numbers(16, 16, 18, dtype="int16", seed=index, high=9000)
        chip[0, 0, 0] = -9999
        geotiff(root / f"chips_filtered/{name}_merged.tif", chip, corner=(index * 1000.0, 5e6), crs="EPSG:5070")
        bad, missing = (7 if index == 1 else 2), (3 if index == 2 else 0)
        rows.append(f"{name},{'validate' if index > 3 else 'train'},{bad},{missing},{days}")
        chips[name] = chip
    (root / "chip_catalog.csv").write_text("\n".join(rows) + "\n")
    masks = ["fmask_name,cloud_pct,usage"]
    for index in range(4):
        geotiff(
            root / f"cloud_mask/chip_{index}_cmask.tif",
            (numbers(16, 16, 1, seed=index) > 125).astype("uint8"),
        )
        masks.append(f"chip_{index}_cmask.tif,0.5,{'train' if index < 3 else 'validate'}")
    (root / "cloud_catalog.csv").write_text("\n".join(masks) + "\n")
    return chips


def test_hls_chips_and_masks(tmp_path, capsys):
    chips = hls(tmp_path / "in")
    assert run_importer(tmp_path, "hls", "--input", tmp_path / "in", "--dataset", "chips", *small(16)) == 0
    said = capsys.readouterr().out
    assert "1 samples are left out: chip_catalog.csv: bad_pct_max" in said
    assert "1 samples are left out: chip_catalog.csv: na_count" in said
    manifest, found = samples_of(tmp_path, "chips", 16)
    assert sorted(found) == [("train", "chip_000_001"), ("train", "chip_003_001"), ("val", "chip_004_001"),
                             ("val", "chip_005_001")]  # fmt: skip
    assert (manifest.input, manifest.target, manifest.fields["target"].nodata) == ("target", "target", -9999)
    for (_, name), (fields, metadata) in found.items():
        # Bands are date-major: channel = date * 6 + band.
        expected = np.stack([chips[name][..., date * 6 : date * 6 + 6] for date in range(3)])
        np.testing.assert_array_equal(fields["target"], expected)
        assert metadata["acquired"] == {"target": ["2020-01-05", "2020-03-05", "2020-06-05"]}
        assert metadata["crs"] == "EPSG:5070"
    assert run_importer(tmp_path, "hls_masks", "--input", tmp_path / "in", "--dataset", "masks", *small(16)) == 0
    manifest, found = samples_of(tmp_path, "masks", 16)
    assert manifest.fields["cloud_mask"].kind == "mask"
    assert sorted(key[0] for key in found) == ["train", "train", "train", "val"]


def sen12mscr(root, scenes, patches):
    """Write patches of some scenes of one season."""
    for kind, count in (("s1", 2), ("s2", 13), ("s2_cloudy", 13)):
        name = f"ROIs1158_spring_{kind}"
        for scene in scenes:
            for patch in patches:
                array = numbers(16, 16, count, dtype="uint16", seed=count + scene + patch, high=9000)
                array = -array.astype("float32") / 400 if kind == "s1" else array
                corner = (scene * 1e4, 5e6 - patch * 1000)
                geotiff(root / f"{name}/{kind}_{scene}/{name}_{scene}_p{patch}.tif", array, corner=corner)


def test_sen12mscr(tmp_path, capsys):
    root = tmp_path / "in"
    sen12mscr(root, range(1, 6), (30, 31))
    (root / "ROIs1158_spring_s1/s1_1/ROIs1158_spring_s1_1_p30.tif").unlink()
    assert run_importer(tmp_path, "sen12mscr", "--input", root, "--dataset", "m", *small(16)) == 0
    assert "1158_spring_1_p30: radar: there is no" in capsys.readouterr().out
    manifest, found = samples_of(tmp_path, "m", 16)
    assert len(found) == 9 and list(manifest.fields) == ["input_image", "radar", "target"]
    scenes = {}
    for split, name in found:
        scenes.setdefault(name.split("_")[2], set()).add(split)
    assert all(len(splits) == 1 for splits in scenes.values())
    assert set.union(*scenes.values()) == {"train", "val", "test"}


def test_sen12mscr_with_a_list_of_regions(tmp_path):
    root = tmp_path / "in"
    sen12mscr(root, (1, 31), (3,))
    (tmp_path / "regions.csv").write_text("season,scene,split\nspring,1,train\nspring,31,test\n")
    arguments = ("--dataset", "m", *small(16), "--split", tmp_path / "regions.csv")
    assert run_importer(tmp_path, "sen12mscr", "--input", root, *arguments) == 0
    assert sorted(samples_of(tmp_path, "m", 16)[1]) == [("test", "1158_spring_31_p3"), ("train", "1158_spring_1_p3")]


def test_sen2venus(tmp_path):
    root = tmp_path / "in"
    for index, site in enumerate(("ALSACE", "ARM", "ES-LTERA", "FGMANAUS")):
        for patch in range(3):
            corner = (400000 + index * 10000.0, 5e6 - patch * 1000)
            geotiff(root / site / f"p{patch}_05m.tif", numbers(32, 32, 4, dtype="int16", seed=patch, high=9000),
                    pixel=5, corner=corner)  # fmt: skip
            geotiff(
                root / site / f"p{patch}_10m.tif", numbers(16, 16, 4, dtype="int16", seed=9, high=9000), corner=corner
            )
    assert run_importer(tmp_path, "sen2venus", "--input", root, "--dataset", "m") == 0
    manifest, found = samples_of(tmp_path, "m", 32)
    assert manifest.ratio == 2 and manifest.fields["input_image"].shape == [16, 16, 4]
    sites = {}
    for split, name in found:
        sites.setdefault(name.rsplit("_p", 1)[0], set()).add(split)
    assert sorted(map(len, sites.values())) == [1, 1, 1, 1]


def test_pix2pix_facades(tmp_path):
    root, wholes = tmp_path / "in", {}
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for index in range(1, count + 1):
            wholes[f"{split}_{index}"] = picture(root / split / f"{index}.png", numbers(16, 32, 3, seed=index))
    assert run_importer(tmp_path, "pix2pix", "--input", root, "--dataset", "m", *small(16)) == 0
    _, found = samples_of(tmp_path, "m", 16)
    assert len(found) == 6
    for (split, name), (fields, _) in found.items():
        assert name.startswith(split)
        np.testing.assert_array_equal(fields["target"], wholes[name][:, :16])
        np.testing.assert_array_equal(fields["input_image"], wholes[name][:, 16:])


@pytest.mark.parametrize("byte_order", [">f4", ">i2"])
def test_solar(tmp_path, capsys, byte_order):
    root, images = tmp_path / "in", {}
    for folder in ("input", "target"):
        (root / folder).mkdir(parents=True)
    for index in range(6):
        day = f"201{6 + index // 2}-0{1 + index % 2}-05"
        images[index] = numbers(16, 16, dtype=byte_order, seed=index)
        header = fits.Header({"DATE-OBS": f"{day}T10:00:00", "TELESCOP": "SDO"})
        fits.writeto(root / f"target/hmi_{index}.fits", images[index], header)
        header["DATE-OBS"] = f"{day}T10:0{index}:00"
        if index != 4:
            fits.writeto(root / f"input/aia_{index}.fits", numbers(16, 16, dtype=byte_order, seed=50 + index), header)
    assert run_importer(tmp_path, "solar", "--input", root, "--dataset", "m") == 0
    said = capsys.readouterr().out
    assert "target/hmi_4.fits: input_image: the nearest file in time is input/aia_5.fits" in said
    _, found = samples_of(tmp_path, "m", 16)
    assert sorted(found) == [
        ("test", "hmi_5"),
        ("train", "hmi_0"),
        ("train", "hmi_1"),
        ("val", "hmi_2"),
        ("val", "hmi_3"),
    ]
    fields, metadata = found["val", "hmi_3"]
    np.testing.assert_array_equal(fields["target"][..., 0], images[3])
    assert metadata["acquired"] == {"input_image": ["2017-02-05T10:03:00"], "target": ["2017-02-05T10:00:00"]}
    header = fits.Header.fromtextfile(tmp_path / "data/m/16/headers/hmi_3.txt")
    assert header["TELESCOP"] == "SDO"


def test_all_descriptions_are_tested():
    here = open(__file__).read()
    assert [name for name in shipped() if f'"{name}"' not in here] == []
    assert all(load_description(name).citation for name in shipped())

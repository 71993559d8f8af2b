"""Which test compares each array of the golden files, and which arrays none compares, with the reason.

Keys of the tables are kinds of files, with which their names begin, and patterns for whole names of arrays. A pattern
of `LEFT_OUT` goes before those of `COMPARED`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

CTGAN = "tests/models/test_golden_ctgan.py"
GAPFILL = "tests/models/test_golden_gapfill.py"
LAND_COVER = "tests/pix2earth/land_cover/test_golden_land_cover.py"
MEASURES = "tests/metrics/test_golden_measures.py"
METRICS = "tests/metrics/test_metric_golden.py"
PIX2PIXCC = "tests/models/test_golden_pix2pixcc.py"
RSGAN = "tests/models/test_golden_rsgan.py"
SEQUENCES = "tests/pix2earth/batches/test_golden_sequences.py"
SPLITS = "tests/synthetic/presets/test_golden_permutation.py"
SUPERRESOLUTION = "tests/metrics/test_superresolution.py"
CASE = r"(v/[^/]+/)?"

COMPARED: dict[str, dict[str, str]] = {
    "ctgan_discriminator": {r"in/x|w/.*|(train/)?out/logits|train/w_after/.*": f"{CTGAN}::test_golden_discriminator"},
    "ctgan_generator": {
        r"in/x\d|chk/.*|(b1/|train/)?out/(fake|mask\d|aux\d)|train/w_after/.*": f"{CTGAN}::test_golden_generator",
        r"tap/.*": f"{CTGAN}::test_golden_features_of_the_generator",
    },
    "ctgan_losses": {
        r"in/.*|out/((lsgan|vanilla)/)?loss_.*": f"{CTGAN}::test_golden_losses",
        r"out/(rgb_(fake|real)/\d|(psnr|ssim)_.*)": f"{MEASURES}::test_golden_pictures_and_scores_of_sen2_mtc",
        r"out/lr_per_epoch_\d+":
            "tests/pix2earth/training/optimization/test_golden_rates.py::test_golden_rates_of_ctgan",
    },
    "gapfill_discriminator": {
        r"in/(cond|image)|w/.*|out/(eval|train)_final_\d|out/eval_feature_\d|after/.*":
            f"{GAPFILL}::test_golden_discriminator",
    },
    "gapfill_generator": {
        r"in/x|w/.*|out/(eval(_encoder|_body|_init_conv)?|train)|after/.*": f"{GAPFILL}::test_golden_generator",
    },
    "gapfill_losses": {
        r"in/fn_(disc_real|disc_fake|cloud)|out/fn_[dg]_hinge": f"{GAPFILL}::test_golden_hinge",
        r"in/fn_ssim_(pred|target)|out/fn_ssim(_band0)?": f"{MEASURES}::test_golden_similarity_of_gap_filling",
        r"in/(masked|unmasked|cloud)|(w|grad|after)/.*|out/step2?_.*": f"{GAPFILL}::test_golden_iterations",
        r"mid/.*": f"{GAPFILL}::test_golden_iterations",
    },
    "metrics": {
        r"pair\d_(target|predict)": f"{METRICS}::test_batch",
        r"pair\d_orig(64)?_.*": "tests/metrics/test_arisgan.py::test_golden_recorded_values",
        r"pair\d_ref_(SAM_rad|SCC_laplacian_defined|CC_defined|HPSI_range1_rgb|SSIM_gauss_range1|PSNR_range1|RMSE|MAE"
        r"|ERGAS_ratio1_12|UIQI_window8)": f"{METRICS}::test_batch",
        r"pair\d_ref_ERGAS_ratio1(_4|_30)?": f"{METRICS}::test_ratio_of_ergas",
        r"pair\d_ref_HPSI_range1_asis": f"{METRICS}::test_order_of_bands_of_haarpsi",
        r"pair\d_ref_(SAM_deg|MSE)": f"{MEASURES}::test_golden_angles_in_degrees_and_squared_errors",
    },
    "pix2pixcc_discriminator": {rf"{CASE}(in/x|w/.*|out/scale\d/block\d)": f"{PIX2PIXCC}::test_golden_discriminator"},
    "pix2pixcc_generator": {
        rf"{CASE}(in/x|w/.*|(train/)?out/y|train/w_after/.*)": f"{PIX2PIXCC}::test_golden_generator",
    },
    "pix2pixcc_losses": {
        rf"{CASE}(w/.*|in/(input|target)|out/(loss_[GD]|fake|real_pair|grad_[GD]/.*|target_down/.*))":
            f"{PIX2PIXCC}::test_golden_losses",
        rf"{CASE}out/(D_real_mse|D_fake_mse|G_lsgan_mse|FM_l1|FM_running_sum|PCC|CCC|CC_loss)/.*":
            f"{PIX2PIXCC}::test_golden_losses",
    },
    "rsgan_autoencoder": {r"in/x|w/.*|out/(eval|train_nodrop)|after/.*": f"{RSGAN}::test_golden_autoencoder"},
    "rsgan_cyclegan": {
        r"in/(sar|optical)|w/.*|out/eval_(fake|cycle)_(sar|optical)|out/eval_D[AB]_(real|fake)"
        r"|out/eval_(gen|cycle|mae)_(AB|BA)|out/eval_disc_[AB]_.*|out/train_loss_.*|grad/.*|after/.*":
            f"{RSGAN}::test_golden_cyclegan",
    },
    "rsgan_losses": {
        r"in/fn_(prob|a|b|d_real|d_fake)|out/fn_(bce_ones|bce_zeros|smooth_l1|l1|mse|fooling_rate|precision|recall)":
            f"{RSGAN}::test_golden_functions",
        r"in/(source|target)|w/.*|out/step_.*|grad/.*|after/.*":
            f"{RSGAN}::test_golden_cgan_losses_and_gradients",
        r"out/fn_(psnr|ssim|sam)": f"{MEASURES}::test_golden_scores_of_the_rsgan_study",
        r"in/fn_(estimated|target|annotation|pred_.*)|out/fn_(features_estimated|labels|jaccard_.*)":
            f"{LAND_COVER}::test_golden_features_labels_and_jaccard_index",
        r"in/fn_reorder_series_batch_horizon|out/fn_reorder_(horizon_)?(train|val)":
            f"{SEQUENCES}::test_golden_order_of_recurrent_batches",
        r"out/fn_split_permutation_250": f"{SPLITS}::test_golden_permutation_of_the_series",
        r"out/fn_split_lengths_7500": f"{SPLITS}::test_golden_splits_of_the_preset",
    },
    "rsgan_patchgan": {r"in/(x|source)|w/.*|out/(eval|train_nodrop)|after/.*": f"{RSGAN}::test_golden_patchgan"},
    "rsgan_resnet": {r"in/x|w/.*|out/(eval|train_nodrop)|after/.*": f"{RSGAN}::test_golden_resnet"},
    "rsgan_unet": {r"in/x|w/.*|out/(eval|train_nodrop)|after/.*": f"{RSGAN}::test_golden_unet"},
    "superresolution": {
        r"\d_(lr|sr|hr|matched)|columns": f"{SUPERRESOLUTION}::test_golden_scores_of_real_tiles",
        r"\d_plain": f"{SUPERRESOLUTION}::test_golden_scores_without_matching",
    },
}  # fmt: skip

COUNTER = "a counter of PyTorch, which the networks here do not have"
LEFT_OUT: dict[str, dict[str, str]] = {
    "ctgan_discriminator": {r".*\.num_batches_tracked": COUNTER},
    "ctgan_generator": {
        r"train/.*\.num_batches_tracked": COUNTER,
        r"names": "the order of the weights, which are found by their names",
    },
    "gapfill_losses": {r"(w|mid|after)/.*\.num_batches_tracked": COUNTER},
    "metrics": {
        r"pair\d_ref_(CC|SCC_laplacian)": "undefined where one band is; the metrics here leave such a band out",
        r"pair\d_ref_SCC_sobel(_defined)?": "another high-pass filter than that of the metric",
        r"pair\d_ref_SSIM_uniform7_range1": "another window than that of the metric",
        r"pair\d_ref_UIQI_global": "one window for the whole image, unlike the metric",
        r"pair\d_ref_.*_piq_.*": "values of a package with other edges, for information",
    },
    "pix2pixcc_generator": {rf"{CASE}(w|train/w_after)/.*\.num_batches_tracked": COUNTER},
    "rsgan_cyclegan": {r"w/.*\.num_batches_tracked": COUNTER},
    "rsgan_losses": {r"w/.*\.num_batches_tracked": COUNTER},
    "superresolution": {r"factor": "the ratio of the sizes of the images"},
}

OF_COMPLETE_FILES = {("ctgan_generator", "tap/.*"), ("gapfill_losses", "mid/.*")}
"""Patterns of what the files in tests/golden leave out, which are smaller."""


def kind_of(stem: str) -> str | None:
    """Return the kind of a file by its name without suffix, or None where there is none such."""
    return max((kind for kind in COMPARED if stem.startswith(kind)), key=len, default=None)


def patterns(kind: str, key: str) -> tuple[list[str], list[str]]:
    """Return the patterns of both tables that match a key, of `COMPARED` and of `LEFT_OUT`."""
    tables: tuple[Mapping[str, str], ...] = (COMPARED[kind], LEFT_OUT.get(kind, {}))
    compared, left_out = ([pattern for pattern in table if re.fullmatch(pattern, key)] for table in tables)
    return compared, left_out


def unread(test: str, kind: str, keys: Collection[str], read: Collection[str]) -> Iterator[str]:
    """Yield the keys that a test should have read by the tables, of the cases of which it has read any.

    Args:
        test: its file and function.
        kind: of a golden file.
        keys: all keys of the file.
        read: those that the test has read.
    """
    cases = {case_of(key) for key in read}
    for key in keys:
        compared, left_out = patterns(kind, key)
        by_this_test = any(COMPARED[kind][pattern] == test for pattern in compared)
        if by_this_test and not left_out and case_of(key) in cases and key not in read:
            yield key


def case_of(key: str) -> str:
    """Return the case that a key begins with, or ""."""
    found = re.match(r"v/[^/]+/", key)
    return found[0] if found else ""

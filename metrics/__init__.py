"""Image quality metrics, computed for whole batches in TensorFlow.

A metric is a function `(target, prediction, mask, scale) -> (batch,)`; the table `METRICS` has the module and function
of each. To add one, write the function and add one line to the table. Parameters after these four are fields of the
sample by name, such as `land_cover`, images in physical units; `input_image` is the input on the grid of the target,
`coarse_input` the input in its own pixels and the bands of the target. Importing this package imports neither
TensorFlow nor NumPy.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

METRICS: dict[str, str] = {
    "SAM": "metrics.spectral:spectral_angle",
    "sCC": "metrics.correlation:spatial_correlation",
    "CC": "metrics.correlation:correlation",
    "HPSI": "metrics.haarpsi:haarpsi",
    "SSIM": "metrics.structural:ssim",
    "PSNR": "metrics.pixelwise:psnr",
    "RMSE": "metrics.pixelwise:rmse",
    "ERGAS": "metrics.spectral:ergas",
    "UIQC": "metrics.structural:uiqi",
    "MAE": "metrics.pixelwise:mae",
}
"""Name of each metric -> "module:function"; names and order are those of the CSV columns."""

PUBLISHED: dict[str, str] = {
    "SAM_aris": "metrics.arisgan:spectral_angle",
    "sCC_aris": "metrics.arisgan:spatial_correlation",
    "CC_aris": "metrics.arisgan:correlation",
    "HPSI_aris": "metrics.arisgan:haarpsi",
    "SSIM_aris": "metrics.arisgan:ssim",
    "PSNR_aris": "metrics.arisgan:psnr",
    "RMSE_aris": "metrics.arisgan:rmse",
    "ERGAS_aris": "metrics.arisgan:ergas",
    "UIQC_aris": "metrics.arisgan:uiqc",
}
"""The same for metrics as the original ARISGAN code computes them; only computed if an experiment names them."""

SCIENTIFIC: dict[str, str] = {
    "CC8": "metrics.scientific:binned_correlation",
    "CCC": "metrics.scientific:concordance",
    "FluxError": "metrics.scientific:flux_error",
    "PPE10": "metrics.scientific:within_ten_percent",
}
"""The same for metrics of scientific images such as magnetograms; only computed if an experiment names them."""

SUPERRESOLUTION: dict[str, str] = {
    "reflectance": "metrics.superresolution.judges:reflectance",
    "spectral": "metrics.superresolution.judges:spectral",
    "spatial": "metrics.superresolution.judges:spatial",
    "synthesis": "metrics.superresolution.judges:synthesis",
    "improvement": "metrics.superresolution.judges:improvement",
    "omission": "metrics.superresolution.judges:omission",
    "hallucination": "metrics.superresolution.judges:hallucination",
    "without_reference": "metrics.superresolution.judges:without_reference",
}
"""The same for images that are sharper than their input; only computed if an experiment names them."""

SPECTRA: dict[str, str] = {"PSD_ratio": "metrics.power:psd_ratio"}
"""The same for power spectra; only computed if an experiment names them."""

PROTOCOLS: dict[str, str] = {
    f"{name}_{protocol}": f"metrics.protocols:{protocol}_{name.lower()}"
    for protocol, names in {
        "sen2mtc": ("PSNR", "SSIM"),
        "uncrtaints": ("PSNR", "MAE", "RMSE", "SSIM", "SAM"),
        "allclear": ("PSNR", "MAE", "RMSE", "SSIM", "SAM"),
        "gapfill": ("SSIM", "MSE", "MAE", "MaskRatio"),
        "rsgan": ("MAE", "MSE", "PSNR", "SSIM", "SAM"),
    }.items()
    for name in names
}
"""The same as benchmarks of cloud removal compute them, of reflectance; only computed if an experiment names them."""

HIDES: dict[str, str] = {
    "sen2mtc": "each image is stretched by its own minimum and maximum, so that errors of brightness and contrast"
    " vanish; what is brighter than 0.2 is cut off; compare with figures of Sen2_MTC alone",
    "uncrtaints": "reflectance above 1 is cut off, and pixels that were clear in the input, which are easy, count like"
    " those under clouds; means are over images",
    "allclear": "pixels that are not clear in the target do not count, so that nothing is said of what is made there;"
    " reflectance above 1 is cut off",
    "gapfill": "the middle time step alone counts; SSIM is that of images with zeros where nothing was hidden, so that"
    " it rises where less is hidden, and is 1 where nothing is; MSE and MAE are undefined there",
    "rsgan": "for PSNR, SSIM and SAM what is darker than reflectance 0.5 is 0, so that most errors vanish, and for the"
    " first two each band is divided by its maximum; compare with figures of the RSGAN study alone",
}
"""What each protocol of `PROTOCOLS` hides, which evaluations print."""

INDICES: dict[str, str] = {
    "NDVI_error": "metrics.indices:ndvi_error",
    "NDWI_error": "metrics.indices:ndwi_error",
}
"""The same for indices of vegetation and water; only computed if an experiment names them."""

DISTANCES: dict[str, tuple[str, str]] = {
    "KID": ("metrics.distributions.kernel:features_of_both", "metrics.distributions.kernel:kid"),
    "W1": ("metrics.distributions.pixel_values:values_of_both", "metrics.distributions.pixel_values:wasserstein"),
}
"""Those of `OF_SETS` that compare distributions, for which targets and predictions need not be pairs."""

OF_SETS: dict[str, tuple[str, str]] = DISTANCES | {
    "effective_gsd": ("metrics.power:coherence_sums", "metrics.power:effective_gsd"),
}
"""Figures of a set of images, which are no means over images and no columns of the CSV. Name -> a function of images
like a metric, but of any shape (batch, ...), and a function of these values of all images, the smaller side of the
images in pixels, and the scale."""

BY_PART: dict[str, tuple[str, str]] = {
    f"{name}_by_{part}": (name, part)
    for part in ("band", "time_step")
    for name in ("RMSE", "MAE", "PSNR", "SSIM", "MSE_gapfill", "MAE_gapfill", "SSIM_gapfill", "MaskRatio_gapfill")
    if (name, part) != ("MaskRatio_gapfill", "band")
}
"""Names that stand for a metric of each band or each time step: columns such as `RMSE.band[B04]`, `RMSE.time_step[2]`.
Name -> metric and part."""

ALL_METRICS = ChainMap(INDICES, PROTOCOLS, SPECTRA, SUPERRESOLUTION, SCIENTIFIC, PUBLISHED, METRICS)
"""All tables in one, those of `METRICS` first (a ChainMap lists its last mapping first)."""

KNOWN = ALL_METRICS  # its former name, which plug-ins may import

GROUPS: dict[str, Iterable[str]] = {
    "all": METRICS,
    "arisgan": ChainMap(PUBLISHED, METRICS),
    "scientific": {name: ALL_METRICS[name] for name in ("CC", "CC8", "CCC", "RMSE", "FluxError", "PPE10")},
    "sen2_mtc": [name for name in PROTOCOLS if name.endswith("_sen2mtc")],
    "uncrtaints": [name for name in PROTOCOLS if name.endswith("_uncrtaints")],
    "allclear": [name for name in PROTOCOLS if name.endswith("_allclear")],
    "gapfill": [name for name in (*PROTOCOLS, *BY_PART) if "_gapfill" in name],
    "rsgan": [name for name in PROTOCOLS if name.endswith("_rsgan")],
    "superresolution": [*SUPERRESOLUTION, *SPECTRA, "effective_gsd"],
    "distributions": DISTANCES,
}
"""Values of the key `metrics` that stand for a list of names."""

LOWER_IS_BETTER = frozenset({
    "SAM", "RMSE", "ERGAS", "MAE", "SAM_aris", "RMSE_aris", "ERGAS_aris", "FluxError",
    "reflectance", "spectral", "spatial", "omission", "hallucination",
    *INDICES, *(name for name in PROTOCOLS if name.startswith(("MAE", "MSE", "RMSE", "SAM"))),
})  # fmt: skip

WITHOUT_DIRECTION = frozenset({"PSD_ratio", "synthesis", "without_reference", "MaskRatio_gapfill"})
"""Metrics of which neither higher nor lower values are better; none of them chooses a checkpoint."""

UNITS: dict[str, str] = {
    "SAM": "rad",
    "PSNR": "dB",
    "RMSE": "data",
    "ERGAS": "%",
    "MAE": "data",
    "SAM_aris": "rad",
    "PSNR_aris": "dB",
    "RMSE_aris": "data",
    "ERGAS_aris": "%",
    "FluxError": "%",
    "PPE10": "%",
    "reflectance": "data",
    "spectral": "deg",
    "spatial": "px",
    "synthesis": "data",
    "without_reference": "%",
    "PSD_ratio": "dB",
    **{name: "dB" for name in PROTOCOLS if name.startswith("PSNR")},
    **{name: "deg" for name in PROTOCOLS if name.startswith("SAM") and not name.endswith("_rsgan")},
    "effective_gsd": "m",
    "W1": "data",
}
"""Units for display; "data" is the unit of the images themselves. Metrics that are not listed have no unit."""


VERSIONS: dict[str, int] = dict.fromkeys([*ALL_METRICS, *OF_SETS], 1) | dict.fromkeys(
    ("SAM", "HPSI", "ERGAS", "UIQC", "PSNR_sen2mtc", "SSIM_sen2mtc"), 2
)
"""Version of the definition of each metric. It is raised where a definition changes: scores of different versions are
not compared. Version 2 leaves scores without a meaning undefined, HPSI starts at the lower end of the range, and those
of Sen2_MTC round to digital numbers."""

PER_TIME_STEP = frozenset({"HPSI", *PROTOCOLS, *INDICES})
"""Metrics of the colours of an image: with several time steps, the score is the mean of those of the time steps."""

WHOLE_IMAGE = frozenset({"spatial", "PSD_ratio", *(name for name in PROTOCOLS if not name.endswith("_allclear"))})
"""Metrics that are undefined where a pixel is masked, or choose their pixels themselves; not computed by region."""

MIDDLE_TIME_STEP = frozenset(name for name in PROTOCOLS if name.endswith("_gapfill"))
"""Metrics of the middle one of several time steps (of an even number, the later one)."""


@dataclass(frozen=True)
class Scale:
    """Range, ratio of ground sampling distances and RGB bands of the images, for the metrics that need them.

    Attributes:
        data_range: upper minus lower end of the valid range in physical units, for PSNR, SSIM, HPSI and ERGAS.
        ratio: ground sampling distance of the target over that of the input, for ERGAS; None: unknown.
        rgb: indices of the red, green and blue bands, for HPSI; of a single band, rgb[0] is its index.
        low: lower end of the valid range in physical units, for HPSI.
        gsd: size of a pixel in metres, for the effective resolution; None: unknown.
        green_red_infrared: indices of these bands of reflectance, for indices of vegetation and water; None: unknown.
    """

    data_range: float
    ratio: float | None = 1.0
    rgb: tuple[int, int, int] = (0, 1, 2)
    low: float = 0.0
    gsd: float | None = None
    green_red_infrared: tuple[int, int, int] | None = None


def why_undefined(name: str, bands: int, scale: Scale) -> str | None:
    """Return why a metric is undefined for every image of a kind, or None where it is not.

    Args:
        name: of the metric.
        bands: number of bands of the images.
        scale: of the images.
    """
    if name.partition("_")[0] in ("SAM", "spectral") and name != "SAM_aris" and bands == 1:
        return "an image of one band has no spectra"
    if name == "HPSI" and bands == 2:
        return "an image of two bands is neither grey nor in colour"
    if name == "ERGAS" and scale.ratio is None:
        return "the ground sampling distances of input and target (gsd in dataset.json) are not both stated"
    if name == "PSD_ratio" and (scale.ratio is None or scale.ratio >= 1):
        return "the ground sampling distances (gsd in dataset.json) do not say that the input is coarser"
    if name == "effective_gsd" and scale.gsd is None:
        return "the ground sampling distance of the target (gsd in dataset.json) is not stated"
    if name in INDICES and scale.green_red_infrared is None:
        return "green, red and near infrared are not known as bands of the target in reflectance (sensors/bands.yaml)"
    return None


@functools.cache  # AutoGraph would try to convert the import of a function that is not cached
def metric(name: str) -> Callable[..., tf.Tensor]:
    """Return the function of a metric; its module is imported at the first use.

    Raises:
        KeyError: the name is in no table.
    """
    if name not in ALL_METRICS:
        raise KeyError(f"unknown metric {name!r}: choose from {', '.join(ALL_METRICS)}")
    module, function = ALL_METRICS[name].split(":")
    return getattr(importlib.import_module(module), function)


@functools.cache
def further_fields(name: str) -> list[str]:
    """Return the fields of a sample that a metric names as parameters, in addition to the usual four.

    Raises:
        KeyError: the name is in no table.
    """
    return list(inspect.signature(metric(name)).parameters)[4:]


def score(
    target: tf.Tensor,
    prediction: tf.Tensor,
    scale: Scale,
    names: Iterable[str] | None = None,
    mask: tf.Tensor | None = None,
    fields: Mapping[str, tf.Tensor] | None = None,
) -> dict[str, tf.Tensor]:
    """Score each prediction of a batch by the named metrics.

    It works eagerly and inside a tf.function, also with an unknown batch size. A sample without a valid pixel or window
    scores NaN. Masked pixels have no influence, even if they are NaN. The metrics of `PUBLISHED` ignore the mask.

    Args:
        target: float32 or float64, (batch, height, width, band), in physical units.
        prediction: of the same shape and unit.
        scale: range, ratio and RGB bands of the images.
        names: names of `ALL_METRICS`; default: all of `METRICS`.
        mask: (batch, height, width), non-zero at valid pixels; default: all pixels are valid.
        fields: what metrics name as further parameters, such as a class map; each with a batch axis.

    Returns:
        Name -> scores of shape (batch,), in the order of `names`.
    """
    chosen = list(METRICS if names is None else names)
    further = {name: {field: (fields or {})[field] for field in further_fields(name)} for name in chosen}
    return {name: metric(name)(target, prediction, mask, scale, **further[name]) for name in chosen}

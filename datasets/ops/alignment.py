"""Scoring after alignment: a restored photograph whose sharp partner was taken by another sensor (RealBlur).

Both images may differ in brightness and by a small homography that no restoration can know of; what is scored is the
restored image scaled, warped onto the sharp one, where the warp is defined.
"""

from __future__ import annotations

import numpy as np

from datasets.core.errors import UserError

STEPS, SMOOTHING = 100, 5  # of the iteration, and of its Gaussian filter in pixels
BORDER = 5  # pixels that the SSIM's 11x11 window reaches to each side


def align(restored: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring a restored image onto the clean one: brightness by least squares, position by ECC over homographies.

    G. Evangelidis and E. Psarakis, "Parametric Image Alignment using Enhanced Correlation Coefficient Maximization",
    TPAMI 2008, as OpenCV has it, on grey, 100 iterations; cubic interpolation.

    Args:
        restored, clean: (H, W, 3) RGB, float in [0, 1].
    Returns:
        the aligned image, (H, W, 3) float32, and (H, W) bool: where it is defined.
    Raises:
        UserError: the images differ too much to be aligned, or in size.
    """
    import cv2

    if restored.shape != clean.shape:
        raise UserError(f"Only images of one size are aligned; came {restored.shape} and {clean.shape}.")
    z, x = restored.astype(np.float32), clean.astype(np.float32)
    energy = float(np.sum(np.square(z, dtype=np.float64)))
    scaled = z * np.float32(np.sum(x * z, dtype=np.float64) / energy if energy else 1.0)
    warp = _homography(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY), cv2.cvtColor(x, cv2.COLOR_RGB2GRAY))
    size = x.shape[1], x.shape[0]
    cubic, nearest = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpPerspective(scaled, warp, size, flags=cubic, borderMode=cv2.BORDER_REFLECT)
    inside = cv2.warpPerspective(np.ones(x.shape[:2], np.float32), warp, size, flags=nearest)
    return aligned, inside > 0


def _homography(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    import cv2

    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, STEPS, 0)
    try:
        start, everywhere = np.eye(3, dtype=np.float32), np.ones(fixed.shape, np.uint8)
        _, warp = cv2.findTransformECC(fixed, moving, start, cv2.MOTION_HOMOGRAPHY, until, everywhere, SMOOTHING)
    except cv2.error as error:
        raise UserError(
            "A restored image cannot be aligned to its clean one: the two have too little in common."
        ) from error
    return np.asarray(warp)


def aligned_scores(restored: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    """PSNR in dB (peak 1) and SSIM of a restored image after `align`, over the pixels where it is defined.

    SSIM by scikit-image: Gaussian weights (sigma 1.5, 11x11), population covariance, per channel; 5 pixels of border
    are cut from its map.

    Args:
        restored, clean: (H, W, 3) RGB, float in [0, 1]; the papers' come from 8-bit files.
    Raises:
        UserError: as `align`.
    """
    from skimage.metrics import structural_similarity

    aligned, inside = align(restored, clean)
    error = np.square(aligned.astype(np.float64) - clean)[inside].mean()
    _, similarity = structural_similarity(
        aligned.astype(np.float64), clean.astype(np.float64), channel_axis=2, data_range=1.0, full=True,
        gaussian_weights=True, use_sample_covariance=False,
    )  # fmt: skip
    middle = (slice(BORDER, -BORDER),) * 2
    psnr = float("inf") if error == 0 else -10 * float(np.log10(error))
    return psnr, float(similarity[middle][inside[middle]].mean())

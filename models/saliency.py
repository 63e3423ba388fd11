"""Saliency on demand by pytorch-grad-cam: other methods and other layers than the closed form gives."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

METHODS = ("gradcam", "gradcam++", "hirescam", "layercam", "eigencam")
LAYERS = ("layer1", "layer2", "layer3", "layer4")


def explain(
    network: nn.Module, images: torch.Tensor, *, method: str, layer: str, class_index: int
) -> npt.NDArray[np.float32]:
    """Give a raw saliency map of one image, the image's size, after ReLU, in the units of the method.

    The library rescales every map to full range, so that an empty one looks as strong as a full one; here its own
    weighting is used and the rescaling is left out. EigenCAM does not depend on the class.
    Args: images: standardised, (1, 3, h, w).
    Raises: ValueError for an unknown method or layer.
    """
    coarse = raw_map(network, images, method=method, layer=layer, class_index=class_index)
    enlarged = functional.interpolate(
        torch.from_numpy(coarse)[None, None], size=images.shape[-2:], mode="bilinear", align_corners=False
    )
    return np.asarray(enlarged[0, 0].numpy(), np.float32)


def raw_map(
    network: nn.Module, images: torch.Tensor, *, method: str, layer: str, class_index: int
) -> npt.NDArray[np.float32]:
    """Give the map at the layer's own resolution, after ReLU."""
    if method not in METHODS:
        raise ValueError(f"unknown saliency method '{method}'; use one of {', '.join(METHODS)}")
    if layer not in LAYERS:
        raise ValueError(f"unknown layer '{layer}'; use one of {', '.join(LAYERS)}")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = _raw_method(method)(network, [getattr(network, layer)[-1]])
    try:
        # Gradients start at the image, so that frozen weights can stay frozen; without any, nothing is kept for them.
        image = images.detach().clone().requires_grad_(method != "eigencam")
        found = cam(image, [ClassifierOutputTarget(class_index)])
    finally:
        cam.activations_and_grads.release()  # not `with cam`: its exit swallows IndexError (grad-cam 1.5.5)
    return cast(npt.NDArray[np.float32], found)


def _raw_method(method: str) -> Any:
    """Give the library's class for a method with its rescaling left out (grad-cam 1.5.5 offers no switch for it)."""
    import pytorch_grad_cam

    library_class = {
        "gradcam": pytorch_grad_cam.GradCAM,
        "gradcam++": pytorch_grad_cam.GradCAMPlusPlus,
        "hirescam": pytorch_grad_cam.HiResCAM,
        "layercam": pytorch_grad_cam.LayerCAM,
        "eigencam": pytorch_grad_cam.EigenCAM,
    }[method]
    ours = _UnscaledEigen if method == "eigencam" else _Unscaled
    return type(f"Raw{library_class.__name__}", (ours, library_class), {})


class _Unscaled:
    """Takes the place of the two steps in which the library rescales."""

    activations_and_grads: Any
    get_cam_image: Any

    def compute_cam_per_layer(self, images: torch.Tensor, targets: list[Any], eigen_smooth: bool) -> Any:
        """Give the map of the one target layer."""
        hooked = self.activations_and_grads
        activations = hooked.activations[0].cpu().detach().numpy()
        gradients = hooked.gradients[0].cpu().detach().numpy() if hooked.gradients else None
        return self.get_cam_image(images, None, targets, activations, gradients, eigen_smooth)

    def aggregate_multi_layers(self, maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give the only map, after ReLU."""
        return np.asarray(np.maximum(maps[0], 0.0), np.float32)


class _UnscaledEigen(_Unscaled):
    """Leaves out the vectors that the library (grad-cam 1.5.5) has decomposed as well and never looks at.

    They are 40 MB at the first layer, and most of the time.
    """

    def get_cam_image(self, *about: Any) -> npt.NDArray[np.float32]:
        """Give activations (1, channels, h, w), the fourth argument, along their first principal component."""
        _, channels, height, width = about[3].shape
        places = about[3].reshape(channels, -1).T
        centred = places - places.mean(axis=0)
        directions = np.linalg.svd(centred, full_matrices=False)[2]
        return np.asarray((centred @ directions[0]).reshape(1, height, width), np.float32)

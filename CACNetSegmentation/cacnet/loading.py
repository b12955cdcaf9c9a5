"""PyTorch and the network, loaded while the CT is read: each takes a second or more, and neither needs the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacnet.errors import CacnetError

if TYPE_CHECKING:
    from cacnet.inference import Device
    from cacnet.weights import LoadedModel


class MissingPackageError(CacnetError):
    """A Python package that the work needs is missing or damaged."""


def load_network(model: str, device: str) -> tuple[LoadedModel, Device]:
    """The model of that id or path, and the device of that name, as `cacnet.pipeline.Request` has them.

    Raises:
        MissingPackageError, DeviceUnavailableError; as `cacnet.weights.load_bundle`.
    """
    require_torch()
    from cacnet.inference import choose_device
    from cacnet.weights import load_bundle

    return load_bundle(model), choose_device(device)


def require_torch() -> None:
    """Raise MissingPackageError, with the way out, where PyTorch is not installed or only half."""
    try:
        import cacnet.inference  # noqa: F401 - what is asked is whether it can be imported
    except (ImportError, OSError) as error:  # OSError: a library of a half-installed PyTorch cannot be loaded
        raise MissingPackageError(
            found=f"PyTorch, or a package beside it, cannot be used ({error})",
            expected="a complete installation in 3D Slicer",
            action="Open the module 'PyTorch Utils', uninstall PyTorch, restart Slicer and press Run again",
        ) from error

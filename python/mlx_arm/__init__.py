"""What MLX-ARM has beyond mlx: its own version, and whether its mlx is the one that is imported."""

from importlib import metadata

__all__ = ["__version__", "conflicts"]

try:
    __version__ = metadata.version("mlx-arm")
except metadata.PackageNotFoundError:
    __version__ = "unknown"


def conflicts():
    """Names of other installed distributions that provide `mlx.core` as well.

    They and this one write over each other's files, so that what `import mlx.core` finds is left to chance; uninstall
    all of them and install one anew.
    """
    found = []
    for d in metadata.distributions():
        name = d.metadata["Name"]
        if name != "mlx-arm" and any(str(f).startswith("mlx/core") for f in d.files or []):
            found.append(name)
    return found


def _warn():
    others = conflicts()
    if others:
        import warnings

        warnings.warn(
            f"mlx-arm and {', '.join(others)} both provide mlx.core and write over each other's files. "
            "Uninstall all of them and install one of them anew.",
            stacklevel=2,
        )


_warn()

"""The build hook: brings OpenSeadragon into the tree before a wheel or an editable install is made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class OpenSeadragonHook(BuildHookInterface[Any]):
    """Fetch what the viewer draws with; a build without it ends with the reason."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Load pages/parts/openseadragon.py by its path, since the package is not installed yet."""
        del version, build_data
        if self.target_name != "wheel":
            return
        path = Path(self.root) / "pages" / "parts" / "openseadragon.py"
        spec = importlib.util.spec_from_file_location("fibroread_openseadragon", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.ensure_openseadragon()

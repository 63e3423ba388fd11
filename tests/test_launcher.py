"""The app as it is started: nothing holds up a receipt or a tile by looking through all that is loaded."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
START = """
import asyncio, gc, app
async def start():
    async with app.lifespan(None):
        print(gc.get_freeze_count())
asyncio.run(start())
"""


def test_no_run_of_a_page_ends_with_a_search_for_garbage() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["runner"]["postScriptGC"] is False


def test_what_is_loaded_at_the_start_is_left_out_of_later_searches_for_garbage(tmp_path: Path) -> None:
    environment = {**os.environ, "FIBROREAD_DATA": str(tmp_path), "FIBROREAD_DEMO": "off"}
    command = [sys.executable, "-c", START]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert int(said.stdout.split()[-1]) > 50_000

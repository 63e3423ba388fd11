"""Hold README and the check to the same words: what README promises is what is run."""

from __future__ import annotations

import re
from pathlib import Path

from core.cli import build_parser

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell_blocks() -> list[str]:
    """Give README's shell blocks, stripped."""
    return [block.strip() for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)]


def test_the_check_installs_and_tests_as_readme_says() -> None:
    start, test = shell_blocks()[:2]
    assert start == "pip install -c constraints.txt -e . && streamlit run app.py"
    install, run = test.split(" && ")
    check = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert install.replace("pip install", "pip install --quiet --no-cache-dir") in check
    assert run in check.splitlines()


def test_every_command_in_readme_exists() -> None:
    named = set(re.findall(r"fibroread ([a-z-]+)", "\n".join(shell_blocks()) + README))
    commands = next(action for action in build_parser()._actions if action.choices).choices
    assert commands is not None
    assert named <= set(commands)


def test_every_folder_that_readme_names_exists() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    names = re.findall(r"^(\S+)", tree, flags=re.MULTILINE)
    assert names and all((ROOT / name).exists() for name in names)

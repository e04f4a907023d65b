"""What is measured, made ready: Blindlist and the harness of `voprf` built, the packages of the peers installed."""

import json
import os
import subprocess
import venv
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# The folder of the programs to measure, when they are not to be built from this tree; as in the tests.
PROGRAMS = "BLINDLIST_PROGRAMS"


@dataclass
class Installed:
    """Programs, and what could not be installed."""

    blindlistd: Path
    blindlist: Path
    alone: Path
    voprf: Path
    python: Path
    campaign: Path | None = None
    missing: dict[str, str] = field(default_factory=dict)


def target() -> Path:
    """The folder that cargo builds in."""
    words = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(said)["target_directory"])


def build(package: str, kind: str, name: str) -> Path:
    """Builds one program as it is released: its path."""
    words = ["cargo", "build", "--release", "--locked", "--message-format", "json-render-diagnostics", "-p", package]
    said = subprocess.run([*words, f"--{kind}", name], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for message in map(json.loads, said.splitlines()):
        if message.get("executable") and message["target"]["name"] == name:
            return Path(message["executable"])
    raise SystemExit(f"cargo did not say where {name} is")


def install(peers: bool, campaign: bool) -> Installed:
    """Builds and installs everything before anything is measured."""
    made = os.environ.get(PROGRAMS)
    programs = {"blindlistd": "blindlist-server", "blindlist": "blindlist-client"}
    paths = {name: Path(made) / name if made else build(package, "bin", name) for name, package in programs.items()}
    examples = {name: build("blindlist-benches", "example", name) for name in ("alone", "voprf_peer")}
    folder = target() / "peers" / "venv"
    installed = Installed(
        paths["blindlistd"], paths["blindlist"], examples["alone"], examples["voprf_peer"], folder / "bin" / "python"
    )
    if campaign:
        installed.campaign = build("blindlist-tests", "example", "campaign")
    if peers:
        installed.missing = packages(folder, installed.python)
    return installed


def packages(folder: Path, python: Path) -> dict[str, str]:
    """Installs each peer by itself, so that one that cannot be had does not take the others along: these, and why.

    What they bring along is pinned too, so that a later run measures the same."""
    missing = {}
    if not python.exists():
        venv.create(folder, with_pip=True)
    for requirement in (HERE / "requirements.txt").read_text().split():
        words = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        words += [requirement, "--constraint", HERE / "constraints.txt"]
        ran = subprocess.run(words, capture_output=True, text=True)
        if ran.returncode != 0:
            why = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
            missing[requirement.split("==")[0]] = f"{requirement} cannot be installed ({why})"
    return missing

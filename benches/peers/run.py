"""Blindlist and its peers on the same data in the same run: see "Peers" in ../BENCHMARKING.md.

    python3 benches/peers/run.py [--entries N] [--members M] [--rounds R] [--only NAME,...] [--quick] [--campaign]

It installs the peers in a virtual environment under cargo's target folder, builds the rest, measures, prints Markdown, and
writes results.json, results.md, chart.svg and campaign.md. It ends with 1 when a figure is missed or a peer could not be measured.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import chart
import meter
import table
from blindlist import Blindlist
from figures import Measured, wanted
from install import PROGRAMS, ROOT, Installed, install, target
from meter import Failed
from peers import OpenMined, SpuBalanced, SpuUnbalanced, Voprf
from people import People, make

# Elements for which the cryptography alone is measured in each round.
ALONE = 16_384
OURS, BEST = "blindlist", "spu-unbalanced"
PACKAGES = {"spu-unbalanced": "spu", "spu-rr22": "spu", "spu-kkrt": "spu", "openmined": "openmined-psi"}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures Blindlist beside its peers.")
    parser.add_argument("--entries", type=int, default=330_000, help="people on the list")
    parser.add_argument("--members", type=int, default=50_000, help="members of the insurer")
    parser.add_argument("--rounds", type=int, default=5, help="times that everything is measured")
    parser.add_argument("--only", default="", help="measure only these beside Blindlist, by their keys, with commas")
    parser.add_argument("--quick", action="store_true", help="20,000 entries, 4,000 members, one round: does it work?")
    parser.add_argument("--campaign", action="store_true", help="run the campaign model too, with these figures")
    parser.add_argument("--out", type=Path, help="where results go; target/peers unless named")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.entries, chosen.members, chosen.rounds = 20_000, 4_000, 1
    if min(chosen.entries, chosen.members // 100, chosen.rounds) < 1 or chosen.entries + chosen.members > 10**8:
        parser.error("at least 1 entry, 100 members and 1 round, at most 100,000,000 people")
    return chosen


def systems(installed: Installed) -> list:
    """All that is measured, Blindlist first."""
    python = installed.python
    return [
        Blindlist(installed.blindlistd, installed.blindlist),
        SpuUnbalanced(python),
        SpuBalanced(python, "spu-rr22", "SPU RR22 (VOLE)", "PROTOCOL_RR22"),
        SpuBalanced(python, "spu-kkrt", "SPU KKRT (OT)", "PROTOCOL_KKRT"),
        OpenMined(python),
        Voprf(installed.voprf),
    ]


class Session:
    """A run: what is measured, where, and what has come of it."""

    def __init__(self, chosen: argparse.Namespace, installed: Installed, folder: Path) -> None:
        self.alone_program, self.folder = installed.alone, folder
        self.people: People = make(folder, chosen.entries, chosen.members)
        only = {OURS, *filter(None, chosen.only.split(","))}
        self.systems = [one for one in systems(installed) if not chosen.only or one.key in only]
        if unknown := only - {one.key for one in self.systems}:
            raise SystemExit(f"--only knows nothing called {', '.join(sorted(unknown))}")
        self.measured = {one.key: Measured(one.key, one.title) for one in self.systems}
        for key, package in PACKAGES.items():
            if key in self.measured:
                self.measured[key].error = installed.missing.get(package)
        self.alone = Measured("blindlist-alone", "Blindlist, cryptography only")

    def v(self) -> float:
        """One variable-base multiplication, now."""
        v: float = json.loads(meter.run([self.alone_program, "0"]).stdout)["v"]
        return v

    def round(self, number: int, wire: bool) -> None:
        """Everything once, in an order that turns from round to round; V between each two."""
        turn = number % len(self.systems)
        order = self.systems[turn:] + self.systems[:turn]
        before = self.v()
        for one in order:
            of = self.measured[one.key]
            if of.error or (wire and not one.relayed) or (not wire and (number - 1) % one.every != 0):
                continue
            figures = self._measure(one, of, wire)
            after = self.v()
            if figures is not None:
                of.add(number, (before + after) / 2, figures)
                progress(number, wire, of, figures)
            before = after
        if not wire:
            figures = json.loads(meter.run([self.alone_program, str(ALONE)]).stdout)
            self.alone.add(number, figures.pop("v"), figures)

    def _measure(self, one, of: Measured, wire: bool) -> dict[str, float] | None:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            return one.measure(self.people, folder, wire)
        except Failed as failed:
            if of.key == OURS:
                raise SystemExit(f"Blindlist itself failed: {failed}") from failed
            of.error = str(failed).replace("|", "/")
            print(f"{of.title}: {failed}", file=sys.stderr)
            return None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def all(self) -> list[Measured]:
        ours, *others = self.measured.values()
        return [ours, self.alone, *others]

    def v_median(self) -> float:
        values = sorted(value for one in self.all() for value in one.v.values())
        return values[len(values) // 2]


def progress(number: int, wire: bool, of: Measured, figures: dict[str, float]) -> None:
    shown = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
    print(f"{'bytes' if wire else f'round {number}'}: {of.title}: {shown}", file=sys.stderr, flush=True)


def machine() -> str:
    """The processor, as the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores, {names[0]}" if names else "a machine without a name"


def results(session: Session, chosen: argparse.Namespace) -> dict[str, object]:
    n, m, few = chosen.entries, chosen.members, session.people.count_few
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "entries": n,
        "members": m,
        "rounds": chosen.rounds,
        "v": session.v_median(),
        "systems": {one.key: one.as_json(few, m) for one in session.all()},
    }


def campaign(installed: Installed, quick: bool, out: Path) -> int:
    """The campaign model with the same programs, beside the figures of this run."""
    words = [str(installed.campaign), "--peers", str(out / "results.json")]
    size = ["--scale", "5000", "--insurers", "20"] if quick else []
    environment = os.environ | {PROGRAMS: str(installed.blindlistd.parent)}
    ran = subprocess.run(words + size, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    (out / "campaign.md").write_text(ran.stdout)
    print(ran.stdout)
    return ran.returncode


def main() -> int:
    chosen = options()
    out: Path = chosen.out or target() / "peers"
    out.mkdir(parents=True, exist_ok=True)
    installed = install(peers=not chosen.only or any(key in chosen.only for key in PACKAGES), campaign=chosen.campaign)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        session = Session(chosen, installed, Path(folder))
        session.round(0, wire=True)
        for number in range(1, chosen.rounds + 1):
            session.round(number, wire=False)
    everything = results(session, chosen)
    (out / "results.json").write_text(json.dumps(everything, indent=1) + "\n")
    ours, best = session.measured[OURS], session.measured.get(BEST, Measured(BEST, ""))
    promises = wanted(ours, best)
    about = (
        f"{everything['date']}, {everything['machine']}: {chosen.entries:,} entries, {chosen.members:,} members, "
        f"{chosen.rounds} round{'s' if chosen.rounds > 1 else ''}. Medians, in parentheses the spread. V = {everything['v']:.1f} µs."
    )
    few = session.people.count_few
    page = table.page(about, session.all(), promises, chosen.entries, chosen.members, few)
    (out / "results.md").write_text(page)
    (out / "chart.svg").write_text(chart.draw(about, session.all(), chosen.entries, chosen.members))
    print(page)
    failed = [one.title for one in session.all() if one.error]
    missed = [one.name for one in promises if not one.met] if BEST in session.measured else []
    code = campaign(installed, chosen.quick, out) if chosen.campaign else 0
    for what, names in (("not measured", failed), ("missed", missed)):
        if names:
            print(f"{what}: {'; '.join(names)}", file=sys.stderr)
    print(f"results.json, results.md and chart.svg are in {out}", file=sys.stderr)
    return 1 if failed or missed or code else 0


if __name__ == "__main__":
    sys.exit(main())

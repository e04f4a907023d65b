"""What processes take: processor time (user and system, all threads), and whether they did what they should."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

# Far beyond what a slow machine needs.
PATIENCE_S = 1800.0


class Failed(Exception):
    """Something that was measured did not do what it should: the message says what."""


@dataclass(frozen=True)
class Ran:
    """A program that ended with 0."""

    cpu_s: float
    stdout: str


def run(command: Sequence[str | Path], cwd: Path | None = None) -> Ran:
    """Runs a program to its end; its processor time is what the kernel says when it is waited for."""
    return finish(start(command, cwd))


class Program:
    """A program under way, with its output in a file: nothing waits for a full pipe."""

    def __init__(self, command: Sequence[str | Path], cwd: Path | None) -> None:
        self.words = [str(word) for word in command]
        self.output = tempfile.TemporaryFile("w+")
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors
        )

    def said(self) -> str:
        """What it wrote to standard error so far."""
        self.errors.seek(0)
        return self.errors.read()

    def cpu_s(self) -> float:
        """What it has taken so far: the process's clock, as clock_getcpuclockid(3) makes its number."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def stop(self) -> None:
        """Ends it, if it has not ended."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(command: Sequence[str | Path], cwd: Path | None = None) -> Program:
    """Starts a program."""
    return Program(command, cwd)


def finish(program: Program) -> Ran:
    """Waits until it ends, and requires that it ends well."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        pid, status, usage = os.wait4(program.process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            program.stop()
            raise Failed(f"{program.words[0]} hangs")
        time.sleep(0.005)
    program.process.returncode = os.waitstatus_to_exitcode(status)
    if program.process.returncode != 0:
        last = " | ".join(program.said().strip().splitlines()[-3:])
        raise Failed(f"{' '.join(program.words[:3])} ended with {program.process.returncode}: {last}")
    program.output.seek(0)
    return Ran(usage.ru_utime + usage.ru_stime, program.output.read())


def disk_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

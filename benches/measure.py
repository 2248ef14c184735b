"""What the benchmarks share: the binary, whole processes measured, made-up data, and projects that read it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HOME = pathlib.Path(__file__).resolve().parent.parent
DATA = HOME / "target/bench/data"


def binary():
    """The dfpipe that is measured."""
    return pathlib.Path(os.environ.get("DFPIPE", HOME / "target/dist/dfpipe")).resolve()


def measured(command, folder=None):
    """Seconds, processor seconds and peak megabytes of a whole process, and what it printed. It has to end well."""
    with tempfile.TemporaryFile("w+") as screen:
        begun = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=screen, stderr=screen)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        screen.seek(0)
        said = screen.read()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said[-4000:]}")
    return (seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), said


def generated(customers, events):
    """The folder of so many made-up customers and events, made if it is not there."""
    folder = DATA / f"{customers}x{events}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        make = ["cargo", "bench", "-q", "--workspace", "--bench", "generate", "--"]
        wish = ["--customers", str(customers), "--events", str(events), "--out", str(part)]
        subprocess.run([*make, *wish], cwd=HOME, check=True)
        part.rename(folder)
    return folder


def project(folder, data, settings=""):
    """The project of this repository in `folder`, with made-up data as its sources."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HOME / "sql", folder / "sql")
    text = (HOME / "dfpipe.yml").read_text()
    for old, new in [
        ("{kind: files, path: fixtures/crm/page-*.json, records: data}", f"{{kind: files, path: {data}/crm/*.parquet}}"),
        ("{kind: files, path: fixtures/events/*.ndjson}", f"{{kind: files, path: {data}/events/*.parquet}}"),
    ]:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "dfpipe.yml").write_text(text + settings)
    return folder


def shipped(folder):
    """The project of this repository in `folder`, as it is."""
    for name in ("dfpipe.yml", "sql", "fixtures"):
        source = HOME / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)


def with_a_run(folder, dfpipe):
    """The same with a run of its fixtures, which can be asked."""
    folder.mkdir()
    shipped(folder)
    measured([dfpipe, "run", "-q"], folder)
    return folder


def extracted(folder, dfpipe):
    """Runs the project's extract step; the folder of the run, and what the step took."""
    figures, _ = measured([dfpipe, "run", "-q", "--fresh", "--until", "extract"], folder)
    return next((folder / ".dfpipe/work").glob("*/extract")).parent, figures


def copied(source, target):
    """A project whose run has done its extract, once more: tables are shared, since nobody writes into them."""

    def one(old, new):
        return os.link(old, new) if old.endswith(".parquet") else shutil.copy2(old, new)

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=one)
    return target


def forget(folder):
    """Has the system forget its copies of a folder's tables."""
    for file in folder.glob("**/*.parquet"):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def size(folder):
    """Bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

"""Writes what a benchmark prints into its section of benches/RESULTS.md.

    python3 benches/results.py NAME COMMAND...

runs the command, shows what it prints, and keeps it if it ends well or misses a bar (exit code 1).
Apart from the benchmarks, so that each of them only measures and prints, and the page is never edited by hand.
"""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
PAGE = HOME / "benches/RESULTS.md"

HEAD = """\
# What was measured

Written by the benchmarks themselves (`benches/results.py`), not by hand. CONTRIBUTING.md says how to repeat each. Where a bar is
missed, it says so. Seconds are medians of interleaved rounds, memory is the peak of the whole process as the operating
system saw it.
"""

# In the order of the page: what each is called, and what a reader should know before the figures.
ROOMS = {
    "transform": ("The customer pipeline against pandas, polars and DuckDB", "make bench"),
    "transform-quick": ("The same, ten times smaller", "make bench-quick"),
    "scaling": ("How time and memory grow", "make bench-scaling"),
    "cluster": ("One process, one executor, two", "make bench-cluster"),
    "start": ("How long until something happens", "make bench-start"),
    "check": ("`check` and `test`", "make bench-check"),
    "crm": ("Reading an API", "make bench-crm"),
    "kafka": ("Reading a topic", "make bench-kafka"),
    "functions": ("Functions, per row", "make bench-functions"),
    "parquet": ("Writing Parquet", "make bench-parquet"),
    "profile": ("Where the time of the transform goes", "make bench-profile"),
    "distinct": ("`count(distinct …)` beside other aggregates", "make bench-distinct"),
    "bigquery": ("Loading into BigQuery", "make bench-bigquery"),
}

# What a terminal sees and a page does not need.
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\n]*\r(?!\n)")


def main():
    name, command = sys.argv[1], sys.argv[2:]
    status, printed = run(command)
    if status in (0, 1):
        sections = kept()
        sections[ROOMS[name][0]] = section(name, CONTROL.sub("", printed).strip(), status == 1)
        titles = [title for title, _ in ROOMS.values()]
        PAGE.write_text("\n".join([HEAD] + [sections[title] for title in titles if title in sections]))
    return status


def kept():
    """The sections of the page as it is, by their titles."""
    text = PAGE.read_text() if PAGE.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.splitlines()[0].removeprefix("## "): part.rstrip("\n") + "\n" for part in parts}


def section(name, printed, is_missed):
    title, command = ROOMS[name]
    missed = " **A bar was missed.**" if is_missed else ""
    return f"## {title}\n\n`{command}` · {sitting()}{missed}\n\n```text\n{printed}\n```\n"


def run(command):
    """The command's exit code and what it printed, which is shown as it comes."""
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def sitting():
    """When and where it was measured, and of which source."""
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    machine = f"{os.cpu_count()} cores ({processor()}), {memory()} GB, {platform.system()} {platform.release()}"
    return f"{at} UTC · {machine} · of {revision()}"


def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*: (.*)", text).group(1).strip()
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def memory():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


def revision():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=HOME, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "udfs", "sql", "Cargo.toml")
    return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")


sys.exit(main())

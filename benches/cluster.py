"""What it costs to have the models built by a cluster: one process against 1 and 2 executors, all on this machine.

The customer pipeline's transform on made-up data, from one extract. The cores are the same for all: one executor has
both, two have one each. The result has to be the same, byte for byte.

    make bench-cluster

CUSTOMERS, EVENTS and ROUNDS may be set.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

import measure

DFPIPE = measure.binary()
CUSTOMERS = int(os.environ.get("CUSTOMERS", 100_000))
EVENTS = int(os.environ.get("EVENTS", 5_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 3))
WORK = measure.HOME / "target/bench/cluster"
CORES = os.cpu_count()

# How many executors; none is one process.
WAYS = [0, 1, 2]


def main():
    source = measure.project(WORK / "extracted", measure.generated(CUSTOMERS, EVENTS))
    measure.extracted(source, DFPIPE)
    print(f"{CUSTOMERS:,} customers, {EVENTS:,} events, {CORES} cores, {DFPIPE.parent.name} build")
    taken = {way: [] for way in WAYS}
    for number in range(ROUNDS):
        for way in WAYS:
            taken[way].append(once(source, way))
        print(f"round {number + 1}: " + ", ".join(f"{said(way)} {taken[way][-1]['seconds']:.2f} s" for way in WAYS), flush=True)
    hashes = {figures["sha256"] for all_of in taken.values() for figures in all_of}
    assert len(hashes) == 1, f"the results differ: {hashes}"
    print("\nfrom the extract to the tables, medians; the result is the same")
    print(f"{'':14}{'seconds':>9}{'processor':>11}{'against one':>13}{'driver MB':>11}{'executor MB':>13}{'stages':>8}{'tasks':>7}")
    alone = statistics.median(one["seconds"] for one in taken[0])
    for way in WAYS:
        row = {key: statistics.median(one[key] for one in taken[way]) for key in taken[way][0] if key != "sha256"}
        print(
            f"{said(way):14}{row['seconds']:>9.2f}{row['processor']:>11.1f}{row['seconds'] / alone:>12.2f}x"
            f"{row['driver']:>11.0f}{row['executor']:>13.0f}{row['stages']:>8.0f}{row['tasks']:>7.0f}"
        )
    model_by_model()
    return 0


def said(way):
    return {0: "one process", 1: "1 executor"}.get(way, f"{way} executors")


def once(source, way):
    """One transform, with so many executors."""
    folder = measure.copied(source, WORK / f"run{way}")
    with Cluster(folder, way) as cluster:
        figures, _ = measure.measured([DFPIPE, "run", "-q", "--resume", "--until", "transform"], folder)
        processor, memory = cluster.used()
    record = json.loads(next((folder / ".dfpipe/work").glob("*/run.json")).read_text())
    models = {model["name"]: model for model in record["models"]}
    jobs = [model["job"] for model in record["models"] if model.get("job")]
    return {
        "seconds": figures[0],
        "processor": figures[1] + processor,
        "driver": figures[2],
        "executor": memory,
        "stages": sum(job["stages"] for job in jobs),
        "tasks": sum(job["tasks"] for job in jobs),
        "sha256": models["unified_customers"]["file"]["sha256"],
    }


def model_by_model():
    """Where the difference is: the models that take longest in one process."""
    records = []
    for way in WAYS:
        record = json.loads(next((WORK / f"run{way}/.dfpipe/work").glob("*/run.json")).read_text())
        records.append({model["name"]: model["seconds"] for model in record["models"]})
    print(f"\n{'seconds of':24}" + "".join(f"{said(way):>13}" for way in WAYS))
    for name in sorted(records[0], key=records[0].get, reverse=True)[:8]:
        print(f"{name:24}" + "".join(f"{record[name]:>13.2f}" for record in records))


class Cluster:
    """A scheduler and executors of the project in `folder`, which is told of them; nothing for none."""

    def __init__(self, folder, executors):
        self.folder, self.executors, self.processes = folder, executors, []

    def __enter__(self):
        if not self.executors:
            return self
        address = f"127.0.0.1:{free_port()}"
        self.start("scheduler", "--bind", address, "--host", "127.0.0.1")
        # An executor that finds no scheduler gives up.
        wait_for(address, 0)
        for _ in range(self.executors):
            ports = ["--port", str(free_port()), "--task-port", str(free_port())]
            self.start("executor", "--scheduler", f"df://{address}", "--cores", str(CORES // self.executors), *ports)
        wait_for(address, self.executors)
        with (self.folder / "dfpipe.yml").open("a") as config:
            config.write(f"\nengine:\n  ballista: {{scheduler: 'df://{address}'}}\n")
        return self

    def start(self, *arguments):
        process = subprocess.Popen(
            [DFPIPE, "cluster", *arguments], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.processes.append(process)

    def used(self):
        """Processor seconds of all of them, and the most megabytes of an executor."""
        ticks = os.sysconf("SC_CLK_TCK")
        processor, memory = 0.0, 0.0
        for process in self.processes:
            stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            processor += (int(stat[11]) + int(stat[12])) / ticks
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
            memory = max(memory, peak / 1024) if process is not self.processes[0] else memory
        return processor, memory

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(address, executors):
    """Until the scheduler knows so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{address}/dfpipe", timeout=5) as answer:
                if len(json.load(answer)["executors"]) == executors:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("the executors do not come")


sys.exit(main())

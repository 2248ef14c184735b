"""How fast dfpipe loads a million rows into the BigQuery emulator, against the official Python client with the
same file.

Both take turns, so that whatever else the machine does meets both. What is timed:

    dfpipe   the upload and the job, as its receipt says; and, for knowledge, all from the moment that the
             file is on disk to the moment that its rows are counted and the view is made (its journal)
    client   load_table_from_file and result(): an upload and a job; its table is there already

    make bench-bigquery

It ends with 1 if the median of dfpipe's speed is below 0.9 of the client's.
"""

import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pyarrow
import pyarrow.parquet
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

HOME = pathlib.Path(__file__).resolve().parent.parent
DFPIPE = pathlib.Path(os.environ.get("DFPIPE", HOME / "target/dist/dfpipe")).resolve()
ROWS = int(os.environ.get("ROWS", 1_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 6))
BAR = 0.9
PROJECT = "bench-project"

# Fifteen columns of the model; the load adds its six.
COLUMNS = {
    "id": "integer",
    **{f"name_{number}": "text" for number in range(3)},
    **{f"amount_{number}": "decimal(18,2)" for number in range(2)},
    **{f"count_{number}": "integer" for number in range(4)},
    **{f"score_{number}": "double" for number in range(3)},
    "born": "date",
    "seen_at": "timestamp",
}

CONFIGURATION = """\
pipeline: bench
as_of: 2026-11-15
email_hash_key: good for benchmarks only
sources:
  made:
    key: id
    columns:
{columns}
    from: {{kind: files, path: data/*.parquet}}
destination:
  kind: bigquery
  model: wide
  project: bench-project
  dataset: bench
  table: unnamed
  endpoint: {url}
  auth: none
"""

MODEL = """\
/* dfpipe
version: 1
description: A wide table for the benchmark.
key: [id]
*/
select {columns}
from made
"""


def main():
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        folder = pathlib.Path(folder)
        client = client_of(emulator.url)
        # Always at the same place: a source that lies elsewhere is another source, and would be read again.
        project, saved = folder / "project", folder / "saved"
        transform(project, emulator.url)
        project.rename(saved)
        ours, theirs, file = [], [], folder / "load.parquet"
        for number in range(ROUNDS + 1):
            shutil.copytree(saved, project)
            # Who comes first finds another emulator than who comes second: they take turns in that, too.
            client_first = number % 2 == 1
            if client_first:
                client_seconds = load_by_client(client, file, f"theirs_{number}", schema)
            seconds, whole = load_by_dfpipe(project, f"ours_{number}", file)
            schema = client.get_table(f"{PROJECT}.bench.ours_{number}").schema
            if not client_first:
                client_seconds = load_by_client(client, file, f"theirs_{number}", schema)
            count(client, f"ours_{number}")
            count(client, f"theirs_{number}")
            if number == 0:
                continue  # the emulator's first load is slower than its others
            ours.append(seconds)
            theirs.append(client_seconds)
            print(
                f"round {number}: dfpipe {seconds:.2f} s ({whole:.2f} s with all around it), "
                f"client {client_seconds:.2f} s",
                flush=True,
            )
        return judge(ours, theirs, file.stat().st_size)


def judge(ours, theirs, size):
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    speed = theirs / ours
    print(f"{ROWS} rows, {size / 1e6:.1f} MB, medians of {ROUNDS}, {DFPIPE.parent.name} build")
    print(f"dfpipe {ours:.2f} s, client {theirs:.2f} s: {speed:.2f} of its speed (at least {BAR})")
    return 0 if speed >= BAR else 1


class Emulator:
    """bqemulator, as the tests start it."""

    def __enter__(self):
        launcher = HOME / "tests/services/bigquery/launcher.py"
        self.server = subprocess.Popen([sys.executable, launcher], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.server.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.server.stdin.close()
        self.server.wait()


def client_of(url):
    options = ClientOptions(api_endpoint=url)
    client = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)
    client.create_dataset("bench")
    return client


def transform(project, url):
    """A run that has done all but its load."""
    (project / "data").mkdir(parents=True)
    (project / "sql").mkdir()
    columns = "\n".join(f'      {name}: {{type: "{kind}"}}' for name, kind in COLUMNS.items())
    (project / "dfpipe.yml").write_text(CONFIGURATION.format(columns=columns, url=url))
    (project / "sql/wide.sql").write_text(MODEL.format(columns=", ".join(COLUMNS)))
    pyarrow.parquet.write_table(made(), project / "data/made.parquet")
    call(project, "run", "-q", "--until", "transform")


def made():
    random = numpy.random.default_rng(1)
    epoch = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    seconds = random.integers(0, 20_000_000, ROWS)
    columns = {
        "id": pyarrow.array(numpy.arange(ROWS)),
        **{f"name_{n}": [f"{value:x}" for value in random.integers(0, 2**40, ROWS)] for n in range(3)},
        **{
            f"amount_{n}": pyarrow.array(random.integers(0, 10**6, ROWS)).cast(pyarrow.decimal128(21, 2)).cast(pyarrow.decimal128(18, 2))
            for n in range(2)
        },
        **{f"count_{n}": pyarrow.array(random.integers(0, 10**6, ROWS)) for n in range(4)},
        **{f"score_{n}": pyarrow.array(random.random(ROWS)) for n in range(3)},
        "born": pyarrow.array(random.integers(0, 20_000, ROWS).astype("int32")).cast(pyarrow.date32()),
        "seen_at": pyarrow.array(seconds * 1_000_000 + int(epoch.timestamp() * 1e6)).cast(
            pyarrow.timestamp("us", tz="UTC")
        ),
    }
    return pyarrow.table(columns)


def load_by_dfpipe(project, table, file):
    """Seconds of upload and job, and of all from the file to the verified load. The file is kept as `file`."""
    configuration = project / "dfpipe.yml"
    configuration.write_text(configuration.read_text().replace("table: unnamed", f"table: {table}"))
    file.unlink(missing_ok=True)
    run = subprocess.Popen([DFPIPE, "run", "-q", "--resume"], cwd=project, stdout=subprocess.DEVNULL)
    while run.poll() is None:
        keep_staged(project, file)
        time.sleep(0.002)
    if run.returncode != 0:
        sys.exit(f"dfpipe ended with {run.returncode}")
    archived = next(project.glob(".dfpipe/archive/pipeline_runs/*/*/"))
    journal = (archived / "journal.ndjson").read_text()
    timings = json.loads((archived / "step4_load_receipt.json").read_text())["timings"]
    shutil.rmtree(project)
    times = {line["entry"]: line["at"] for line in map(json.loads, journal.splitlines())}
    moments = [datetime.datetime.fromisoformat(times[entry]) for entry in ("load_staged", "loaded")]
    return timings["upload_seconds"] + timings["job_seconds"], (moments[1] - moments[0]).total_seconds()


def keep_staged(project, file):
    """dfpipe removes its file when it is loaded: a second name keeps it."""
    if file.exists():
        return
    for journal in project.glob(".dfpipe/work/*/journal.ndjson"):
        if '"load_staged"' in journal.read_text():
            staged = next(journal.parent.glob("step4_load*.parquet"), None)
            if staged is not None:
                os.link(staged, file)


def load_by_client(client, file, table, schema):
    """Seconds of the same load by the official client, into a table as dfpipe makes it."""
    name = bigquery.TableReference.from_string(f"{PROJECT}.bench.{table}")
    made = bigquery.Table(name, schema=schema)
    made.time_partitioning = bigquery.TimePartitioning(field="run_date")
    client.create_table(made)
    parquet = bigquery.format_options.ParquetOptions()
    parquet.enable_list_inference = True
    how = bigquery.LoadJobConfig(
        source_format="PARQUET", write_disposition="WRITE_APPEND", schema=schema, parquet_options=parquet
    )
    begun = time.monotonic()
    with file.open("rb") as content:
        size = file.stat().st_size
        client.load_table_from_file(content, name, size=size, location="US", job_config=how).result()
    return time.monotonic() - begun


def count(client, table):
    """All rows must be there. Then they make room for the next round's."""
    name = f"{PROJECT}.bench.{table}"
    found = list(client.query(f"select count(*) from `{name}`").result())[0][0]
    if found != ROWS:
        sys.exit(f"{name} has {found} rows")
    client.delete_table(name)


def call(project, *arguments):
    subprocess.run([DFPIPE, *arguments], cwd=project, check=True, stdout=subprocess.DEVNULL)


sys.exit(main())

"""How fast dfpipe reads, decodes and aggregates a topic of Apache Kafka, against what people would use instead.

All read the same topic, from the same broker, in turns, so that whatever else the machine does meets all:

    dfpipe   `dfpipe query`: per customer events, page views, purchases, amount, first and last event
    kcat     to /dev/null: the bytes alone, nothing decoded
    python   confluent-kafka, json.loads and a dict that holds the same, as installed
    tuned    the same with fetch.queue.backoff.ms=5, which dfpipe sets as well

What dfpipe answers must be what Python counts, or nothing is measured. Whole processes are timed; memory is
the most that the system saw of each. Then the topic is extracted into Parquet, for the memory of that.

    make bench-kafka

EVENTS, PARTITIONS and ROUNDS may be set. It ends with 1 if a bar is missed.
"""

import csv
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

import measure

HOME = measure.HOME
DFPIPE = measure.binary()
EVENTS = int(os.environ.get("EVENTS", 1_000_000))
PARTITIONS = int(os.environ.get("PARTITIONS", 6))
ROUNDS = int(os.environ.get("ROUNDS", 5))

TOPIC = "customer-events"
AS_OF = "2026-11-15"
WINDOW_START = 1_794_096_000  # 2026-11-08
WINDOW_SECONDS = 7 * 86_400

# How many times as fast as each contender dfpipe has to be, and how much memory an extract may take.
BARS = {"kcat": 0.5, "python": 4.0, "tuned": 2.5}
EXTRACT_MEGABYTES = 400

CONFIGURATION = f"""\
pipeline: bench
as_of: {AS_OF}
email_hash_key: good for benchmarks only
sources:
  customer_events:
    key: customer_id
    columns:
      event_id:    {{type: text, required: true}}
      customer_id: {{type: text, required: true}}
      event_type:  {{type: text, required: true}}
      occurred_at: {{type: timestamp, required: true}}
      email_hash:  {{type: text, path: email, pii: email}}
      feature:     {{type: text, path: properties.feature}}
      amount:      {{type: "decimal(18,2)", path: properties.amount}}
      currency:    {{type: text, path: properties.currency}}
      page:        {{type: text, path: properties.page}}
    from: {{kind: kafka, brokers: "BROKER", topic: {TOPIC}, group: bench}}
destination:
  kind: parquet
  model: customers
  path: warehouse
  dataset: bench
  table: customers
"""

QUESTION = """\
select customer_id, count(*) as events,
  count(*) filter (where event_type = 'page_view') as views,
  count(*) filter (where event_type = 'purchase') as purchases,
  sum(amount) as amount, min(occurred_at) as first_at, max(occurred_at) as last_at
from NAME group by customer_id
"""

MODEL = f"""\
/* dfpipe
version: 1
description: What customers did.
key: [customer_id]
*/
{QUESTION.replace("NAME", "customer_events")}"""

# What a data scientist would write; {settings} is all that tuning adds.
SCRIPT = """\
import json, sys
from confluent_kafka import Consumer, TopicPartition
broker, topic, partitions, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
consumer = Consumer({{"bootstrap.servers": broker, "group.id": "python", "enable.auto.commit": False{settings}}})
left = {{}}
for partition in range(partitions):
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition))
    if high > low:
        left[partition] = high
consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
customers = {{}}
while left:
    for message in consumer.consume(10_000, timeout=1.0):
        if message.error():
            continue
        event = json.loads(message.value())
        kind, at = event["event_type"], event["occurred_at"]
        one = customers.get(event["customer_id"])
        if one is None:
            one = customers[event["customer_id"]] = [0, 0, 0, 0.0, at, at]
        one[0] += 1
        if kind == "page_view":
            one[1] += 1
        elif kind == "purchase":
            one[2] += 1
            one[3] += event["properties"]["amount"]
        one[4] = min(one[4], at)
        one[5] = max(one[5], at)
        if message.offset() + 1 >= left.get(message.partition(), 0):
            left.pop(message.partition(), None)
with open(out, "w") as file:
    json.dump(customers, file)
"""


def main():
    with tempfile.TemporaryDirectory() as folder, Broker(pathlib.Path(folder)) as broker:
        folder = pathlib.Path(folder)
        size = fill(broker.address)
        project = made_project(folder / "project", broker.address)
        contenders = commands(folder, project, broker.address)
        agree(folder, contenders)
        figures = {name: [] for name in contenders}
        for number in range(ROUNDS):
            for name, command in contenders.items():
                figures[name].append(measure.measured(command)[0])
            print(f"round {number + 1}: " + ", ".join(f"{name} {runs[-1][0]:.2f} s" for name, runs in figures.items()), flush=True)
        extract, _ = measure.measured([DFPIPE, "run", "-q", "--until", "extract"], project)
        return judge(figures, extract, size)


class Broker:
    """Apache Kafka, as the tests start it."""

    def __init__(self, folder):
        self.folder = folder / "broker"

    def __enter__(self):
        port, controller = free_port(), free_port()
        start = [HOME / "tests/services/kafka/start.sh", self.folder, str(port), str(controller), "-Xmx1g"]
        self.server = subprocess.Popen(start, stdin=subprocess.PIPE)
        self.address = f"127.0.0.1:{port}"
        wait_for(port)
        admin = AdminClient({"bootstrap.servers": self.address})
        topic = NewTopic(TOPIC, PARTITIONS, 1, config={"retention.ms": "-1"})
        for answer in admin.create_topics([topic], operation_timeout=60, request_timeout=60).values():
            answer.result()
        return self

    def __exit__(self, *_):
        self.server.stdin.close()
        self.server.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    """The broker listens once it is started; the client would print a line for each try before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("Apache Kafka does not start")


def fill(broker):
    """Writes the events, and says how many bytes they have."""
    chance, size = random.Random(1), 0
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker, "compression.type": "lz4", "linger.ms": 50, "queue.buffering.max.messages": 2_000_000}
    )
    for number in range(EVENTS):
        customer = f"CUS-{int(50_000 * chance.random() ** 3):05}"
        second = WINDOW_START + number * WINDOW_SECONDS // EVENTS
        value = json.dumps(event(chance, number, customer, second), separators=(",", ":")).encode()
        size += len(value)
        producer.produce(TOPIC, value, customer.encode(), partition=number % PARTITIONS, timestamp=second * 1000)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush()
    print(f"{EVENTS} events of {size / EVENTS:.0f} bytes in {PARTITIONS} partitions, {size / 1e6:.0f} MB", flush=True)
    return size


def event(chance, number, customer, second):
    kind = chance.choices(["page_view", "feature_used", "purchase", "support"], [70, 20, 7, 3])[0]
    properties = {
        "page": f"/docs/{chance.randrange(500)}",
        "session": f"{chance.getrandbits(64):016x}",
        "agent": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    if kind == "feature_used":
        properties["feature"] = f"feature_{chance.randrange(40)}"
    if kind == "purchase":
        # Quarters are exact in binary, so that sums of floats can be compared with sums of decimals.
        properties |= {"amount": chance.randrange(1, 4000) / 4, "currency": "EUR"}
    return {
        "event_id": f"evt-{number:016x}",
        "customer_id": customer,
        "event_type": kind,
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(second)),
        "email": f"person{customer[4:]}@example.com",
        "properties": properties,
    }


def made_project(project, broker):
    (project / "sql").mkdir(parents=True)
    (project / "dfpipe.yml").write_text(CONFIGURATION.replace("BROKER", broker))
    (project / "sql/customers.sql").write_text(MODEL)
    return project


def commands(folder, project, broker):
    def script(name, settings):
        file = folder / f"{name}.py"
        file.write_text(SCRIPT.format(settings=settings))
        return [sys.executable, str(file), broker, TOPIC, str(PARTITIONS), str(folder / f"{name}.json")]

    question = QUESTION.replace("NAME", "source.customer_events").replace("\n", " ")
    ask = f'exec {DFPIPE} query -q --project {project} -o csv "{question}" >{folder / "dfpipe.csv"}'
    found = {
        "dfpipe": ["sh", "-c", ask],
        "python": script("python", ""),
        "tuned": script("tuned", ', "fetch.queue.backoff.ms": 5'),
    }
    kcat = shutil.which("kcat") or shutil.which("kafkacat")
    if kcat:
        found["kcat"] = ["sh", "-c", f"exec {kcat} -b {broker} -C -t {TOPIC} -o beginning -e -q >/dev/null"]
    else:
        print("kcat is not installed (`apt-get install kcat`): it is left out", flush=True)
    return found


def agree(folder, contenders):
    """Every contender once, which warms the broker up; what they say must be the same."""
    for command in contenders.values():
        measure.measured(command)
    counted = json.loads((folder / "python.json").read_text())
    with (folder / "dfpipe.csv").open() as file:
        asked = {row["customer_id"]: row for row in csv.DictReader(file)}
    if asked.keys() != counted.keys():
        sys.exit(f"dfpipe knows {len(asked)} customers, Python {len(counted)}")
    for customer, (events, views, purchases, amount, _, _) in counted.items():
        row = asked[customer]
        ours = (int(row["events"]), int(row["views"]), int(row["purchases"]), float(row["amount"] or 0))
        if ours != (events, views, purchases, amount):
            sys.exit(f"{customer}: dfpipe says {ours}, Python {(events, views, purchases, amount)}")


def judge(figures, extract, size):
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in figures.items()}
    ours = medians["dfpipe"][0]
    print(f"medians of {ROUNDS} rounds, {os.cpu_count()} cores, {DFPIPE.parent.name} build")
    print(f"{'':8}{'seconds':>9}{'processor':>11}{'MB/s':>7}{'events/s':>11}{'memory MB':>11}{'dfpipe is':>11}  at least")
    is_well = True
    for name, (seconds, processor, memory) in medians.items():
        speed, bar = seconds / ours, BARS.get(name)
        is_well &= bar is None or speed >= bar
        said = "" if bar is None else f"{speed:>10.2f}x{bar:>9}x"
        print(f"{name:8}{seconds:>9.2f}{processor:>11.2f}{size / 1e6 / seconds:>7.0f}{EVENTS / seconds:>11.0f}{memory:>11.0f}{said}")
    print(f"extract {extract[0]:>9.2f}{extract[1]:>11.2f}{'':18}{extract[2]:>11.0f}  at most {EXTRACT_MEGABYTES}")
    return 0 if is_well and extract[2] <= EXTRACT_MEGABYTES else 1


sys.exit(main())

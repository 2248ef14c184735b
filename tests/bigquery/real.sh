#!/usr/bin/env bash
# Loads into a real project of BigQuery, by hand, and looks at what is there afterwards. CI never runs it: it
# needs a project with billing. It costs less than a cent, and removes the dataset that it has made.
#
#   gcloud auth application-default login
#   tests/bigquery/real.sh PROJECT [LOCATION]
#
# Who runs it needs roles/bigquery.jobUser and roles/bigquery.dataEditor on the project, and the programs gcloud,
# bq, cargo and python3. What it shows, in order:
#
#   1. doctor finds the project usable, and nothing is made by that
#   2. the first run makes dataset, table and view, and each row is there exactly once
#   3. the same date again is refused with exit code 7
#   4. a new column is added with the load; readers of the view get it, older rows have no value of it
#   5. a column of another type stops before the upload, with exit code 1
#   6. a run that is killed (SIGKILL) while it loads ends with each row exactly once after --resume
#   7. decimals, lists, records, dates, times and moments without a zone arrive as they were
#
# It says "verified" at its end, or stops at the first thing that is not as it should be. If it says so, write
# into README.md when, and against which version.
set -euo pipefail

project=${1:?usage: tests/bigquery/real.sh PROJECT [LOCATION]}
location=${2:-US}
cd "$(dirname "$0")/../.."

cargo build --workspace
dfpipe=$PWD/target/debug/dfpipe
dataset=dfpipe_verify_$(date -u +%Y%m%d_%H%M%S)
folder=$(mktemp -d)
remove() {
    bq --project_id="$project" rm -r -f -d "$project:$dataset" || true
    rm -rf "$folder"
}
trap remove EXIT

fail() { echo "NOT as it should be: $*" >&2; exit 1; }
ask() { bq --project_id="$project" --location="$location" --format=csv query --use_legacy_sql=false "$1" | tail -n +2; }
is() { local found; found=$(ask "$2"); [ "$found" = "$3" ] || fail "$1: $found, not $3"; echo "ok: $1"; }
ends() { # ends CODE WHAT COMMAND…
    local wanted=$1 what=$2 code=0
    shift 2
    "$@" >"$folder/screen" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || { cat "$folder/screen" >&2; fail "$what: exit code $code, not $wanted"; }
    echo "ok: $what"
}

mkdir -p "$folder/data" "$folder/sql"
cat >"$folder/dfpipe.yml" <<YAML
pipeline: verification
as_of: 2026-11-15
email_hash_key: a key that hashes nothing here
sources:
  orders:
    key: order_id
    columns:
      order_id: {type: integer, required: true}
      customer: {type: text}
      amount: {type: "decimal(18,2)"}
    from: {kind: files, path: data/*.csv}
destination:
  kind: bigquery
  model: totals
  project: $project
  dataset: $dataset
  table: totals
  location: $location
  cluster_by: [customer]
  on_repeat: refuse
YAML
python3 -c '
print("order_id,customer,amount")
for number in range(200000):
    print(f"{number},c{number:06d},{number % 1000}.25")' >"$folder/data/orders.csv"
model() { # model MORE-COLUMNS
    cat >"$folder/sql/totals.sql" <<SQL
/* dfpipe
version: 1
description: What customers have ordered.
key: [customer]
*/
select
    customer,
    sum(amount) as amount,
    arrow_cast(timestamp '2026-11-15 10:00:00.123456', 'Timestamp(µs)') as naive_at,
    arrow_cast(timestamp '2026-11-15 10:00:00.123456', 'Timestamp(µs, "UTC")') as moment_at,
    arrow_cast(cast('08:15:30' as time), 'Time64(µs)') as opens_at,
    date '2026-11-15' as day,
    make_array('a', 'b') as tags,
    named_struct('city', 'Bern', 'zip', 3000) as address,
    arrow_cast('1.0000000000000000000000000001', 'Decimal128(38, 28)') as fine$1
from orders
group by customer
SQL
}
run() { "$dfpipe" run --project "$folder" "$@"; }
table="\`$project.$dataset.totals\`"

model ""
ends 0 "doctor finds the project usable" "$dfpipe" doctor --project "$folder"
ends 0 "the first run loads" run
is "each row is there once" "select concat(count(*), ' ', count(distinct customer)) from $table" "200000 200000"
is "the view shows them" "select count(*) from \`$project.$dataset.totals_latest\` where run_date = '2026-11-15'" 200000
is "money is exact" "select format('%t', amount) from $table where customer = 'c000999'" "999.25"
is "moments" "select format_timestamp('%F %H:%M:%E6S', any_value(moment_at)) from $table" "2026-11-15 10:00:00.123456"
is "moments without a zone" "select format_datetime('%F %H:%M:%E6S', any_value(naive_at)) from $table" "2026-11-15 10:00:00.123456"
is "times of day" "select format_time('%T', any_value(opens_at)) from $table" "08:15:30"
is "lists" "select array_to_string(any_value(tags), '+') from $table" "a+b"
is "records" "select any_value(address).city from $table" "Bern"
is "many digits" "select format('%t', any_value(fine)) from $table" "1.0000000000000000000000000001"
ends 7 "the same date again is refused" run

model ",
    cast(count(*) as bigint) as orders"
ends 0 "a new column comes with the load" run --new-load
is "the view has the new column" "select sum(orders) from \`$project.$dataset.totals_latest\`" 200000
is "older rows have no value of it" "select countif(orders is null) from $table" 200000

sed -i "s/sum(amount) as amount/cast(sum(amount) as varchar) as amount/" "$folder/sql/totals.sql"
ends 1 "a column of another type stops before the upload" run --new-load

model ",
    cast(count(*) as bigint) as orders"
run --new-load >"$folder/screen" 2>&1 &
process=$!
until grep -q load_begun "$folder"/.dfpipe/work/*/journal.ndjson 2>/dev/null; do
    kill -0 "$process" 2>/dev/null || fail "the run ended before it could be killed"
    sleep 0.1
done
sleep 2
kill -9 "$process" 2>/dev/null || true
wait "$process" 2>/dev/null || true
ends 0 "a killed run is gone on with" run --resume
is "each row of three loads is there once" \
    "select concat(count(*), ' ', count(distinct concat(load_number, customer))) from $table" "600000 600000"

echo "verified: $("$dfpipe" --version) against BigQuery in $location, $(date -u +%F)"

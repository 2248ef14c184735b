"""Whether a contender's tables are those of dfpipe, value by value; if not, what differs.

Apart from the contenders because a benchmark of two answers that differ measures nothing. The same rows must be there;
whole numbers, text, dates, times, truth values and money must be equal, other numbers within 1e-9 (of 1 or of
themselves). Said is, per table and column, how many rows differ, and the first of them. It ends with 1 if any does.

    python compare.py DFPIPE_RUN_DIR OUT_DIR [--without-misshapen]

Records that the decoder refused never reach a contender, while dfpipe counts them among the rejects and calls their
customers `malformed_record`. `--without-misshapen` leaves out, on both sides, these records and customers; nothing
else. Without it they are differences, so that data which should hold none is known to hold none.
"""

import argparse
import json
import sys
from pathlib import Path

import polars as pl

TOLERANCE = 1e-9
SHOWN = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--without-misshapen", action="store_true")
    arguments = parser.parse_args()
    run, out = arguments.run, arguments.out

    customers = [pl.read_parquet(folder / "unified_customers.parquet") for folder in (run / "models", out)]
    rejected = rejected_customers(run, out, arguments.without_misshapen)
    refused = rejects(run, out, arguments.without_misshapen)
    problems = [
        *keyed("unified_customers", *customers),
        *order("unified_customers", customers[1]),
        *keyed("rejected_customers", *rejected),
        *counted("rejects", *refused),
        *summaries(run, out),
    ]
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    counts = [len(tables[0]) for tables in (customers, rejected, refused)]
    print("the same: {:,} customers, {:,} rejected customers, {:,} rejects".format(*counts))


# --- what is compared --------------------------------------------------------------------------


def rejected_customers(run, out, without_misshapen):
    columns = ["customer_id", "reason", "all_reasons"]
    theirs = pl.read_parquet(run / "models/rejected_customers.parquet", columns=columns)
    mine = pl.read_parquet(out / "rejected_customers.parquet")
    if without_misshapen:
        # What is malformed comes first in the list of reasons, so it is the reason.
        malformed = theirs.filter(pl.col("reason") == "malformed_record")
        theirs, mine = (table.join(malformed, on="customer_id", how="anti") for table in (theirs, mine))
    return theirs, mine


def rejects(run, out, without_misshapen):
    columns = ["source", "reason", "customer_id"]
    theirs = pl.read_parquet(run / "models/rejects.parquet", columns=[*columns, "place"])
    if without_misshapen:
        misshapen = pl.read_parquet(run / "extract/rejects/*.parquet", columns=["source", "reason", "place"])
        theirs = theirs.join(misshapen, on=["source", "reason", "place"], how="anti")
    return theirs.select(columns), pl.read_parquet(out / "rejects.parquet")


def summaries(run, out):
    """The numbers of `summary.json`, as far as tables of the run say them."""
    mine = flat(json.loads((out / "summary.json").read_text()))
    theirs = flat(run_summary(run))
    for name in sorted(theirs.keys() | mine.keys()):
        one, other = theirs.get(name), mine.get(name)
        if not same_value(one, other):
            yield f"summary: {name}: dfpipe has {one!r}, the contender {other!r}"


def run_summary(run):
    def model(name):
        return pl.scan_parquet(run / f"models/{name}.parquet")

    def statuses(name):
        return dict(model(name).group_by("status").len().collect(engine="streaming").iter_rows())

    figures = dict(model("run_summary").select("metric", "value").collect().iter_rows())
    [medians] = model("imputation_values").collect().to_dicts()
    return {
        "events": dict(model("event_counts").group_by("status").agg(pl.sum("events")).collect().iter_rows()),
        "crm_records": statuses("crm_records"),
        "customers": {name: figures[f"customers_{name}"] for name in ("active", "at_risk", "churned")},
        "matched": model("customer_match").select(pl.len()).collect().item(),
        "match_rate": figures["match_rate"],
        "medians": {name: str(value) for name, value in medians.items()},
        "p99": dict(model("feature_limits").select("feature", "p99").collect().iter_rows()),
    }


def flat(values, prefix=""):
    """Names with dots for what lies within; a count of 0 says what a missing one says."""
    found = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{prefix}{name}."))
        elif value != 0:
            found[prefix + name] = value
    return found


def same_value(one, other):
    if isinstance(one, float) and isinstance(other, (int, float)):
        return abs(one - other) <= TOLERANCE * max(1, abs(one))
    return one == other or str(one) == str(other)


# --- comparing ---------------------------------------------------------------------------------


def keyed(name, theirs, mine, key="customer_id"):
    """What differs between two tables whose rows have a key."""
    problems = columns_that_differ(name, theirs, mine)
    doubled = mine.filter(pl.col(key).is_duplicated())[key].unique().sort()
    if len(doubled):
        problems.append(f"{name}: {len(doubled):,} keys come several times: {first(doubled)}")
    for only, table, others in [("dfpipe", theirs, mine), ("the contender", mine, theirs)]:
        missing = table.join(others, on=key, how="anti")[key].sort()
        if len(missing):
            problems.append(f"{name}: {len(missing):,} rows are in the table of {only} only: {first(missing)}")
    if problems:
        return problems

    # Of the same unique keys, so that sorted they stand side by side.
    mine = plain(mine).sort(key).rename(lambda column: f"{column} of mine")
    both = pl.concat([plain(theirs).sort(key), mine], how="horizontal")
    for column in theirs.columns:
        if column != key:
            problems += values_that_differ(name, both, key, column)
    return problems


def columns_that_differ(name, theirs, mine):
    if sorted(theirs.columns) != sorted(mine.columns):
        missing, other = set(theirs.columns) - set(mine.columns), set(mine.columns) - set(theirs.columns)
        return [f"{name}: other columns: missing {sorted(missing)}, not in dfpipe's {sorted(other)}"]
    kinds = [(column, kind(theirs.schema[column]), kind(mine.schema[column])) for column in theirs.columns]
    return [
        f"{name}: {column}: dfpipe has values of type {one}, the contender {other}"
        for column, one, other in kinds
        if one != other
    ]


def values_that_differ(name, both, key, column):
    one, other = pl.col(column), pl.col(f"{column} of mine")
    differs = one.ne_missing(other)
    if both.schema[column].is_float():
        largest = pl.max_horizontal(one.abs(), other.abs(), 1.0)
        # Null unless both are numbers; then the plain comparison has the word.
        differs = ((one - other).abs() > TOLERANCE * largest).fill_null(differs)
    rows = both.filter(differs).select(key, one.alias("dfpipe"), other.alias("contender"))
    if len(rows):
        yield f"{name}: {column} differs in {len(rows):,} rows, of them\n" + lines(rows)


def counted(name, theirs, mine):
    """What differs between two tables where the same row may come several times."""
    problems = columns_that_differ(name, theirs, mine)
    if problems:
        return problems
    columns = theirs.columns
    counts = [plain(table).group_by(columns).len() for table in (theirs, mine)]
    both = counts[0].join(counts[1], on=columns, how="full", coalesce=True, nulls_equal=True)
    both = both.select(columns, dfpipe=pl.col("len").fill_null(0), contender=pl.col("len_right").fill_null(0))
    rows = both.filter(pl.col("dfpipe") != pl.col("contender")).sort(columns)
    return [f"{name}: {len(rows):,} rows come another number of times, of them\n" + lines(rows)] if len(rows) else []


def order(name, mine, key="customer_id"):
    if not plain(mine)[key].is_sorted():
        yield f"{name}: not sorted by {key}"


def kind(data_type):
    """What must be the same of two types: not how wide a number is, nor how text is encoded."""
    if data_type in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if data_type.is_integer():
        return "integer"
    if data_type.is_float():
        return "float"
    if isinstance(data_type, pl.Decimal):
        return f"decimal with {data_type.scale} digits"
    if isinstance(data_type, pl.Datetime):
        return f"timestamp in {data_type.time_zone or 'no zone'}"
    return str(data_type).lower()


def plain(table):
    """The same values in one type per kind."""
    return table.with_columns(
        pl.selectors.categorical().cast(pl.String),
        pl.selectors.integer().cast(pl.Int64),
        pl.selectors.float().cast(pl.Float64),
        pl.selectors.datetime().dt.cast_time_unit("us"),
        pl.selectors.decimal().cast(pl.Decimal(38, 2)),
    )


def first(keys):
    return ", ".join(repr(key) for key in keys.head(SHOWN))


def lines(rows):
    return "\n".join(f"    {row}" for row in rows.head(SHOWN).iter_rows(named=True))


if __name__ == "__main__":
    main()

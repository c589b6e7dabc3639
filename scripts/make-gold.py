#!/usr/bin/env python3
"""Evaluates the expressions of Tests/SparkTests/Gold/*.sql on a real Spark and writes what they give beside them, as JSON.

Each line is one SQL expression; an empty line or one that begins with -- is none. Needs pyspark and Java; the session's time zone is
Europe/Berlin, so that daylight-saving time matters. Review what changes as a diff, then let the engine follow it, or list the expression
with its reason in Tests/SparkTests/Gold/differences.txt.
"""
import json
import pathlib
import re
import sys

from pyspark.sql import SparkSession

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "SparkTests" / "Gold"


def evaluate(spark, expression):
    try:
        frame = spark.sql(f"SELECT {expression} AS v")
        kind = frame.schema[0].dataType
        cast = "hex(v)" if kind.simpleString() == "binary" else "CAST(v AS STRING)"
        value = frame.selectExpr(f"{cast} AS v").collect()[0][0]
        return {"expression": expression, "type": kind.simpleString(), "value": value}
    except Exception as error:
        name = None
        for method in ("getCondition", "getErrorClass"):
            if name is None and hasattr(error, method):
                name = getattr(error, method)()
        found = re.search(r"\[([A-Z][A-Z_0-9.]+)\]", str(error))
        return {"expression": expression, "error": name or (found.group(1) if found else "INTERNAL_ERROR")}


# The columns that the expressions of names.sql are over.
NAMES = """(SELECT 1 AS i, 2L AS l, 1.5D AS d, 'a' AS s, true AS b, DATE '2024-01-01' AS dt, TIMESTAMP '2024-01-01 00:00:00' AS ts,
    array(1, 2) AS a, map('k', 1) AS m, named_struct('x', 1) AS st) t"""


def named(spark, expression):
    return {"expression": expression, "name": spark.sql(f"SELECT {expression} FROM {NAMES}").columns[0]}


def main():
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "Europe/Berlin")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    wanted = set(sys.argv[1:])
    for path in sorted(FOLDER.glob("*.sql")):
        if wanted and path.stem not in wanted:
            continue
        lines = [line.strip() for line in path.read_text().splitlines()]
        case = named if path.stem == "names" else evaluate
        cases = [case(spark, line) for line in lines if line and not line.startswith("--")]
        text = "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n"
        path.with_suffix(".json").write_text(text)
        print(f"{path.stem}: {len(cases)} cases")
    spark.stop()


if __name__ == "__main__":
    main()

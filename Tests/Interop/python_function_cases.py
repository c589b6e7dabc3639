"""Python functions in plans, each with the frame that it gives: run against the engine, and once against Spark for what is expected.

`python Tests/Interop/python_function_cases.py` runs every case on Spark's own `local[1]` and writes python_function_cases.json.
"""

import datetime
import decimal
import json
import pathlib
import sys

import pandas as pd
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

GOLD = pathlib.Path(__file__).with_suffix(".json")
CASES = {}

KINDS = """i int, l bigint, d double, s string, b boolean, bin binary, da date, ts timestamp, tn timestamp_ntz, dec decimal(10, 2),
    a array<int>, m map<string, int>, st struct<x: int, y: string>, deep array<struct<k: string, v: array<int>>>, iv interval day to second"""
ROWS = [
    (1, 2**40, 1.5, "grüße", True, b"\x00\xff", datetime.date(1969, 12, 31), datetime.datetime(2024, 2, 29, 23, 59, 59, 999999),
     datetime.datetime(1950, 1, 1, 0, 0, 0, 1), decimal.Decimal("-12.50"), [1, None, 3], {"a": 1, "b": None}, (7, None),
     [("k", [1, 2]), ("l", [])], datetime.timedelta(days=-1, microseconds=7)),
    tuple([None] * 15),
]


def case(make):
    CASES[make.__name__] = make
    return make


def people(spark):
    return spark.createDataFrame(
        [(1, "ada", 36, 1.5), (2, "bob", None, 2.5), (3, None, 12, None), (4, "eve", 36, 4.0), (5, "ada", 50, 0.5)],
        "id int, name string, age int, score double")


# MARK: Plain functions


@case
def with_column(spark):
    return people(spark).withColumn("up", F.udf(lambda s: s and s.upper(), "string")("name"))


@case
def several_in_one_select(spark):
    plus = F.udf(lambda a, b: None if a is None or b is None else a + b, "int")
    length = F.udf(lambda s: -1 if s is None else len(s), "int")
    return people(spark).select("id", plus("id", "age"), length("name"), plus(length("name"), F.lit(1)).alias("more"), (plus("id", "id") * 2))


@case
def chained(spark):
    inner, outer = F.udf(lambda x: x + 1, "int"), F.udf(lambda x: x * 10, "bigint")
    return people(spark).select(outer(inner(inner("id"))).alias("v"), inner("id").alias("w"))


@case
def chained_passes_the_raw_value(spark):
    inner, outer = F.udf(lambda x: "text %d" % x, "int"), F.udf(lambda x: str(x), "string")
    return people(spark).select(outer(inner("id")).alias("v"))


@case
def no_arguments(spark):
    return people(spark).select("id", F.udf(lambda: 42, "int")().alias("v"))


@case
def keyword_arguments(spark):
    f = F.udf(lambda a, b=5: a * 100 + b, "int")
    return people(spark).select(f(F.col("id"), b=F.lit(7)).alias("v"), f(b=F.lit(1), a=F.col("id")).alias("w"))


@case
def in_a_filter(spark):
    odd = F.udf(lambda x: x % 2 == 1, "boolean")
    return people(spark).filter(odd("id") & (F.col("id") > 1)).select("id", "name")


@case
def filter_runs_the_plain_conditions_first(spark):
    # Were it called for the row without an age, it would raise.
    old = F.udf(lambda x: x + 0 > 30, "boolean")
    return people(spark).filter(old("age") & F.col("age").isNotNull()).select("id")


@case
def in_when(spark):
    f = F.udf(lambda x: x * 2, "int")
    return people(spark).select("id", F.when(F.col("id") > 2, f("id")).otherwise(-f("id")).alias("v"))


@case
def in_a_grouping_key(spark):
    parity = F.udf(lambda x: "odd" if x % 2 else "even", "string")
    return people(spark).groupBy(parity("id").alias("p")).agg(F.sum("id").alias("s"), F.count("*").alias("n")).orderBy("p")


@case
def in_an_aggregate(spark):
    f = F.udf(lambda x: x * x, "bigint")
    return people(spark).groupBy("name").agg(F.sum(f("id")).alias("s")).orderBy("s")


@case
def over_an_aggregate(spark):
    f = F.udf(lambda x: f"<{x}>", "string")
    return people(spark).groupBy("name").agg(f(F.max("id")).alias("v")).orderBy("v")


@case
def in_a_sort_and_above_it(spark):
    f = F.udf(lambda x: -x, "int")
    return people(spark).orderBy(f("id")).select("id").limit(3)


@case
def in_a_join(spark):
    f = F.udf(lambda x: x + 1, "int")
    left, right = people(spark).select("id", "name"), people(spark).select(F.col("id").alias("k"), "score")
    return left.join(right, f(left.id) == right.k, "left").orderBy("id")


@case
def of_both_sides_in_a_join(spark):
    f = F.udf(lambda a, b: a + b == 6, "boolean")
    left, right = people(spark).select("id"), people(spark).select(F.col("id").alias("k"))
    return left.join(right, f("id", "k")).orderBy("id")


@case
def in_a_window(spark):
    from pyspark.sql import Window
    f = F.udf(lambda x: x % 2, "int")
    return people(spark).select("id", F.sum("id").over(Window.partitionBy(f("id")).orderBy("id")).alias("s")).orderBy("id")


@case
def exploded(spark):
    f = F.udf(lambda n: list(range(n)), "array<int>")
    return people(spark).filter("id < 4").select("id", F.explode(f("id")).alias("e"))


@case
def in_sql_text(spark):
    people(spark).createOrReplaceTempView("people")
    spark.udf.register("shout", lambda s: None if s is None else s.upper() + "!", "string")
    spark.udf.register("twice", lambda x: 2 * x, T.LongType())
    return spark.sql("select id, shout(name), twice(id) as t from people where twice(id) > 4 order by twice(id) desc")


@case
def in_expression_texts(spark):
    spark.udf.register("plus_one", lambda x: x + 1, "int")
    return people(spark).selectExpr("plus_one(id) as v", "plus_one(plus_one(id)) + 1").filter("plus_one(v) > 4")


@case
def registered_without_a_type(spark):
    spark.udf.register("text_of", lambda x: str(x))
    return spark.sql("select text_of(1), text_of(null), typeof(text_of(1.5))")


@case
def called_by_name(spark):
    spark.udf.register("minus", lambda a, b: a - b, "int")
    return people(spark).select(F.call_function("minus", F.lit(10), "id").alias("v"))


@case
def over_no_rows(spark):
    return people(spark).filter("id > 100").select(F.udf(lambda x: 1 / 0, "int")("id"))


@case
def column_names(spark):
    def named(x):
        return x

    class Callable:
        def __call__(self, x):
            return x

    return people(spark).select(F.udf(named, "int")("id"), F.udf(lambda x: x, "int")("id"), F.udf(Callable(), "int")("id")).limit(1)


# MARK: Types


@case
def every_type_both_ways(spark):
    frame = spark.createDataFrame(ROWS, KINDS)
    return frame.select(*[F.udf(lambda x: x, field.dataType)(field.name).alias(field.name) for field in frame.schema])


@case
def what_a_function_sees(spark):
    frame = spark.createDataFrame(ROWS, KINDS)
    see = F.udf(lambda x: f"{type(x).__name__} {x!r}", "string")
    return frame.select(*[see(field.name).alias(field.name) for field in frame.schema])


@case
def what_a_pickled_function_sees(spark):
    frame = spark.createDataFrame(ROWS, KINDS)
    see = F.udf(lambda x: f"{type(x).__name__} {x!r}", "string", useArrow=False)
    return frame.select(*[see(field.name).alias(field.name) for field in frame.schema])


@case
def every_type_both_ways_pickled(spark):
    frame = spark.createDataFrame(ROWS, KINDS)
    return frame.select(*[F.udf(lambda x: x, field.dataType, useArrow=False)(field.name).alias(field.name) for field in frame.schema])


@case
def lenient_results(spark):
    given = [1, 2.5, "x", True, None, decimal.Decimal("1.25"), 300, 2**40, b"ab", [1], {"k": 1}]
    kinds = ["tinyint", "int", "bigint", "double", "float", "string", "boolean", "decimal(5,1)", "binary"]
    frame = spark.range(len(given)).coalesce(1).orderBy("id")

    def of(value):
        return lambda i: given[i] if i == value else None

    columns = []
    for kind in kinds:
        for index in range(len(given)):
            if kind == "string" and index in (8,):
                continue
            columns.append(F.udf(of(index), kind, useArrow=False)("id").alias(f"{kind} {given[index]!r}".replace(".", "_")))
    return frame.select(F.max(F.struct(F.lit(1))).over(__import__("pyspark").sql.Window.partitionBy()).alias("one"), *columns).drop("one")


@case
def arrow_coercions(spark):
    given = {"int": ["1", 2.0], "string": [1, 2.5, True, [1]], "double": [1, 2.5], "bigint": ["3"], "boolean": [True]}
    columns = []
    for kind, values in given.items():
        for value in values:
            columns.append(F.udf(lambda _, v=value: v, kind)("id").alias(f"{kind} {value!r}".replace(".", "_")))
    return spark.range(1).select(*columns)


@case
def structs_as_rows_and_tuples(spark):
    f = F.udf(lambda st: (st.x + 1, st["y"], [st[0]]) if st else None, "x int, y string, z array<int>")
    g = F.udf(lambda x: Row(b=x, a=str(x)), "b int, a string")
    h = F.udf(lambda x: {"a": str(x), "b": x}, "b int, a string")
    frame = spark.createDataFrame([((1, "a"),), (None,), ((3, None),)], "st struct<x: int, y: string>")
    return frame.select(f("st").alias("f"), f("st").z.alias("z"), g(F.lit(1)).alias("g"), h(F.lit(2)).alias("h"))


@case
def decorated(spark):
    @F.udf(returnType=T.ArrayType(T.StringType()))
    def words(text):
        """Splits."""
        return text.split() if text else []

    return spark.createDataFrame([("a b",), (None,)], "t string").select(words("t"))


# MARK: pandas


@case
def pandas_scalar(spark):
    @F.pandas_udf("double")
    def scaled(a: pd.Series, b: pd.Series) -> pd.Series:
        return a * b

    @F.pandas_udf("string")
    def upper(s: pd.Series) -> pd.Series:
        return s.str.upper()

    return people(spark).select("id", scaled("id", "score"), upper("name"), upper(upper("name")).alias("u"))


@case
def pandas_struct(spark):
    @F.pandas_udf("id long, text string")
    def made(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"id": frame["id"] * 2, "text": frame["name"].fillna("none")})

    return people(spark).select(made(F.struct("id", "name")).alias("s")).select("s.*")


@case
def pandas_moments(spark):
    frame = spark.createDataFrame(ROWS[:1], KINDS)

    @F.pandas_udf("timestamp")
    def later(s: pd.Series) -> pd.Series:
        return s + pd.Timedelta(hours=1)

    @F.pandas_udf("date")
    def same(s: pd.Series) -> pd.Series:
        return s

    return frame.select(later("ts"), same("da"))


@case
def pandas_iterator(spark):
    from typing import Iterator, Tuple

    @F.pandas_udf("long")
    def plus(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for one in batches:
            yield one + 1

    @F.pandas_udf("long")
    def both(batches: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
        for a, b in batches:
            yield a * b

    return spark.range(5).select("id", plus("id").alias("p"), both("id", F.col("id") + 1).alias("q"), (plus("id") + both("id", "id")).alias("r"))


@case
def pandas_iterator_over_many_batches(spark):
    from typing import Iterator

    @F.pandas_udf("long")
    def numbered(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        seen = 0
        for one in batches:
            seen += 1
            yield one * 0 + len(one)

    return spark.range(0, 25_000, 1, 1).select(numbered("id").alias("n")).groupBy("n").count().orderBy("n")


@case
def arrow_scalar(spark):
    import pyarrow as pa
    import pyarrow.compute as pc

    @F.arrow_udf("bigint")
    def plus(a: pa.Array, b: pa.Array) -> pa.Array:
        return pc.add(a, b)

    return spark.range(3).select(plus("id", F.lit(5)))


@case
def pandas_aggregate(spark):
    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return s.mean()

    @F.pandas_udf("string")
    def joined(a: pd.Series, b: pd.Series) -> str:
        return ",".join(f"{x}:{y}" for x, y in zip(a, b))

    return people(spark).groupBy("name").agg(mean("score").alias("m"), joined("id", "age"), (mean("id") + 1).alias("k")).orderBy("k")


@case
def pandas_aggregate_without_keys(spark):
    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return s.mean()

    return people(spark).agg(mean("id"), mean(F.col("id") * 2).alias("m"))


@case
def pandas_aggregate_over_no_rows(spark):
    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return s.mean()

    return people(spark).filter("id > 100").groupBy("name").agg(mean("id"))


@case
def pandas_over_windows(spark):
    from pyspark.sql import Window

    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return s.mean()

    @F.pandas_udf("string")
    def joined(a: pd.Series) -> str:
        return ",".join(map(str, a))

    by_name = Window.partitionBy("name")
    frame = people(spark).filter("id != 3")
    return frame.select(
        "id", mean("score").over(by_name).alias("m"), joined("id").over(by_name.orderBy("id").rowsBetween(-1, 1)).alias("j"),
        joined("id").over(Window.orderBy("id")).alias("k"), mean("id").over(by_name)).orderBy("id")


@case
def arrow_aggregate(spark):
    import pyarrow as pa
    import pyarrow.compute as pc

    @F.arrow_udf("bigint")
    def total(a: pa.Array) -> pa.Scalar:
        return pc.sum(a)

    return people(spark).groupBy("name").agg(total("id").alias("t")).orderBy("t")


@case
def permissive_json_beside_a_function(spark):
    frame = spark.createDataFrame([('{"a": 1}',), ("{",), (None,), ('{"a": "x"}',)], "t string")
    return frame.select(F.from_json("t", "a int").alias("j")).select("j", F.udf(lambda a: None if a is None else a + 1, "int")("j.a").alias("v"))


@case
def map_in_pandas(spark):
    def doubled(frames):
        for frame in frames:
            yield frame[frame.id != 3][["id", "name"]]
            yield frame[frame.id > 4]

    return people(spark).mapInPandas(doubled, "id long, name string").orderBy("id")


@case
def map_in_pandas_that_ends_early(spark):
    def first(frames):
        yield next(frames).head(2)[["id"]]

    return spark.range(0, 50_000, 1, 1).mapInPandas(first, "id long")


@case
def map_in_pandas_by_name(spark):
    def turned(frames):
        for frame in frames:
            yield pd.DataFrame({"b": frame.id + 1, "a": frame.id.astype(str)})

    return spark.range(2).mapInPandas(turned, "a string, b long")


@case
def map_in_pandas_of_map_in_pandas(spark):
    def plus(frames):
        for frame in frames:
            yield frame + 1

    return spark.range(3).mapInPandas(plus, "id long").mapInPandas(plus, "id long").withColumn("u", F.udf(lambda x: x * 2, "long")("id"))


@case
def map_in_arrow(spark):
    import pyarrow as pa

    def counted(batches):
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"n": [batch.num_rows], "s": [str(batch.schema.names)]})

    return people(spark).coalesce(1).mapInArrow(counted, "n long, s string")


@case
def apply_in_pandas(spark):
    def centred(frame):
        return frame.assign(score=frame.score - frame.score.mean())[["id", "name", "score"]]

    return people(spark).groupBy("name").applyInPandas(centred, "id int, name string, score double").orderBy("id")


@case
def apply_in_pandas_with_the_key(spark):
    def counted(key, frame):
        return pd.DataFrame([key + (len(frame), ",".join(frame.columns))])

    return people(spark).groupBy("age", F.col("id") % 2).applyInPandas(counted, "age int, odd int, n int, names string").orderBy("age", "odd")


@case
def apply_in_pandas_without_keys(spark):
    return people(spark).groupBy().applyInPandas(lambda frame: pd.DataFrame({"n": [len(frame)]}), "n long")


@case
def apply_in_arrow(spark):
    import pyarrow as pa

    def counted(key, table):
        return pa.table({"name": pa.array([key[0].as_py()], pa.string()), "n": pa.array([table.num_rows], pa.int64())})

    return people(spark).groupBy("name").applyInArrow(counted, "name string, n long").orderBy("name")


def shown(value):
    if isinstance(value, Row):
        return {"row": [[name, shown(one)] for name, one in zip(value.__fields__, value)]}
    if isinstance(value, (list, tuple)):
        return [shown(one) for one in value]
    if isinstance(value, dict):
        return {"map": sorted([[shown(k), shown(v)] for k, v in value.items()], key=repr)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return f"{type(value).__name__} {value!r}"


def outcome(make, spark):
    """Schema and rows; or the error's class and what its message says first."""
    try:
        frame = make(spark)
        return {"schema": frame.schema.simpleString(), "rows": [shown(row) for row in frame.collect()]}
    except Exception as error:  # noqa: BLE001 - it is what is compared
        text = str(error).split("JVM stacktrace")[0]
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith(("File", "SQLSTATE"))]
        return {"error": type(error).__name__, "says": lines[-1][:200]}


def main():
    import os

    os.environ.pop("SPARK_REMOTE", None)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").config(
        "spark.sql.shuffle.partitions", "1").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    gold = {name: outcome(make, spark) for name, make in CASES.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in gold.items()]
    GOLD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    spark.stop()


if __name__ == "__main__":
    main()

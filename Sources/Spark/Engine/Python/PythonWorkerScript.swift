/// The program that a Python process runs, given to the interpreter as text: nothing has to be installed beside PySpark itself.
///
/// It reads frames from standard input and answers on what was standard output; what functions print goes to standard error, which the
/// engine writes to its log. A frame is one byte of kind, four bytes of length (big-endian), and that many bytes.
///
/// | from the engine | its content | answered by |
/// |---|---|---|
/// | `D` define | id, evaluation type (4 bytes each), Python's version and for type 0 the session's address, a line each, cloudpickle | `R` |
/// | `E` evaluate | a program (``PythonProgram``), then an Arrow stream of its columns | `R` with an Arrow stream of a column for each call |
/// | `G` groups | a program, then an Arrow stream of the groups' rows, one after another | `R` with an Arrow stream |
/// | `M` map | a program; batches follow one by one, each asked for by `N` | any number of `O` with Arrow streams, then `R` |
/// | `B` foreachBatch | id, batch id (8 bytes), then address and frame, a line each | `R` |
/// | `W` foreach | id, partition, epoch (8 bytes), then an Arrow stream | `R` |
///
/// `X` instead of an answer is an error: the class's name, a line end, the traceback. Programs are run by what PySpark's own worker runs
/// them by (`pyspark.worker.read_udfs`), so that a function sees and gives what it would on Spark; rows that Spark would pickle come from
/// Arrow instead, and what they give is read as Spark reads pickled values.
enum PythonWorkerScript {
    static let text = #"""
        import json, os, struct, sys, traceback

        answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        requests = os.fdopen(os.dup(0), "rb")
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)

        functions = {}
        programs = {}
        sessions = {}


        def read():
            head = requests.read(5)
            if len(head) < 5:
                sys.exit(0)
            body = requests.read(struct.unpack(">I", head[1:])[0])
            return head[:1], body


        def write(kind, body=b""):
            answers.write(kind + struct.pack(">I", len(body)))
            answers.write(body)
            answers.flush()


        def table(body):
            import pyarrow
            return pyarrow.ipc.open_stream(pyarrow.py_buffer(body)).read_all()


        def one_batch(body, width):
            """The rows as one batch, of as many columns as the function takes: none at all still has rows."""
            import pyarrow
            batches = table(body).combine_chunks().to_batches()
            if not batches:
                return None
            return batches[0] if width else batches[0].select([])


        def stream(batches, schema):
            import pyarrow
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, schema) as writer:
                for batch in batches:
                    writer.write(batch)
            return sink.getvalue().to_pybytes()


        def spark_schema(arrow):
            from pyspark.sql.pandas.types import from_arrow_schema
            return from_arrow_schema(arrow)


        class Program:
            """Functions over batches, run by what PySpark's own worker runs them by."""

            def __init__(self, head):
                import pyspark
                from pyspark.serializers import CPickleSerializer
                try:
                    from pyspark.worker import EvalConf, RunnerConf, read_udfs
                    from pyspark.worker_message import UDFInfo
                except ImportError:
                    raise RuntimeError(
                        "the interpreter %s has PySpark %s; functions in plans need PySpark 4.3" % (sys.executable, pyspark.__version__))
                spec = json.loads(head)
                self.kind, self.width, self.keys = spec["eval"], spec["width"], spec["keys"]
                conf = dict(spec["conf"])
                self.rows = int(conf.get("spark.sql.execution.arrow.maxRecordsPerBatch", 10000))
                infos = []
                for udf in spec["udfs"]:
                    args = udf["args"]
                    if self.kind in (201, 209, 215, 216):
                        # One frame: the length of what follows, the number of keys, the keys' places and the others'.
                        args = [self.width + 1, self.keys] + list(range(self.width))
                    infos.append(UDFInfo([memoryview(functions[one]) for one in udf["ids"]], args, dict(udf["kwargs"]), 0))
                self.run = read_udfs(CPickleSerializer(), infos, self.kind, RunnerConf(conf), EvalConf({"input_type": spec["input"]}))[0]
                self.wraps = self.kind in (205, 207, 209, 215)
                self.unwraps = self.kind in (201, 205, 207, 209, 215, 216)
                if self.kind == 100:
                    from pyspark.sql.types import StructType
                    self.plain = Plain(infos, StructType.fromJson(json.loads(spec["input"])))

            def given(self, batch):
                from pyspark.sql.conversion import ArrowBatchTransformer
                return ArrowBatchTransformer.wrap_struct(batch) if self.wraps else batch

            def made(self, batch):
                import pyarrow
                return pyarrow.RecordBatch.from_struct_array(batch.column(0)) if self.unwraps else batch

            def over(self, batches):
                if self.kind == 100:
                    return self.plain.over(self.run, batches)
                return map(self.made, self.run(0, map(self.given, batches)))

            def groups(self, counts, batch):
                start = 0
                for count in counts:
                    step = self.rows if self.rows > 0 else max(count, 1)
                    yield map(self.given, [batch.slice(at, min(step, start + count - at)) for at in range(start, start + count, step)])
                    start += count


        def program(body):
            """The program that a request names, what it says of groups, and the place of what follows."""
            end = 4 + struct.unpack(">I", body[:4])[0]
            head, groups = body[4:end].rsplit(b"\n", 1)
            made = programs.pop(head, None) or Program(head)
            programs[head] = made
            if len(programs) > 64:
                programs.pop(next(iter(programs)))
            return made, [int(count) for count in groups.split(b",") if count], end


        def result(batches):
            batches = list(batches)
            if not batches:
                return b""
            return stream(batches, batches[0].schema)


        def inputs(width):
            """Batches, asked for one by one."""
            while True:
                write(b"N")
                kind, body = read()
                if kind != b"A":
                    return
                batch = one_batch(body, width)
                if batch is not None:
                    yield batch


        class Plain:
            """Functions whose rows Spark pickles: values of a wrong type become null. (Spark, `EvaluatePython.makeFromJava`.)"""

            def __init__(self, infos, schema):
                from pyspark.serializers import CPickleSerializer
                from pyspark.worker_util import read_command
                self.schema = schema
                self.types = [read_command(CPickleSerializer(), info.udfs[-1])[1] for info in infos]

            def over(self, run, batches):
                import pyarrow
                from pyspark.sql.conversion import ArrowTableToRowsConversion as Conversion
                converters = [Conversion._create_converter(field.dataType, none_on_identity=True) for field in self.schema]
                for batch in batches:
                    columns = [
                        [convert(value) for value in Conversion._to_pylist(column)] if convert else Conversion._to_pylist(column)
                        for convert, column in zip(converters, batch.columns)]
                    rows = zip(*columns) if columns else iter([()] * batch.num_rows)
                    values = list(run(0, rows))
                    columns = [values] if len(self.types) == 1 else list(zip(*values)) or [[] for _ in self.types]
                    arrays = [lenient(column, kind) for column, kind in zip(columns, self.types)]
                    yield pyarrow.RecordBatch.from_arrays(arrays, ["_%d" % index for index in range(len(arrays))])


        def java_text(value):
            """What Java's `toString` gives for the value that Pyrolite makes of a pickled one."""
            if value is None:
                return "null"
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, float):
                return java_double(value)
            if isinstance(value, list):
                return "[%s]" % ", ".join(map(java_text, value))
            if isinstance(value, dict):
                return "{%s}" % ", ".join("%s=%s" % (java_text(key), java_text(item)) for key, item in value.items())
            return str(value)


        def java_double(value):
            if value != value:
                return "NaN"
            if value in (float("inf"), float("-inf")):
                return "Infinity" if value > 0 else "-Infinity"
            if value == 0 or 1e-3 <= abs(value) < 1e7:
                return format(value, ".1f") if value == int(value) else repr(value)
            exponent = (repr(value) if "e" in repr(value) else format(value, ".17e")).split("e")[1]
            digits = repr(value).replace("-", "").split("e")[0].replace(".", "").strip("0") or "0"
            return "%s%s.%sE%d" % ("-" if value < 0 else "", digits[0], digits[1:] or "0", int(exponent))


        def lenient(values, kind):
            import array
            import decimal
            import pyarrow
            from pyspark.sql import types
            from pyspark.sql.pandas.types import to_arrow_type
            arrow = to_arrow_type(kind, timezone="UTC")

            def whole(bits):
                low, high = -1 << (bits - 1), (1 << (bits - 1)) - 1

                def wrapped(value):
                    if type(value) is not int or not -2**63 <= value < 2**63:
                        return None
                    return (value - low) % (1 << bits) + low
                return lambda value: value if type(value) is int and low <= value <= high else wrapped(value)

            def only(*classes):
                return lambda value: value if isinstance(value, classes) and not (isinstance(value, bool) and bool not in classes) else None

            if isinstance(kind, types.StructType):
                for value in values:
                    if isinstance(value, tuple) and len(value) != len(kind.fields):
                        raise ValueError(
                            "[STRUCT_ARRAY_LENGTH_MISMATCH] Input row doesn't have expected number of values required by the schema. "
                            "%d fields are required while %d values are provided." % (len(kind.fields), len(value)))
                kept = [value if isinstance(value, tuple) else None for value in values]
                children = [
                    lenient([None if value is None else value[index] for value in kept], field.dataType) for index, field in enumerate(kind.fields)]
                mask = pyarrow.array([value is None for value in kept], pyarrow.bool_())
                return pyarrow.StructArray.from_arrays(children, fields=list(arrow), mask=mask)
            if isinstance(kind, (types.ArrayType, types.MapType)):
                wanted = (list, tuple, array.array) if isinstance(kind, types.ArrayType) else dict
                kept = [value if isinstance(value, wanted) else None for value in values]
                offsets, end = [], 0
                for value in kept:
                    offsets.append(None if value is None else end)
                    end += 0 if value is None else len(value)
                offsets = pyarrow.array(offsets + [end], pyarrow.int32())
                if isinstance(kind, types.ArrayType):
                    items = lenient([item for value in kept if value is not None for item in value], kind.elementType)
                    return pyarrow.ListArray.from_arrays(offsets, items, type=arrow)
                keys = lenient([key for value in kept if value is not None for key in value], kind.keyType)
                items = lenient([item for value in kept if value is not None for item in value.values()], kind.valueType)
                return pyarrow.MapArray.from_arrays(offsets, keys, items, type=arrow)
            if isinstance(kind, types.BooleanType):
                convert = only(bool)
            elif isinstance(kind, types.ByteType):
                convert = whole(8)
            elif isinstance(kind, types.ShortType):
                convert = whole(16)
            elif isinstance(kind, (types.IntegerType, types.DateType, types.YearMonthIntervalType)):
                convert = whole(32)
            elif isinstance(kind, (types.LongType, types.TimestampType, types.TimestampNTZType, types.DayTimeIntervalType)):
                convert = whole(64)
            elif isinstance(kind, (types.FloatType, types.DoubleType)):
                convert = only(float)
            elif isinstance(kind, types.DecimalType):
                def convert(value):
                    if not isinstance(value, decimal.Decimal):
                        return None
                    with decimal.localcontext() as context:
                        context.prec = 77
                        value = value.quantize(decimal.Decimal(1).scaleb(-kind.scale), rounding=decimal.ROUND_HALF_UP)
                    return value if value.adjusted() < kind.precision - kind.scale or not value else None
            elif isinstance(kind, types.StringType):
                convert = lambda value: None if value is None else java_text(value)
            elif isinstance(kind, types.BinaryType):
                convert = lambda value: value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, (bytes, bytearray)) else None
            else:
                convert = lambda value: value
            return pyarrow.array([convert(value) for value in values], type=arrow)


        def define(identity, kind, body):
            from pyspark import cloudpickle
            from pyspark.worker_util import check_python_version
            os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
            version, body = body.split(b"\n", 1)
            if version:
                check_python_version(version.decode())
            if kind == 0:
                # A function that names its session's `spark` finds it when it is unpickled.
                address, body = body.split(b"\n", 1)
                if address:
                    activate(address.decode())
                body = cloudpickle.loads(body)
            functions[identity] = body


        def activate(address):
            from pyspark.sql.connect.session import SparkSession
            session = sessions.get(address)
            if session is None:
                session = sessions[address] = SparkSession.builder.remote(address).create()
            with SparkSession._lock:
                SparkSession._default_session = session
            SparkSession._active_session.session = session
            return session


        def task(partition, properties):
            from pyspark.taskcontext import TaskContext
            context = TaskContext._getOrCreate()
            context._partitionId = partition
            context._localProperties = properties


        def for_each_batch(function, batch, address, frame_id):
            function(activate(address)._create_remote_dataframe(frame_id), batch)


        def for_each_row(function, partition, epoch, arrow):
            from pyspark.sql.conversion import ArrowTableToRowsConversion
            task(partition, {"streaming.sql.batchId": str(epoch)})
            rows = ArrowTableToRowsConversion.convert(arrow, spark_schema(arrow.schema))
            for _ in function[0](partition, iter(rows)) or ():
                pass


        def serve(kind, body):
            if kind == b"D":
                identity, evaluation = struct.unpack(">II", body[:8])
                define(identity, evaluation, body[8:])
                return b""
            if kind in (b"E", b"G", b"M"):
                task(0, {})
                made, counts, place = program(body)
                if kind == b"M":
                    for batch in made.over(inputs(made.width)):
                        write(b"O", stream([batch], batch.schema))
                    return b""
                batch = one_batch(body[place:], made.width)
                if kind == b"E":
                    return result(made.over([batch]))
                return result(map(made.made, made.run(0, made.groups(counts, batch))))
            function = functions[struct.unpack(">I", body[:4])[0]]
            if kind == b"B":
                batch = struct.unpack(">q", body[4:12])[0]
                address, frame_id = body[12:].decode().split("\n")
                for_each_batch(function, batch, address, frame_id)
                return b""
            if kind == b"W":
                partition, epoch = struct.unpack(">Iq", body[4:16])
                for_each_row(function, partition, epoch, table(body[16:]))
                return b""
            raise RuntimeError("a request of the kind %r" % kind)


        def told(error):
            """The traceback without what is this program's or PySpark's own, as Spark shows it."""
            import pyspark
            root = os.path.dirname(pyspark.__file__)
            own = error.__traceback__
            while own and (own.tb_frame.f_code.co_filename == "<string>" or own.tb_frame.f_code.co_filename.startswith(root)):
                own = own.tb_next
            if not own:
                return traceback.format_exc()
            error.__cause__ = None
            return "".join(traceback.format_exception(type(error), error, own))


        while True:
            kind, body = read()
            try:
                answer = serve(kind, body)
            except SystemExit:
                raise
            except BaseException as error:
                sys.stdout.flush()
                text = type(error).__name__ + "\n" + told(error)
                write(b"X", text.encode("utf-8", "replace"))
            else:
                sys.stdout.flush()
                write(b"R", answer)
        """#
}

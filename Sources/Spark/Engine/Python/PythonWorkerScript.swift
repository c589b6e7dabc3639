/// The program that a Python worker runs, given to the interpreter as text: nothing has to be installed beside PySpark itself.
///
/// It reads frames from standard input and answers on what was standard output; what functions print goes to standard error, which the
/// engine writes to the query's log. A frame is one byte of kind, four bytes of length (big-endian), and that many bytes.
///
/// | from the engine | its content | answered by |
/// |---|---|---|
/// | `D` define | id, evaluation type (4 bytes each), for type 0 the session's address and a line end, cloudpickle | `R` |
/// | `E` evaluate | id, then an Arrow stream of the arguments | `R` with an Arrow stream of one column |
/// | `M` map | id; batches follow one by one, each asked for by `N` | any number of `O` with Arrow streams, then `R` |
/// | `G` group | id, count of key columns, then an Arrow stream of one group, keys first | `R` with an Arrow stream |
/// | `B` foreachBatch | id, batch id (8 bytes), then address and frame, a line each | `R` |
/// | `W` foreach | id, partition, epoch (8 bytes), then an Arrow stream | `R` |
/// | `F` forget | id | `R` |
///
/// `X` instead of an answer is an error: the class's name, a line end, the traceback. Conversions between Arrow and Python values are
/// PySpark's own (`pyspark.sql.conversion`), so that a function sees what it would see on Spark.
enum PythonWorkerScript {
    static let text = #"""
        import os, struct, sys, traceback

        answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        requests = os.fdopen(os.dup(0), "rb")
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)

        functions = {}
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


        def stream(batches, schema):
            import pyarrow
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, schema) as writer:
                for batch in batches:
                    writer.write(batch)
            return sink.getvalue().to_pybytes()


        def arrow_type(kind):
            from pyspark.sql.pandas.types import to_arrow_type
            return to_arrow_type(kind, timezone="UTC")


        def spark_schema(arrow):
            from pyspark.sql.pandas.types import from_arrow_schema
            return from_arrow_schema(arrow)


        class RowFunction:
            """A plain udf: once a row."""

            def __init__(self, function, result):
                self.function, self.result = function, result

            def __call__(self, arguments):
                import pyarrow
                from pyspark.sql.conversion import ArrowTableToRowsConversion, LocalDataToArrowConversion
                from pyspark.sql.types import StructField, StructType
                if arguments.schema.names == [""]:
                    rows = [()] * arguments.num_rows
                else:
                    rows = ArrowTableToRowsConversion.convert(arguments, spark_schema(arguments.schema))
                function = self.function
                values = [(function(*row),) for row in rows]
                schema = StructType([StructField("0", self.result)])
                return LocalDataToArrowConversion.convert(values, schema, False).combine_chunks()


        class SeriesFunction:
            """A pandas_udf of series, or of an iterator of them."""

            def __init__(self, function, result, iterates):
                self.function, self.result, self.iterates = function, result, iterates

            def __call__(self, arguments):
                import pandas
                import pyarrow
                from pyspark.sql.types import StructType
                inputs = [series(arguments.column(index)) for index in range(arguments.num_columns)]
                if self.iterates:
                    given = inputs[0] if len(inputs) == 1 else tuple(inputs)
                    result = pandas.concat(list(self.function(iter([given]))))
                else:
                    result = self.function(*inputs)
                if len(result) != arguments.num_rows:
                    raise RuntimeError(
                        "the function gave %d values for %d rows" % (len(result), arguments.num_rows))
                if isinstance(self.result, StructType):
                    array = frame_batch(result, self.result).to_struct_array()
                else:
                    array = pyarrow.Array.from_pandas(result, type=arrow_type(self.result))
                return pyarrow.table([array], names=["0"])


        def series(column):
            import pandas
            import pyarrow
            if pyarrow.types.is_struct(column.type):
                return pyarrow.Table.from_batches(
                    [pyarrow.RecordBatch.from_struct_array(chunk) for chunk in column.chunks]
                    or [], schema=pyarrow.schema(list(column.type))).to_pandas(date_as_object=True)
            values = column.to_pandas(date_as_object=True)
            if pyarrow.types.is_timestamp(column.type) and column.type.tz:
                values = values.dt.tz_convert(os.environ.get("TZ", "UTC")).dt.tz_localize(None)
            return values


        def frame(arrow):
            import pandas
            columns = [series(arrow.column(index)) for index in range(arrow.num_columns)]
            if not columns:
                return pandas.DataFrame()
            made = pandas.concat(columns, axis=1)
            made.columns = arrow.schema.names
            return made


        def frame_batch(pandas_frame, schema):
            import pyarrow
            names = [field.name for field in schema.fields]
            by_name = any(isinstance(name, str) for name in pandas_frame.columns)
            if by_name and set(names) - set(pandas_frame.columns):
                raise RuntimeError("the frame lacks the columns %s" % sorted(set(names) - set(pandas_frame.columns)))
            if not by_name and len(pandas_frame.columns) != len(names):
                raise RuntimeError("the frame has %d columns where %d are wanted" % (len(pandas_frame.columns), len(names)))
            arrays = []
            for index, field in enumerate(schema.fields):
                values = pandas_frame[field.name] if by_name else pandas_frame.iloc[:, index]
                arrays.append(pyarrow.Array.from_pandas(values, type=arrow_type(field.dataType)))
            return pyarrow.RecordBatch.from_arrays(arrays, names=names)


        def inputs():
            """The batches of a partition, asked for one by one."""
            while True:
                write(b"N")
                kind, body = read()
                if kind != b"A":
                    return
                yield table(body)


        def map_frames(function, schema):
            for made in function(frame(batch) for batch in inputs()):
                batch = frame_batch(made, schema)
                write(b"O", stream([batch], batch.schema))


        def map_batches(function, schema):
            def batches():
                for arrow in inputs():
                    yield from arrow.combine_chunks().to_batches()
            for batch in function(batches()):
                write(b"O", stream([batch], batch.schema))


        def group(function, schema, keys, arrow):
            import inspect
            import pyarrow
            values = frame(arrow.select(range(keys, arrow.num_columns)))
            wanted = len(inspect.signature(function).parameters)
            if wanted == 2:
                key = tuple(arrow.column(index)[0].as_py() for index in range(keys))
                result = function(key, values)
            else:
                result = function(values)
            batch = frame_batch(result, schema)
            return stream([batch], batch.schema)


        def define(identity, kind, body):
            from pyspark import cloudpickle
            os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
            if kind == 0:
                # A function that names its session's `spark` finds it when it is unpickled.
                address, body = body.split(b"\n", 1)
                if address:
                    activate(address.decode())
            value = cloudpickle.loads(body)
            if kind in (100, 101):
                value = RowFunction(*value)
            elif kind == 200:
                value = SeriesFunction(value[0], value[1], False)
            elif kind == 204:
                value = SeriesFunction(value[0], value[1], True)
            functions[identity] = value


        def activate(address):
            from pyspark.sql.connect.session import SparkSession
            session = sessions.get(address)
            if session is None:
                session = sessions[address] = SparkSession.builder.remote(address).create()
            with SparkSession._lock:
                SparkSession._default_session = session
            SparkSession._active_session.session = session
            return session


        def for_each_batch(function, batch, address, frame_id):
            function(activate(address)._create_remote_dataframe(frame_id), batch)


        def for_each_row(function, partition, epoch, arrow):
            from pyspark.sql.conversion import ArrowTableToRowsConversion
            from pyspark.taskcontext import TaskContext
            context = TaskContext._getOrCreate()
            context._partitionId = partition
            context._localProperties = {"streaming.sql.batchId": str(epoch)}
            rows = ArrowTableToRowsConversion.convert(arrow, spark_schema(arrow.schema))
            for _ in function[0](partition, iter(rows)) or ():
                pass


        def serve(kind, body):
            if kind == b"D":
                identity, evaluation = struct.unpack(">II", body[:8])
                define(identity, evaluation, body[8:])
                return b""
            identity = struct.unpack(">I", body[:4])[0]
            if kind == b"F":
                functions.pop(identity, None)
                return b""
            function = functions[identity]
            if kind == b"E":
                result = function(table(body[4:]))
                return stream(result.to_batches(), result.schema)
            if kind == b"M":
                evaluation = struct.unpack(">I", body[4:8])[0]
                (map_frames if evaluation == 205 else map_batches)(*function)
                return b""
            if kind == b"G":
                return group(function[0], function[1], struct.unpack(">I", body[4:8])[0], table(body[8:]))
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


        while True:
            kind, body = read()
            try:
                answer = serve(kind, body)
            except SystemExit:
                raise
            except BaseException as error:
                sys.stdout.flush()
                text = type(error).__name__ + "\n" + traceback.format_exc()
                write(b"X", text.encode("utf-8", "replace"))
            else:
                sys.stdout.flush()
                write(b"R", answer)
        """#
}

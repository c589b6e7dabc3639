"""Runs the examples in PySpark's own documentation of one module against a Connect server: `doctests.py MODULE ADDRESS LOG`."""

import doctest
import importlib
import json
import signal
import sys

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
LIMIT = 60


class Recorder(doctest.DocTestRunner):
    """Keeps the first example that fails, instead of printing all."""

    first = None

    def report_start(self, out, test, example):
        pass

    def report_success(self, out, test, example, got):
        pass

    def report_failure(self, out, test, example, got):
        if self.first is None:
            self.first = f"{example.source.strip()} gave {got.strip()[:160]!r}"

    def report_unexpected_exception(self, out, test, example, exc_info):
        if self.first is None:
            lines = str(exc_info[1]).strip().splitlines()
            self.first = f"{exc_info[0].__name__}: {lines[0] if lines else ''}"


def alarm(*_):
    raise TimeoutError(f"no end within {LIMIT} s")


def main(name, address, log):
    from pyspark.sql import SparkSession

    module = importlib.import_module(name)
    spark = SparkSession.builder.appName(name).remote(address).getOrCreate()
    signal.signal(signal.SIGALRM, alarm)
    with open(log, "a") as log:
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs={**vars(module), "spark": spark}):
            if not test.examples:
                continue
            recorder = Recorder(optionflags=FLAGS, verbose=False)
            signal.alarm(LIMIT)
            try:
                failed = recorder.run(test, out=lambda _: None).failed
                reason = recorder.first or ""
            except BaseException as error:  # noqa: BLE001 - whatever ends an example is its reason
                failed, reason = 1, f"{type(error).__name__}: {error}"
            finally:
                signal.alarm(0)
            print(json.dumps({"test": test.name, "outcome": "failed" if failed else "passed", "reason": reason[:500]}), file=log, flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""PySpark's own tests of Spark Connect against `leat engine`, file by file; writes docs/conformance.md.

    run.py --src TREE     a source tree of Apache Spark: python/pyspark/sql/tests/connect
    run.py --doctests     the examples in the installed PySpark's documentation, where there is no tree

A file has a time limit, and each test its own. The engine is started anew when it does not answer after a file.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Support")]

from leat import ROOT, Leat, answers  # noqa: E402

DOCTESTS = [
    # As each module's own `_test` names them: some inherit their documentation from the classic class.
    "pyspark.sql.connect.session", "pyspark.sql.dataframe", "pyspark.sql.column", "pyspark.sql.connect.functions.builtin",
    "pyspark.sql.connect.group", "pyspark.sql.window", "pyspark.sql.connect.readwriter", "pyspark.sql.connect.catalog",
    "pyspark.sql.connect.conf", "pyspark.sql.connect.observation", "pyspark.sql.connect.tvf", "pyspark.sql.connect.streaming.query",
    "pyspark.sql.connect.streaming.readwriter",
]


class Engine:
    """One `leat engine`, started when it is wanted."""

    def __init__(self, folder):
        self.folder, self.leat = pathlib.Path(folder), None

    @property
    def address(self):
        if self.leat is None or not answers(self.leat.ports["engine"]):
            self.stop()
            from leat import free_ports

            self.leat = Leat(
                self.folder, "engine", ports=free_ports(["engine"]), settings={"engine.python": sys.executable}).start()
            self.leat.wait_for_ports("engine")
        return f"sc://127.0.0.1:{self.leat.ports['engine']}"

    def stop(self):
        if self.leat is not None:
            if self.leat.process.poll() is not None:
                print(f"the engine ended with {self.leat.process.returncode}: {self.leat.stderr()[-1000:]}", file=sys.stderr)
            else:
                self.leat.stop()


def run(command, environment, seconds, cwd, log):
    """The lines that a run wrote, and a note when it did not end by itself."""
    log.unlink(missing_ok=True)
    note = ""
    try:
        done = subprocess.run(command, env=environment, cwd=cwd, timeout=seconds, capture_output=True, text=True)
        if done.returncode not in (0, 1, 5):
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            note = f"ended with {done.returncode}: {lines[-1][:200] if lines else ''}"
    except subprocess.TimeoutExpired:
        note = f"no end within {seconds} s"
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line) for line in lines], note


def shape(reason):
    """A reason without what differs from test to test: names, numbers, identifiers."""
    reason = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", reason)
    return re.sub(r"\d+", "N", reason)[:160]


def cell(text):
    # Where the interpreter's packages are says nothing to a reader.
    text = re.sub(r"\(/[^)]*/site-packages/", "(", text)
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def report(files, source):
    totals = collections.Counter(test["outcome"] for tests, _ in files.values() for test in tests)
    reasons = collections.Counter(shape(test["reason"]) for tests, _ in files.values() for test in tests if test["outcome"] == "failed")
    lines = [
        "# Conformance", "", f"{source}, against `leat engine`. Written by `make conformance`.", "",
        f"**{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped.**", "",
        "| file | passed | failed | skipped | note |", "|---|---|---|---|---|",
    ]
    for name, (tests, note) in sorted(files.items()):
        count = collections.Counter(test["outcome"] for test in tests)
        lines.append(f"| {name} | {count['passed']} | {count['failed']} | {count['skipped']} | {cell(note)} |")
    lines += ["", "## Commonest reasons", "", "| tests | reason |", "|---|---|"]
    lines += [f"| {count} | {cell(reason)} |" for reason, count in reasons.most_common(25)]
    lines += ["", "## Failures, by file", ""]
    for name, (tests, _) in sorted(files.items()):
        failed = [test for test in tests if test["outcome"] == "failed"]
        if failed:
            lines += [f"### {name}", "", "| test | reason |", "|---|---|"]
            lines += [f"| {test['test'].split('::')[-1]} | {cell(test['reason'][:200])} |" for test in failed] + [""]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=pathlib.Path, help="a source tree of Apache Spark")
    parser.add_argument("--doctests", action="store_true", help="the documentation's examples of the installed PySpark")
    parser.add_argument("--seconds", type=int, default=600, help="the time limit of one file")
    parser.add_argument("--only", default="", help="files whose names contain this")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/conformance.md")
    options = parser.parse_args()
    if not options.src and not options.doctests:
        parser.error("name a source tree (--src), or take the documentation's examples (--doctests)")
    files = {}
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        engine, log = Engine(folder), pathlib.Path(folder) / "log.jsonl"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
        environment["CONFORMANCE_LOG"] = str(log)
        try:
            if options.src:
                python = options.src / "python"
                environment["PYTHONPATH"] = f"{HERE}:{python}"
                environment["SPARK_SKIP_CONNECT_COMPAT_TESTS"] = "1"
                environment["SPARK_TESTING"] = "1"
                environment["SPARK_HOME"] = str(options.src)
                for path in sorted((python / "pyspark/sql/tests/connect").rglob("test_*.py")):
                    name = str(path.relative_to(python / "pyspark/sql/tests/connect"))
                    if options.only not in name:
                        continue
                    environment["SPARK_CONNECT_TESTING_REMOTE"] = engine.address
                    command = [sys.executable, "-m", "pytest", "-q", "-p", "plugin", "-p", "no:cacheprovider", "--tb=no", str(path)]
                    files[name] = run(command, environment, options.seconds, python, log)
                    print(f"{name}: {collections.Counter(t['outcome'] for t in files[name][0])} {files[name][1]}", flush=True)
            if options.doctests:
                for name in DOCTESTS:
                    if options.only not in name:
                        continue
                    command = [sys.executable, "-W", "ignore", str(HERE / "doctests.py"), name, engine.address, str(log)]
                    files[name] = run(command, environment, options.seconds, folder, log)
                    print(f"{name}: {collections.Counter(t['outcome'] for t in files[name][0])} {files[name][1]}", flush=True)
        finally:
            engine.stop()
    source = "PySpark's own tests of Spark Connect" if options.src else "The examples in PySpark's own documentation"
    options.output.write_text(report(files, source))
    totals = collections.Counter(test["outcome"] for tests, _ in files.values() for test in tests)
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped; see {options.output}")


if __name__ == "__main__":
    main()

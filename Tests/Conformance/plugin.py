"""A pytest plugin: one JSON line for each test, and a time limit for each, so that a hanging one costs no more than itself."""

import json
import os
import signal
import time

import pytest

LIMIT = int(os.environ.get("CONFORMANCE_TEST_SECONDS", "60"))


class OutOfTime(BaseException):
    """Not an Exception: a test's own `except Exception` must not swallow it."""


def _alarm(*_):
    raise OutOfTime(f"no end within {LIMIT} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(LIMIT)
    try:
        return (yield)
    finally:
        signal.alarm(0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    is_verdict = report.when == "call" or (report.when == "setup" and not report.passed)
    if is_verdict:
        reason = ""
        if report.failed and call.excinfo is not None:
            text = str(call.excinfo.value).strip().splitlines()
            reason = f"{call.excinfo.typename}: {text[0] if text else ''}"
        elif report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2]
        with open(os.environ["CONFORMANCE_LOG"], "a") as log:
            line = {"test": item.nodeid, "outcome": report.outcome, "reason": reason[:500], "seconds": round(time.time() - call.start, 2)}
            log.write(json.dumps(line) + "\n")
    return report

"""The long form of the fault rounds: `make faults`, or run.py --rounds 50 --power-loss-rounds 20."""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "Support")]

import kafka_sink  # noqa: E402
import rounds  # noqa: E402
import transactions  # noqa: E402
from checker import Loss  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="kills of the whole, and kills of each box apart")
    parser.add_argument("--power-loss-rounds", type=int, default=20)
    parser.add_argument("--transaction-rounds", type=int, default=20, help="kills of the broker under transactions")
    parser.add_argument("--sink-rounds", type=int, default=20, help="kills of an engine that writes to Kafka")
    parser.add_argument("--only", choices=["whole", "apart", "power-loss", "transactions", "kafka-sink"], action="append", help="some of the five")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the moments of the kills and the records")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)

    def report(line):
        print(line, flush=True)

    plan = [
        ("whole", "kill -9 of the whole", lambda f: rounds.whole(f, arguments.rounds, arguments.seed, report)),
        ("apart", "kill -9 of each box apart", lambda f: rounds.apart(f, arguments.rounds, arguments.seed + 1, report)),
        ("power-loss", "power loss", lambda f: rounds.whole(f, arguments.power_loss_rounds, arguments.seed + 2, report, power_loss=True)),
        ("transactions", "transactions: kill -9", lambda f: transactions.rounds(f, arguments.transaction_rounds, arguments.seed + 3, report)),
        ("transactions", "transactions: power loss", lambda f: transactions.rounds(
            f, min(arguments.transaction_rounds, arguments.power_loss_rounds), arguments.seed + 4, report, power_loss=True)),
        ("kafka-sink", "the kafka sink: kill -9 of the engine", lambda f: kafka_sink.rounds(f, arguments.sink_rounds, arguments.seed + 5, report)),
    ]
    plan = [(title, work) for key, title, work in plan if not arguments.only or key in arguments.only]
    failed = 0
    for name, work in plan:
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="leat-faults-") as folder:
            try:
                work(folder)
            except (Loss, AssertionError, RuntimeError) as error:
                failed += 1
                print(f"FAILED: {error}", flush=True)
    print(f"{len(plan) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench NAME`: run one benchmark. Ends with 1 when its number does not count."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from typing import Any

from bench.reporting import machine, machine_line

NAMES = {
    "fanout": "from approval to every outcome durable, against COPY of one row per recipient",
    "first_send": "from approval to the first request a provider sees",
    "preempt": "an evacuation order that comes while tourism is being sent at the limit",
    "limits": "one limit shared by several processes, as the provider sees it",
    "scale": "two workers against one, claims that never wait, and the claim's plan",
    "follow": "people who move, followed by two processes while their matches are compared with SQL",
    "counting": "people in an area by channel, language, reachability and shelter, while it is drawn",
    "console": "the console in a browser: first content, and people counted while an area is drawn",
    "watchers": "the fan-out with officers watching it live, against the same with nobody",
    "wire": "the channels against bare clients that post the same bytes",
    "match": "who is in an area, among ten million places, against an R-tree and PostGIS",
    "fences": "which of thousands of areas hold a moving place",
    "shelters": "the nearest of thousands of shelters for a whole city, and their shares by capacity",
    "peers": "task queues with one task per recipient",
}


def main() -> int:
    name = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, epilog=_list(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    benchmarks = parser.add_subparsers(dest="bench", required=True, metavar="NAME")
    for each, purpose in NAMES.items():
        sub = benchmarks.add_parser(each, help=purpose, description=purpose)
        sub.add_argument("--json", action="store_true", help="end with one JSON line")
        if each == name:
            import_module(f"bench.{each}").add_arguments(sub)
    arguments = parser.parse_args()
    found = machine()
    result: dict[str, Any] = import_module(f"bench.{arguments.bench}").run(arguments)
    return _tell(arguments, {"bench": arguments.bench, **result}, found)


def _tell(arguments: argparse.Namespace, result: dict[str, Any], found: dict[str, Any]) -> int:
    lines = result.pop("lines", None) or [f"{key}: {value}" for key, value in result.items() if key != "bench"]
    counted = result.get("counted", True)
    print(machine_line(found))
    print("\n".join(lines))
    if not counted:
        print("not counted: " + "; ".join(result.get("reasons", ["its check failed"])))
    if arguments.json:
        print(json.dumps({**result, "machine": found}, ensure_ascii=False))
    return 0 if counted else 1


def _list() -> str:
    return "\n".join(f"  {name:<11} {purpose}" for name, purpose in NAMES.items())


if __name__ == "__main__":
    sys.exit(main())

"""OpenMined PSI with a Golomb-compressed set, both sides one after the other: `openmined_worker.py ENTRIES MEMBERS`.

It prints CPU per entry and member, bytes and the size of the intersection, as JSON. Messages are made and read, no network
carries them. Loading the module is not counted.
"""

import json
import sys
import time
from pathlib import Path

import private_set_intersection.python as psi

# A member who is not on the list is found with this probability, as by Blindlist's default f.
FALSE_POSITIVE = 2.0**-40
# The range of its hash is entries * members / probability, and overflows beyond 64 bits without a word.
LARGEST_RANGE = 9.2e18


def rows(path: str) -> list[str]:
    return Path(path).read_text().split()[1:]


def spent(since: float) -> float:
    return time.process_time() - since


def main() -> None:
    entries, members = rows(sys.argv[1]), rows(sys.argv[2])
    of_any = max(len(members) * FALSE_POSITIVE, len(entries) * len(members) / LARGEST_RANGE)

    start = time.process_time()
    server = psi.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(of_any, len(members), entries, psi.DataStructure.GCS).SerializeToString()
    prepare = spent(start)

    start = time.process_time()
    client = psi.client.CreateWithNewKey(True)
    request = client.CreateRequest(members).SerializeToString()
    asked = spent(start)

    start = time.process_time()
    asking = psi.Request()
    asking.ParseFromString(request)
    response = server.ProcessRequest(asking).SerializeToString()
    answered = spent(start)

    start = time.process_time()
    index, answer = psi.ServerSetup(), psi.Response()
    index.ParseFromString(setup)
    answer.ParseFromString(response)
    found = client.GetIntersection(index, answer)
    asked += spent(start)

    n, m = len(entries), len(members)
    figures = {
        "prepare": prepare / n * 1e6,
        "server": answered / m * 1e6,
        "client": asked / m * 1e6,
        "setup": len(setup) / n,
        "up": len(request) / m,
        "down": len(response) / m,
        "found": len(found),
    }
    print(json.dumps(figures))


main()

"""One stage of SecretFlow SPU on one side, in a process of its own: `spu_worker.py JOB`, where JOB is JSON.

Keys: protocol ("unbalanced", "PROTOCOL_RR22", "PROTOCOL_KKRT"), mode, rank (0 server, 1 client), ports (one for each side; one
alone for a stage without the other side), input, output, cache, key, report. It writes CPU and the size of the intersection to `report`, as JSON: SPU
itself logs to standard output. Loading the module and connecting are not counted.
"""

import json
import resource
import sys
import time
from pathlib import Path

import spu.psi as psi
from spu.libspu import link  # type: ignore

HOUR_MS = 3_600_000


def connect(job: dict):
    desc = link.Desc()
    desc.id = "peers"
    # The defaults give up while the other side is busy.
    desc.recv_timeout_ms = HOUR_MS
    desc.http_timeout_ms = HOUR_MS
    desc.connect_retry_times = 600
    desc.connect_retry_interval_ms = 100
    for rank, port in enumerate(job["ports"]):
        desc.add_party(f"party-{rank}", f"127.0.0.1:{port}")
    # A null link crashes: whoever works alone has a link to nobody.
    return link.create_brpc(desc, job["rank"]) if len(job["ports"]) > 1 else link.create_mem(desc, 0)


def tables(job: dict) -> tuple:
    source = psi.InputParams(path=job["input"], selected_keys=["nir"], keys_unique=True)
    return source, psi.OutputParams(path=job["output"], disable_alignment=True)


def execute(job: dict, context):
    source, sink = tables(job)
    if job["protocol"] != "unbalanced":
        protocol = psi.PsiProtocolConfig(protocol=psi.parse_protocol(job["protocol"]), receiver_rank=1)
        config = psi.PsiExecuteConfig(protocol_conf=protocol, input_params=source, output_params=sink)
        return psi.psi_execute(config, context)
    config = psi.UbPsiExecuteConfig(
        mode=psi.parse_ub_psi_mode(job["mode"]),
        role=psi.UbPsiRole.ROLE_SERVER if job["rank"] == 0 else psi.UbPsiRole.ROLE_CLIENT,
        client_receive_result=True,
        cache_path=job["cache"],
        input_params=source,
        output_params=sink,
        server_params=psi.UbPsiServerParams(secret_key_path=job["key"]),
    )
    return psi.ub_psi_execute(config, context)


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    job = json.loads(sys.argv[1])
    context = connect(job)
    before = cpu_s()
    report = execute(job, context)
    spent = cpu_s() - before
    Path(job["report"]).write_text(json.dumps({"cpu_s": spent, "found": report.intersection_count}))
    if len(job["ports"]) > 1:
        # Whoever ends first takes the other's last messages along.
        context.barrier()
        time.sleep(0.5)
        context.stop_link()


main()

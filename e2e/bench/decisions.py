"""How fast decisions are, by the size of the policy store: every table of docs/performance.md.

    cargo build --release -p server -p loadgen
    python e2e/bench/decisions.py --write docs/performance.md

Prints the tables; `--write` puts them between the markers of a file, and the plot beside it.
`--quick` tries everything over HTTP for a moment, with small policy stores. `--endpoint` measures
IsAuthorized of another server that speaks the same API, with small policy stores as well: over
plain HTTP, and it has to know the key in measuring.py or to check no signatures.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))

import measuring  # noqa: E402
from measuring import KEY, LOAD, LOAD_CORE, SERVER_CORE, Load, echo, import_files, memory  # noqa: E402
from plot import plot, seconds_text  # noqa: E402
from stores import (  # noqa: E402
    BATCH,
    TEMPLATE,
    ask_for_links,
    ask_for_statics,
    batch,
    photo,
    question,
    user,
    write_links,
    write_statics,
)
from tables import (  # noqa: E402
    LARGER,
    beside_cedar,
    http_table,
    in_process_table,
    mebibytes,
    micro,
    table,
    times,
)
from treeline import TREELINE, Server  # noqa: E402

ROOT = Path(__file__).parents[2]


class Sizes:
    """How much is done."""

    def __init__(self, quick):
        self.links = [100, 1_000] if quick else [100, 10_000, 100_000, 1_000_000]
        self.statics = 300 if quick else 100_000
        self.restarts = 1 if quick else 3
        self.rounds = 1 if quick else 3
        self.seconds = 0.15 if quick else 1.5
        self.short = 0.05 if quick else 0.5
        self.elsewhere = [10, 100] if quick else [10, 100, 1_000]
        self.large = self.links[-1]


class Run:
    """The server's data directory, and what has been measured."""

    def __init__(self, directory, sizes, document):
        self.document = document
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.sizes = sizes
        self.load = Load(directory, sizes.seconds)
        self.stores = {}
        self.begun = time.perf_counter()
        # Seconds by number of policies, for the plot.
        self.series = {}

    def put(self, topic, lines):
        print(f"\n## {topic}\n", *lines, sep="\n", flush=True)
        print(f"{time.perf_counter() - self.begun:.0f} s", file=sys.stderr, flush=True)
        if self.document:
            write(self.document, topic, lines)

    def imports(self):
        """Fills the policy stores."""
        rows = []
        with measuring.serving(self.data) as server:
            client = server.client(KEY)
            for name in [*self.sizes.links, "static"]:
                store = client.create_policy_store(validationSettings={"mode": "OFF"})
                store = self.stores[name] = store["policyStoreId"]
                if name == "static":
                    file = self.directory / "policies.cedar"
                    count = write_statics(file, self.sizes.statics)
                else:
                    file = self.directory / "policies.jsonl"
                    count = write_links(file, name, create_template(client, store))
                seconds = import_files(server, store, file)
                kind = "static policies" if name == "static" else "linked policies"
                rows.append([f"{count:,} {kind}", f"{seconds:.2f} s", f"{count / seconds:,.0f}"])
        self.put("import", table(["", "time", "policies per second"], rows))

    def starts(self):
        """Cold starts, and what the server has in memory after them."""
        starts, memories = [], []
        for policies in self.sizes.links:
            found = [self.cold_start(policies) for _ in range(self.sizes.restarts)]
            ready, first, resident, anonymous = min(found, key=lambda each: each[0] + each[1])
            starts.append([f"{policies:,}", *map(seconds_text, (ready, first, ready + first))])
            if policies == self.sizes.links[0]:
                base = resident, anonymous
            each = ["–", "–"]
            if policies >= 100_000 or policies == self.sizes.large:
                growth = resident - base[0], anonymous - base[1]
                each = [f"{part / policies:.0f} B" for part in growth]
            total = mebibytes(resident, anonymous)
            memories.append([f"{policies:,} linked policies", *total, *each])
        head = ["linked policies", "start to ready", "first decision", "together"]
        self.put("cold start", table(head, starts, texts=0))
        memories += self.static_memory(base)
        head = ["after the first decision", "resident", "without files"]
        head += ["per policy", "without files"]
        self.put("memory", table(head, memories))

    def cold_start(self, policies):
        """Seconds until the server is ready and then until its first answer; its memory then."""
        begin = time.perf_counter()
        with measuring.serving(self.data) as server:
            ready = time.perf_counter()
            client = server.client(KEY)
            asking = time.perf_counter()
            ask_for_links(client, self.stores[policies])
            done = time.perf_counter()
            # Threads that tidy up after loading get their turn.
            time.sleep(0.2)
            return ready - begin, done - asking, *memory(server)

    def static_memory(self, base):
        """Rows for the store of static policies: of which few are compiled, some, all."""
        count = self.sizes.statics
        with measuring.serving(self.data) as server:
            client, store, begin = server.client(KEY), self.stores["static"], 0
            for end in (1, count // BATCH // 10, count // BATCH):
                ask_for_statics(client, store, range(begin, end))
                begin = end
                figures = memory(server)
                pairs = zip(figures, base, strict=True)
                growth = [f"{(here - there) / count:.0f} B" for here, there in pairs]
                name = f"{count:,} static policies, {end * BATCH:,} of them asked for"
                yield [name, *mebibytes(*figures), *growth]

    def http(self):
        """IsAuthorized over HTTP next to an echo of the same request."""
        sizes = self.sizes
        with measuring.serving(self.data, SERVER_CORE) as server, echo() as bare:
            body = question(self.stores[100])
            targets = {"echo": request(bare, "IsAuthorized", body)}
            for policies in sizes.links:
                body = question(self.stores[policies])
                targets[policies] = request(server.address, "IsAuthorized", body)
            found = self.load.best(sizes.rounds, targets)
            batches = {
                policies: request(
                    server.address,
                    "BatchIsAuthorized",
                    batch(self.stores[policies], user(1), range(1, BATCH + 1)),
                )
                for policies in (100, sizes.large)
            }
            batches = self.load.best(sizes.rounds, batches)
            alone = {
                policies: targets[policies] | {"connections": 1, "seconds": sizes.short}
                for policies in sizes.links
            }
            alone = self.load.best(sizes.rounds, alone)
        self.put("http", http_table(found, batches, alone, sizes))
        latencies = {policies: figures["p50"] / 1e6 for policies, figures in alone.items()}
        self.series["Treeline over HTTP"] = latencies

    def tokens(self):
        """IsAuthorizedWithToken beside IsAuthorized."""
        seconds, rounds, tokens = (1, 1, 100) if self.sizes.rounds == 1 else (2, 4, 2_000)
        command = [LOAD, "--treeline", TREELINE, "--server-cores", str(SERVER_CORE), "--tokens-only",
                   "--seconds", str(seconds), "--rounds", str(rounds), "--tokens", str(tokens)]  # fmt: skip
        with measuring.on(LOAD_CORE):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.put("tokens", done.stdout.strip().split("\n"))

    def finding(self):
        """The operations that look for policies, in a small and in the largest policy store."""
        sizes, rows = self.sizes, []
        compared = (100, sizes.large)
        with measuring.serving(self.data, SERVER_CORE) as server:
            client = server.client(KEY)
            questions = {policies: finds(client, self.stores[policies]) for policies in compared}
            for name, (operation, _) in questions[100].items():
                targets = {
                    policies: request(server.address, operation, questions[policies][name][1])
                    | {"connections": 1, "seconds": sizes.short}
                    for policies in compared
                }
                small, large = self.load.best(min(2, sizes.rounds), targets).values()
                ratio = times(large["p50"], small["p50"])
                rows.append([name, micro(small), micro(large), ratio])
        head = ["p50, one connection", *(f"{size:,} policies" for size in compared), "ratio"]
        self.put("lists", table(head, rows))

    def creating(self):
        """CreatePolicy by one client and by 16. The stores grow meanwhile, so this comes last."""
        sizes, compared = self.sizes, (100, self.sizes.large)
        with measuring.serving(self.data, SERVER_CORE) as server:
            client, targets = server.client(KEY), {}
            for policies in compared:
                store = self.stores[policies]
                templates = client.list_policy_templates(policyStoreId=store)["policyTemplates"]
                link = {
                    "policyTemplateId": templates[0]["policyTemplateId"],
                    "principal": user(7),
                    "resource": photo(8),
                }
                body = {"policyStoreId": store, "definition": {"templateLinked": link}}
                for clients in (1, 16):
                    targets[policies, clients] = request(server.address, "CreatePolicy", body) | {
                        "connections": clients
                    }
            found = self.load.best(sizes.rounds, targets)
        rows = []
        for (policies, clients), figures in found.items():
            small, alone = found[100, clients], found[policies, 1]
            rate = figures["perSecond"]
            row = [f"{policies:,}", clients, f"{rate:,.0f}", micro(figures)]
            row.append(times(figures["p50"], small["p50"]))
            rows.append([*row, times(rate, alone["perSecond"])])
        head = ["policies at first", "clients", "policies per second", "p50"]
        head += ["p50, of 100 policies", "rate, of one client"]
        self.put("create", table(head, rows, texts=0))

    def elsewhere(self, endpoint):
        """IsAuthorized of another server."""
        place, rows, found = urlsplit(endpoint), [], {}
        server = Server(self.directory / "elsewhere")
        server.address = place.netloc
        client = server.client(KEY)
        for policies in self.sizes.elsewhere:
            store = client.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
            template = create_template(client, store)
            for number in range(policies):
                create_link(client, store, template, user(number), photo(number))
            target = request(place.netloc, "IsAuthorized", question(store))
            found[policies] = alone = self.load.ask(**target, connections=1)
            many = self.load.ask(**target)
            rows.append([f"{policies:,}", f"{many['perSecond']:,.0f}", micro(many), micro(alone)])
        head = ["policies", "requests/s", "p50, 8 connections", "p50, one connection"]
        self.put("elsewhere", table(head, rows, texts=0))
        self.series[place.netloc] = {size: each["p50"] / 1e6 for size, each in found.items()}

    def in_process(self):
        """The benchmark of decisions, and Cedar's authorizer next to it."""
        found = measuring.criterion(ROOT, million=True)
        self.put("in process", in_process_table(found))
        plain = {size: t for (group, _, size), t in found.items() if group == "cedar-policy"}
        ours = {size: found["IsAuthorized", "links", size] for size in (100, *LARGER)}
        inner = {size: found["BatchIsAuthorized", "links", size] / BATCH for size in (100, *LARGER)}
        self.put("beside cedar-policy", beside_cedar(plain, ours, inner))
        self.series = {
            "cedar-policy": {size: t / 1e9 for size, t in plain.items()},
            "Treeline in process": {size: t / 1e9 for size, t in ours.items()},
            "one of a batch of 30": {size: t / 1e9 for size, t in inner.items()},
        } | self.series


def create_template(client, store):
    """The id of a new template."""
    created = client.create_policy_template(policyStoreId=store, statement=TEMPLATE)
    return created["policyTemplateId"]


def create_link(client, store, template, principal, resource):
    link = {"policyTemplateId": template, "principal": principal, "resource": resource}
    client.create_policy(policyStoreId=store, definition={"templateLinked": link})


def request(address, operation, body):
    return {"address": address, "operation": operation, "body": body}


def finds(client, store):
    """Requests that look for policies, by what they are called: the operation and its input."""
    template = client.list_policy_templates(policyStoreId=store)["policyTemplates"][0]
    template = template["policyTemplateId"]
    listed = client.list_policies(policyStoreId=store, maxResults=BATCH)["policies"]
    some = [policy["policyId"] for policy in listed]
    statement = 'permit(principal == User::"nobody", action, resource);'
    definition = {"static": {"statement": statement}}
    client.create_policy(policyStoreId=store, name="name/asked", definition=definition)
    # As many are found in each policy store: ten of a user, ten of a photo.
    asked = user(1) | {"entityId": "asked"}, photo(1) | {"entityId": "asked"}
    for number in range(1, 10):
        create_link(client, store, template, asked[0], photo(number))
        create_link(client, store, template, user(number), asked[1])
    create_link(client, store, template, *asked)
    principal, resource = ({"identifier": each} for each in asked)
    filters = {
        "no filter": None,
        "principal": {"principal": principal},
        "resource": {"resource": resource},
        "principal and resource": {"principal": principal, "resource": resource},
        "template": {"policyTemplateId": template},
        "template and principal": {"policyTemplateId": template, "principal": principal},
        "linked policies": {"policyType": "TEMPLATE_LINKED"},
        "static policies": {"policyType": "STATIC"},
        "no principal": {"principal": {"unspecified": True}},
    }
    items = [{"policyStoreId": store, "policyId": policy} for policy in some]
    lists = {
        f"ListPolicies: {name}": (
            "ListPolicies",
            {"policyStoreId": store} | ({"filter": wanted} if wanted else {}),
        )
        for name, wanted in filters.items()
    }
    return lists | {
        "GetPolicy by id": ("GetPolicy", {"policyStoreId": store, "policyId": some[0]}),
        "GetPolicy by name": ("GetPolicy", {"policyStoreId": store, "policyId": "name/asked"}),
        f"BatchGetPolicy of {BATCH}": ("BatchGetPolicy", {"requests": items}),
    }


def write(file, topic, lines):
    """Puts a table between its markers."""
    block = "\n".join([f"<!-- {topic} -->", "", *lines, "", "<!-- end -->"])
    pattern = rf"<!-- {re.escape(topic)} -->.*?<!-- end -->"
    text, count = re.subn(pattern, lambda _: block, file.read_text(), flags=re.DOTALL)
    if count:
        file.write_text(text)
    else:
        print(f"{file} has no place for: {topic}", file=sys.stderr)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small policy stores, for a moment")
    parser.add_argument("--write", type=Path, help="put the tables into this file")
    parser.add_argument("--endpoint", help="measure this server as well")
    parser.add_argument("--without-criterion", action="store_true", help="nothing in process")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    # Beside the programs: temporary folders are often in memory.
    with tempfile.TemporaryDirectory(dir=measuring.PROGRAMS.parent) as directory:
        run = Run(directory, Sizes(arguments.quick), arguments.write)
        run.put("machine", [measuring.machine()])
        run.imports()
        run.starts()
        run.http()
        run.tokens()
        run.finding()
        run.creating()
        if arguments.endpoint:
            run.elsewhere(arguments.endpoint)
        if not arguments.quick and not arguments.without_criterion:
            run.in_process()
        if arguments.write:
            drawn = plot("Time of a decision", run.series)
            arguments.write.with_suffix(".svg").write_text(drawn)


main()

"""What an earlier registry had, taken over: the published events of the JCM from 2013 to May 2026, on a registry of its own.

Told by itself, before the three nodes of the story: one node of Japan's with keys of its own, trusted by nobody else, and
partners that keep no book. The story (story.py) calls `tell`; the files are tools/migration/sample.
"""

import datetime
import json
import shutil

import machine
from machine import BIN, OUT, ROOT

SAMPLE = ROOT / "tools/migration/sample"
PARTNERS = {"BD": "BGD", "ID": "IDN", "LK": "LKA", "MN": "MNG", "PW": "PLW", "SA": "SAU", "TH": "THA"}
RULEBOOKS = {partner: f"{partner}.rulebook" for partner in PARTNERS} | {"TH": "TH-existing.rulebook"}
SIGNED = {"BD": "2013-03-19", "ID": "2013-08-26", "LK": "2022-10-10", "MN": "2013-01-08", "PW": "2014-01-13",
          "SA": "2015-05-13", "TH": "2015-11-19"}


class Earlier(machine.Registry):
    """A registry of Japan's with partners in mode ATTESTED."""

    def __init__(self, port, clock):
        super().__init__("JPN", [(partner, registry) for partner, registry in PARTNERS.items()], port)
        self.folder = OUT / "before"
        self.pki = self.folder / "pki" / "JPN"
        self.clock_path = clock

    def write(self):
        peers = {registry: self for registry in PARTNERS.values()}
        self.write_config(peers)
        path = self.folder / "node.textproto"
        lines = [line for line in path.read_text().splitlines() if "peer_address" not in line and "peer_tls" not in line
                 and "peer_ca" not in line]
        path.write_text("\n".join(lines).replace(f'path: "{OUT}/clock"', f'path: "{self.clock_path}"') + "\n")
        persons = [word for person in machine.PERSONS for word in ("--person", person)]
        made = machine.run(ROOT / "deploy/pki/make-development-pki", *persons, self.folder / "pki", "JPN")
        if made.returncode != 0:
            raise machine.Failed(f"make-development-pki: {made.stderr}")


class Migration:
    def __init__(self, say, done, fails, expect, document):
        self.say = say
        self.done = done
        self.fails = fails
        self.expect = expect
        self.document = document
        self.folder = OUT / "before" / "files"

    def migrate(self, *words, signers=("operator-1",), code=0):
        result = self.jpn.ctl(signers[0], "migration", *words, approvers=signers[1:])
        self.expect(result.code == code, f"jcmctl migration {' '.join(map(str, words))}: {result.code}\n{result.out}{result.err}")
        return result

    def open_books(self):
        for partner, registry in PARTNERS.items():
            self.jpn.act("operator-1", "partnership", "open", "--partnership", partner, "--peer", registry, "--peer-domain",
                         machine.DOMAIN, "--mode", "attested", "--signed-date", SIGNED[partner], "--document",
                         self.document(f"{partner} bilateral document"), approvers=["operator-2"])
            self.jpn.act("operator-1", "rulebook", "adopt", "--partnership", partner, "--provenance", "assumed",
                         "--parameters", ROOT / "deploy/rulebooks" / RULEBOOKS[partner])
        self.done(f"a registry of Japan with {len(PARTNERS)} partnerships and nothing in them")

    def check(self):
        self.migrate("check", self.folder)
        broken = self.folder / "blocks.csv"
        good = broken.read_text()
        broken.write_text(good.replace("1110,1125", "1109,1125"))
        told = json.loads(self.migrate("check", self.folder, "--output", "json", code=2).out)
        self.fails("a tonne in two accounts", f"{told[0]['file']} row {told[0]['row']} {told[0]['column']}: "
                   f"{told[0]['reason']} ({told[0]['reason_number']}): {told[0]['text']}")
        broken.write_text(good.replace("2001,2073", "2001,2072"))
        lost = self.migrate("dry-run", self.folder, "--output", "json", code=1)
        units = json.loads(lost.out)["differences"][0]
        self.fails("a tonne that no block has", f"dry run: {units['units']} is in {units['history']} by its history, in "
                   "no block")
        broken.write_text(good)

    def run(self):
        table = self.migrate("dry-run", self.folder).out
        for line in table.splitlines():
            self.say(f"       | {line}")
        self.migrate("run", self.folder, "--results", self.folder / "results.txt")
        rows = sum(1 for _ in (self.folder / "results.txt").open()) - 1
        self.done(f"{rows} rows recorded, each with its document, that document's SHA-256 and its row")
        again = json.loads(self.migrate("run", self.folder, "--output", "json").out)["summary"]
        self.expect(again["recorded"] == 0 and again["recorded_before"] == rows, f"run again: {again}")
        self.done("run again: nothing is recorded twice")

    def sign(self):
        statement = self.folder / "opening.statement"
        alone = self.migrate("statement", self.folder, "--send", code=1)
        self.expect(alone.reason() == "TWO_PERSONS_REQUIRED", f"signed alone: {alone.out}{alone.err}")
        self.fails("an opening statement of one person", alone.text())
        self.migrate("statement", self.folder, "--out", statement)
        (OUT / "before" / "opening-statement.ja.txt").write_text(
            self.migrate("show", self.folder, "--language", "ja").out)
        (OUT / "before" / "opening-statement.txt").write_text(self.migrate("show", "--statement", statement).out)
        self.migrate("statement", self.folder, "--add", statement, "--send", signers=("operator-2",))
        self.done(f"the opening statements of {len(PARTNERS)} books, signed by the registry manager and a second person: nothing "
                  "more is taken over into them, not even where there were no units")
        (self.folder / "events.csv").open("a").write("TH,EXTENDED,2020-01-01,afterwards,assumed,\r\n")
        late = self.migrate("run", self.folder, "--output", "json", code=1)
        refused = next(row for row in json.loads(late.out)["rows"] if row["outcome"] == "REFUSED")
        self.fails("one more row afterwards", refused["text"])

    def audit(self):
        trust = OUT / "before" / "trust.json"
        self.jpn.act_text("operator-1", "trust", "export", "--out", trust)
        books = []
        for partner in PARTNERS:
            book = OUT / "before" / f"JPN-{partner}.mirror"
            self.jpn.wait(f"the checkpoint of {partner}", lambda p=partner: self.signed(p))
            self.jpn.act_text("operator-1", "mirror", "export", "--book", f"JPN/{partner}", "--out", book)
            books.append(book)
        audited = machine.run(BIN / "jcm-verify", "audit", "--trust", trust, *books)
        (OUT / "before" / "audit.txt").write_text(audited.stdout)
        self.expect(audited.returncode in (0, 3) and "AUDIT CLEAN" in audited.stdout,
                    f"audit: {audited.returncode}\n{audited.stdout}{audited.stderr}")
        self.done(f"before/audit.txt: {next(iter(audited.stdout.splitlines()), '')}")

    def signed(self, partner):
        for book in self.jpn.read("operator-1", "ledger", "books"):
            if book["name"] == f"books/JPN/{partner}":
                return book.get("checkpoint_size", 0) == book["size"]
        return False

    def tell(self):
        port, = machine.free_ports(1)
        clock = machine.Clock(OUT / "before-clock", datetime.datetime.fromisoformat("2026-06-01T00:00:00"))
        self.jpn = Earlier(port, clock.path)
        self.jpn.write()
        shutil.copytree(SAMPLE, self.folder)
        clock.start()
        self.jpn.start()
        try:
            self.jpn.wait("the node to answer", lambda: self.jpn.read("operator-1", "ledger", "books"))
            self.open_books()
            self.check()
            self.run()
            self.sign()
            self.audit()
        finally:
            self.jpn.stop()
            clock.stop()

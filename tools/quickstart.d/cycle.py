"""One project from idea to issuance, by the rules of Thailand's track under Premium T-VER: every step, on real nodes.

Clearly synthetic. The story (story.py) calls `tell`; what each step needs is in `jcmctl cycle table`.
"""

import outputs
from machine import OUT, ROOT

RULEBOOK = ROOT / "deploy/rulebooks/TH-premium-t-ver.rulebook"
VERSION = "TH/2024-07-08"


class Cycle:
    def __init__(self, story, say, done, fails, document):
        self.story = story
        self.jpn = story.jpn
        self.tha = story.tha
        self.clock = story.clock
        self.done = done
        self.fails = fails
        self.document = document
        self.meetings = 0

    def step(self, person, dossier, strand, step, *options, files=(), refused=None):
        words = ["dossier", "step", "--partnership", "TH", "--id", dossier, "--strand", strand, "--step", step, *options]
        for form in files:
            words += ["--file", f"{form}={self.document(f'{dossier} {form}')}"]
        if refused:
            return self.jpn.refused(person, *words, reasons=refused)
        return self.jpn.act(person, *words)

    def state(self, dossier, strand, instance=1, registry=None):
        registry = registry or self.jpn
        shown = registry.read("operator-1", "dossier", "show", "--partnership", "TH", "--id", dossier)
        for one in shown["summary"].get("strands", []):
            if one["strand"] == strand and one["instance"] == instance:
                return one["state"]
        return ""

    def wait_state(self, dossier, strand, state, registry=None):
        registry = registry or self.jpn
        registry.wait(f"{dossier} {strand} to be {state}", lambda: self.state(dossier, strand, 1, registry) == state)

    def meet(self, date, kind, title, *text):
        """A meeting decides; Thailand opens, Japan confirms."""
        self.meetings += 1
        decision = f"TH-SYN-{self.meetings}"
        self.jpn.wait("Thailand to have Japan's book", lambda: self.story.cosigned(self.jpn, "JPN/TH"))
        self.tha.act("secretariat-1", "decision", "open", "--partnership", "TH", "--id", decision, "--mode", "meeting",
                     "--rulebook", VERSION, "--meeting-date", date, "--meeting-name", f"synthetic meeting {self.meetings}",
                     "--report", self.document(f"report {self.meetings}"), "--kind", kind, "--title", title, *text)
        self.jpn.wait(f"{decision} to arrive", lambda: self.story.decision(self.jpn, "TH", decision))
        for registry in (self.tha, self.jpn):
            registry.act("co-chair", "decision", "vote", "--partnership", "TH", "--id", decision, "--member",
                         f"{registry.code}-chair", "--vote", "yes")
        self.story.settle("TH", self.tha, self.jpn, decision)
        return decision

    def prepare(self):
        for registry in (self.jpn, self.tha):
            registry.act("secretariat-1", "rulebook", "adopt", "--partnership", "TH", "--parameters", RULEBOOK,
                         "--provenance", "assumed")
        lines = [f"person enrol --id {person} --role {role} --public-key {self.jpn.pki}/persons/{person}.pub "
                 "--partnership TH" for person, role in (("participant-1", "project-participant"),
                                                         ("entity-1", "third-party-entity"))]
        path = self.jpn.folder / "cycle.bundle"
        path.write_text("\n".join(lines) + "\n")
        self.jpn.act("operator-1", "submit", path)
        diff = self.jpn.read("operator-1", "rulebook", "diff", ROOT / "deploy/rulebooks/TH-existing.rulebook", RULEBOOK)
        self.done(f"both sides adopt {VERSION}; it differs from the track of existing projects in {len(diff)} parameters")

    def methodology_and_entity(self):
        self.jpn.act("participant-1", "dossier", "open", "--partnership", "TH", "--id", "SYN-AM", "--kind", "methodology",
                     "--rulebook", VERSION, "--title-en", "SYNTHETIC: replacement of boilers", "--scope", "3",
                     "--applicant-en", "Midori Power (synthetic)", "--person", self.pseudonym("participant-1"))
        self.step("participant-1", "SYN-AM", "VERSION", "propose", files=("F_PM", "F_PMS"))
        self.step("secretariat-1", "SYN-AM", "VERSION", "publish", "--reference", "TH_PM901")
        self.jpn.act("entity-1", "dossier", "open", "--partnership", "TH", "--id", "SYN-TPE", "--kind",
                     "third-party-entity", "--rulebook", VERSION, "--title-en", "SYNTHETIC: Nobody Verification",
                     "--applicant-en", "Nobody Verification (synthetic)", "--person", self.pseudonym("entity-1"))
        self.step("entity-1", "SYN-TPE", "DESIGNATION", "apply", "--scope", "3", files=("F_TPE",))
        self.step("secretariat-1", "SYN-TPE", "DESIGNATION", "complete")
        self.clock.jump("2026-05-07T01:00:00")
        self.wait_state("SYN-AM", "VERSION", "CONSIDERATION")
        self.meet("2026-05-07", "designation", "Designation of a third-party entity", "--subject",
                  "SYN-TPE/DESIGNATION/designate;reference=TPE-TH-901;scope=3")
        self.meet("2026-05-07", "methodology", "Approval of a methodology", "--subject",
                  "SYN-AM/VERSION/approve;reference=TH_AM901;version=1.0")
        self.wait_state("SYN-AM", "VERSION", "APPROVED")
        self.done("TH_PM901: fifteen days of public input, then approved as TH_AM901 Ver1.0; TPE-TH-901 designated")

    def idea(self):
        self.jpn.act("participant-1", "dossier", "open", "--partnership", "TH", "--id", "SYN-1", "--rulebook", VERSION,
                     "--title-en", "SYNTHETIC: boilers of nobody's factory", "--title-ja", "架空:工場のボイラー更新",
                     "--type", "energy", "--scope", "3", "--programme", "model-project", "--operation-start", "2024-12-01",
                     "--no-other-scheme", "--synthetic", "--participant",
                     "Midori Power (synthetic)|架空ミドリ電力株式会社|JP|representative|focal", "--participant",
                     "Chao Phraya Solar (synthetic)||TH|joint", "--person", self.pseudonym("participant-1"))
        self.fails("a design before the idea was cleared", self.step(
            "participant-1", "SYN-1", "DESIGN", "submit", "--methodology", "TH_AM901@1.0",
            files=("F_PDD", "F_MoC", "F_SDIP"), refused=["PIN_NOT_CLEARED"]))
        self.fails("an idea without its form", self.step("participant-1", "SYN-1", "PIN", "submit",
                                                         refused=["DOCUMENT_MISSING"]))
        self.step("participant-1", "SYN-1", "PIN", "submit", files=("F_PIN",))
        inbox = self.jpn.read("secretariat-1", "inbox", "--partnership", "TH", "--ics", OUT / "secretariat.ics")
        self.story.expect(any(item["step"] == "complete" and item["name"].endswith("/SYN-1") for item in inbox),
                          f"the secretariat's inbox does not show the idea: {inbox}")
        self.step("secretariat-1", "SYN-1", "PIN", "complete", "--reference", "TH_PIN901")
        self.done("TH_PIN901 is in the secretariat's inbox (and calendar: secretariat.ics), then complete")

    def no_objection(self):
        """The electronic decision, with Thailand's node away for a part of it."""
        decision = ("--partnership", "TH", "--id", "TH-E2-PIN901")
        self.jpn.act("secretariat-1", "decision", "open", *decision, "--mode", "electronic", "--rulebook", VERSION,
                     "--kind", "no-objection", "--title", "No objection to TH_PIN901 (synthetic)", "--subject",
                     "SYN-1/PIN/clear")
        self.tha.wait("the decision", lambda: self.story.decision(self.tha, "TH", "TH-E2-PIN901"))
        self.tha.act("secretariat-1", "decision", "distribute", *decision)
        self.jpn.wait("the distribution", lambda: self.story.decision(self.jpn, "TH", "TH-E2-PIN901").get("reaction"))
        self.jpn.act("co-chair", "decision", "vote", *decision, "--vote", "yes", "--member", "JPN-chair")
        self.tha.act("co-chair", "decision", "vote", *decision, "--vote", "yes", "--member", "THA-chair")
        self.tha.stop()
        self.clock.jump("2026-05-18T01:00:00")
        self.story.expect(self.story.decision(self.jpn, "TH", "TH-E2-PIN901")["decision"]["state"] == "OPEN",
                          "Japan called it adopted without Thailand's votes")
        self.tha.start()
        self.tha.wait("Thailand's node to answer", lambda: self.tha.read("operator-1", "ledger", "books"))
        self.story.settle("TH", self.jpn, self.tha, "TH-E2-PIN901")
        self.wait_state("SYN-1", "PIN", "NO_OBJECTION")
        self.done("no objection, electronically; Thailand's node was away on the tenth day, and the instant is the same")

    def design(self):
        self.step("participant-1", "SYN-1", "DESIGN", "submit", "--methodology", "TH_AM901@1.0",
                  files=("F_PDD", "F_MoC", "F_SDIP"))
        self.step("secretariat-1", "SYN-1", "DESIGN", "publish")
        self.step("participant-1", "SYN-1", "VALIDATION", "engage", "--entity", "SYN-TPE")
        self.step("entity-1", "SYN-1", "VALIDATION", "find_positive", "--document-date", "2026-05-18", files=("F_Val_Rep",))
        self.step("participant-1", "SYN-1", "REFERENCE", "request", files=("F_Asst_Req",))
        self.fails("a registration before public input has closed", self.step(
            "participant-1", "SYN-1", "REGISTRATION", "request", "--period", "2025-01-01..2034-12-31", *self.shares("1/2"),
            files=("F_Reg_Req", "F_PDD", "F_Val_Rep", "F_MoC", "F_Crd_Allc"), refused=["PUBLIC_INPUT_NOT_CLOSED"]))
        self.clock.jump("2026-06-18T01:00:00")
        self.wait_state("SYN-1", "DESIGN", "INPUTS_CLOSED")
        self.meet("2026-06-18", "reference-assessment", "Assessment of reference emissions", "--subject",
                  "SYN-1/REFERENCE/assess")
        self.wait_state("SYN-1", "REFERENCE", "ASSESSED")
        self.fails("shares that give the Government of Japan too little for its subsidy", self.step(
            "participant-1", "SYN-1", "REGISTRATION", "request", "--period", "2025-01-01..2034-12-31", *self.shares("2/5"),
            files=("F_Reg_Req", "F_PDD", "F_Val_Rep", "F_MoC", "F_Crd_Allc"), refused=["DELIVERY_BELOW_MINIMUM"]))
        self.step("participant-1", "SYN-1", "REGISTRATION", "request", "--period", "2025-01-01..2034-12-31",
                  *self.shares("1/2"), files=("F_Reg_Req", "F_PDD", "F_Val_Rep", "F_MoC", "F_Crd_Allc"))
        self.step("secretariat-1", "SYN-1", "REGISTRATION", "complete")
        outputs.meeting_pack(self.story, "2026-06-18", self.done)
        self.meet("2026-06-18", "registration", "Registration of a project", "--subject",
                  "SYN-1/REGISTRATION/register;reference=TH902")
        self.wait_state("SYN-1", "REGISTRATION", "REGISTERED")
        self.done("thirty days of public input, validation, assessment, registration: SYN-1 is TH902")

    def issue(self):
        self.step("participant-1", "SYN-1", "IMPLEMENTATION", "report", "--document-date", "2026-06-18",
                  files=("F_Imp_Rep",))
        self.step("participant-1", "SYN-1", "MONITORING", "report", "--period", "2025-01-01..2025-12-31", files=("F_MR",))
        emissions = ("--entity", "SYN-TPE", "--document-date", "2026-06-18", "--emissions", "2025:4662.5:3428")
        self.fails("verified tonnes that the emissions do not give", self.step(
            "entity-1", "SYN-1", "MONITORING", "verify", *emissions, "--reductions", "1235", files=("F_Vrf_Rep",),
            refused=["QUANTITY_DIFFERS"]))
        self.step("entity-1", "SYN-1", "MONITORING", "verify", *emissions, "--reductions", "1234", files=("F_Vrf_Rep",))
        self.step("participant-1", "SYN-1", "MONITORING", "request", files=("F_Iss_Req", "F_MR", "F_Vrf_Rep", "F_SDIR"))
        self.step("secretariat-1", "SYN-1", "MONITORING", "complete")
        decision = self.meet("2026-06-19", "issuance", "Issuance of credits, TH902 (synthetic)", "--project", "TH902",
                             "--monitoring-period", "1", "--monitoring", "2025-01-01..2025-12-31", "--verified", "1,234",
                             "--lot", "TH902-2025-1:2025:1234",
                             "--row", "government-of-japan,JPN,TH902-2025-1:1-617,Government of Japan",
                             "--row", "government-of-partner,THA,TH902-2025-1:618-1234,Government of Thailand")
        self.wait_state("SYN-1", "MONITORING", "DECIDED")
        japan = ("credits", "issue", "--partnership", "TH", "--decision", decision, "--target", "1=JP-GOV")
        self.fails("issuing before both sides were notified", self.jpn.refused("operator-1", *japan,
                                                                               reasons=["NOT_NOTIFIED"]))
        self.step("secretariat-1", "SYN-1", "MONITORING", "notify", files=("letter",))
        self.jpn.act("operator-1", *japan)
        self.wait_state("SYN-1", "MONITORING", "NOTIFIED", self.tha)
        self.tha.act("operator-1", "credits", "issue", "--partnership", "TH", "--decision", decision, "--target",
                     "2=TH-GOV")
        self.wait_state("SYN-1", "MONITORING", "ISSUED")
        self.step("operator-1", "SYN-1", "MONITORING", "report_issuance", files=("letter",))
        self.tha.act("operator-1", "dossier", "react", "--partnership", "TH", "--id", "SYN-1", "--strand", "MONITORING",
                     "--kind", "issuance-reported")
        self.wait_state("SYN-1", "MONITORING", "CLOSED")
        self.done("TH902: 1,234 t decided, notified, issued by each side, reported to the Joint Committee, closed")

    def history(self):
        steps = self.jpn.read("operator-1", "dossier", "history", "--partnership", "TH", "--id", "TH902")
        there = self.tha.read("operator-1", "dossier", "history", "--partnership", "TH", "--id", "TH902")
        self.story.expect(len(steps) == len(there) and len(steps) > 20, f"{len(steps)} steps here, {len(there)} there")
        past = self.jpn.read("operator-1", "dossier", "show", "--partnership", "TH", "--id", "TH902", "--recorded-at",
                             "2026-05-20T00:00:00Z")
        states = {one["strand"]: one["state"] for one in past["summary"]["strands"]}
        self.story.expect(states.get("DESIGN") == "PUBLIC" and "REGISTRATION" not in states, f"on 20 May: {states}")
        self.done(f"its {len(steps)} steps, with actor, decision and rulebook, read the same in Bangkok; on 20 May it was "
                  "in public input")

    def shares(self, government):
        rest = {"1/2": "1/2", "2/5": "3/5"}[government]
        return ("--share", f"Government of Japan={government},government-of-japan", "--share",
                f"Government of Thailand={rest}")

    def pseudonym(self, person):
        persons = self.jpn.read("operator-1", "person", "list")
        record = next(one for one in persons if one["person_id"] == person)
        return next(h["handle"] for h in record["pseudonyms"] if h["partnership"] == "TH")

    def tell(self):
        self.prepare()
        self.methodology_and_entity()
        self.idea()
        self.no_objection()
        self.design()
        self.issue()
        self.history()

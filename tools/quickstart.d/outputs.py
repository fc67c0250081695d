"""What leaves a registry: the files that the public reads, and the papers for a meeting of the Joint Committee.

Both are made by jcmctl from checkpoints. The story looks at them as a reader would: with the standard library's own readers of
CSV, JSON and XML.
"""

import csv
import hashlib
import json
import xml.etree.ElementTree as xml

from machine import OUT

PUBLIC = OUT / "public"
ATOM = "{http://www.w3.org/2005/Atom}"


def meeting_pack(story, date, done):
    """The registration of SYN-1 is complete: it must be on the agenda, in both languages."""
    folder = OUT / "meeting-2026-06-18"
    pack = ("meeting", "pack", "--partnership", "JP-TH", "--date", date, "--name", "synthetic meeting", "--place", "Bangkok")
    story.jpn.wait("the request to be under a checkpoint", lambda: any(
        item["reference"] == "TH_PIN901" for item in story.jpn.read("secretariat-1", *pack, "--to", folder)))
    agenda = (folder / "agenda.ja.md").read_text(encoding="utf-8")
    story.expect("JCMプロジェクト登録の決定" in agenda, f"the registration is not on the agenda:\n{agenda}")
    annexes = (folder / "annexes.en.md").read_text(encoding="utf-8")
    story.expect("F\\_Crd\\_Allc" in annexes, f"the annexes have no hash of the allocation:\n{annexes}")
    done(f"papers for the meeting in {folder.name}/: agenda, decision texts, annexes with hashes, draft of the minutes, "
         "table for the press, in English and Japanese")


def publish(story, done):
    address = ("--comments-to", "TH=th-secretariat@demo.invalid")
    story.jpn.read("secretariat-1", "publish", "--to", PUBLIC, *address)
    manifest = json.loads((PUBLIC / "manifest.json").read_text(encoding="utf-8"))
    for file in manifest["files"]:
        digest = hashlib.sha256((PUBLIC / file["name"]).read_bytes()).hexdigest()
        story.expect(digest == file["sha256"], f"{file['name']} is not what the manifest says")
    again(story, manifest, address)
    checkpoints = ", ".join(f"{one['origin']} {one['size']}" for one in manifest["checkpoints"])
    done(f"{len(manifest['files'])} files in public/ from {checkpoints}; a second run at these sizes gives the same bytes")
    tables(story, done)
    feeds(story, done)
    picture(story, done)


def again(story, manifest, address):
    """The same checkpoints later, when the books have gone on."""
    other = OUT / "public-again"
    sizes = [word for one in manifest["checkpoints"] for word in ("--at", f"{one['origin'].split('/')[-1]}={one['size']}")]
    story.jpn.act("secretariat-1", "partnership", "event", "--partnership", "TH", "--kind", "extended", "--date",
                  "2026-06-19", "--text", "synthetic: the books go on")
    story.jpn.read("secretariat-1", "publish", "--to", other, *sizes, *address)
    for file in [*manifest["files"], {"name": "manifest.json"}]:
        story.expect((other / file["name"]).read_bytes() == (PUBLIC / file["name"]).read_bytes(),
                     f"{file['name']} differs when it is published again")


def rows(folder, name):
    with open(folder / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def tables(story, done):
    projects = {row["Reference No."]: row for row in rows(PUBLIC, "site-projects.csv")}
    story.expect(projects["TH902"]["Status"] == "Registered" and projects["TH902"]["Registration date"] == "18 Jun 26",
                 f"TH902 is not published as registered: {projects.get('TH902')}")
    credits = [row for row in rows(PUBLIC, "credits.csv") if row["project"] == "TH014"]
    story.expect(credits and credits[0]["tonnes"] == "2017", f"TH014's credits are not published: {credits}")
    there = OUT / "public-THA"
    story.tha.read("secretariat-1", "publish", "--to", there)
    ours = [{**row, "Checkpoint": ""} for row in rows(PUBLIC, "site-projects.csv") if row["Host country"] == "Thailand"]
    theirs = [{**row, "Checkpoint": ""} for row in rows(there, "site-projects.csv")]
    story.expect(ours == theirs, f"the two governments publish different projects:\n{ours}\n{theirs}")
    done(f"projects, methodologies and credits as the JCM site has them and with ISO dates; {len(projects)} projects, and "
         "Thailand's node publishes the same ones of its partnership")


def feeds(story, done):
    entries = 0
    for path in sorted(PUBLIC.glob("*.atom")):
        feed = xml.parse(path).getroot()
        story.expect(feed.tag == ATOM + "feed", f"{path.name} is no Atom feed")
        for part in [feed, *feed.findall(ATOM + "entry")]:
            for name in ("id", "title", "updated"):
                story.expect(len(part.findall(ATOM + name)) == 1, f"{path.name}: not one {name}")
        entries += len(feed.findall(ATOM + "entry"))
    decisions = json.loads((PUBLIC / "decisions.ja.json").read_text(encoding="utf-8"))
    story.expect(decisions["version"].endswith("/1.1") and decisions["items"], "no decisions in the feed")
    calls = json.loads((PUBLIC / "public-inputs.json").read_text(encoding="utf-8"))["calls"]
    story.expect(any(call["comments_to"] == "th-secretariat@demo.invalid" for call in calls), f"no address: {calls}")
    done(f"{len(decisions['items'])} decisions of the Joint Committees and {len(calls)} calls for public input as feeds "
         "in both languages")


def picture(story, done):
    svg = xml.parse(PUBLIC / "pipeline.svg").getroot()
    words = " ".join("".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text"))
    story.expect("Thailand" in words, f"the picture does not show Thailand: {words}")
    waiting = rows(PUBLIC, "pipeline.csv")
    design = [row for row in waiting if row["strand"] == "DESIGN" and row["state"] == "PUBLIC" and row["passed"] != "0"]
    story.expect(design and int(design[0]["passed_longest_days"]) >= 29, f"no public input in the pipeline: {design}")
    done(f"how long each step takes: public/pipeline.csv, and the picture public/pipeline.svg; public input took "
         f"{design[0]['passed_longest_days']} days")

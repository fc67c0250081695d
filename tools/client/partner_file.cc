#include "tools/client/partner_file.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"
#include "tools/client/arguments.h"

namespace jcm::client {
namespace {

constexpr absl::string_view kStatuses[] = {"article-6", "rules-under-revision", "first-committee-planned", "candidate",
                                           "unknown"};
constexpr int kMinutesMax = 14 * 60;

absl::Status Wrong(const std::string& path, absl::string_view line, absl::string_view expected) {
  return Error(Reason::CONFIG_INVALID, absl::StrCat(path, ": ", line, ": expected ", expected));
}

bool IsCode(absl::string_view text, size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), absl::ascii_isupper);
}

int DayNumber(const v1::Date& date) { return date.year() * 10'000 + date.month() * 100 + date.day(); }

std::string DayText(const v1::Date& date) {
  return absl::StrCat(date.year(), "-", date.month() < 10 ? "0" : "", date.month(), "-", date.day() < 10 ? "0" : "",
                      date.day());
}

std::string KindText(v1::PartnershipEventKind kind) {
  const std::string name = v1::PartnershipEventKind_Name(kind).substr(sizeof("PARTNERSHIP_EVENT_KIND_") - 1);
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// DATE, KIND[, TEXT]; the text may have commas of its own.
absl::StatusOr<v1::RecordPartnershipEvent> ParseEvent(const std::string& path, absl::string_view value) {
  const std::vector<std::string> fields = absl::StrSplit(value, absl::MaxSplits(',', 2));
  if (fields.size() < 2) return Wrong(path, value, "DATE, KIND, TEXT");
  v1::RecordPartnershipEvent event;
  JCM_ASSIGN_OR_RETURN(*event.mutable_date(), ParseDay(absl::StripAsciiWhitespace(fields[0])));
  JCM_ASSIGN_OR_RETURN(const v1::PartnershipEventKind kind,
                       ParseEnum<v1::PartnershipEventKind>(v1::PartnershipEventKind_descriptor(),
                                                           absl::StripAsciiWhitespace(fields[1])));
  event.set_kind(kind);
  if (fields.size() == 3) event.set_text(std::string(absl::StripAsciiWhitespace(fields[2])));
  return event;
}

absl::Status SetField(const std::string& name, const std::string& value, PartnerFile* partner) {
  if (name == "partnership") {
    partner->partnership = value;
  } else if (name == "registry") {
    partner->registry = value;
  } else if (name == "name_en") {
    partner->name_en = value;
  } else if (name == "name_ja") {
    partner->name_ja = value;
  } else if (name == "status") {
    partner->status = value;
  } else if (name == "partner_minutes") {
    if (!absl::SimpleAtoi(value, &partner->partner_minutes)) return Wrong(partner->path, value, "minutes east of UTC");
  } else if (name == "rulebook") {
    // Partners lie in a folder of the rulebooks' folder.
    partner->rulebook_paths.push_back(absl::StrCat(FolderOf(FolderOf(partner->path)), "/", value));
  } else if (name == "event") {
    JCM_ASSIGN_OR_RETURN(v1::RecordPartnershipEvent event, ParseEvent(partner->path, value));
    partner->events.push_back(std::move(event));
  } else {
    return Wrong(partner->path, name, "a name that a partner's file has");
  }
  return absl::OkStatus();
}

absl::Status CheckPartner(const PartnerFile& partner) {
  if (!IsCode(partner.partnership, 2)) return Wrong(partner.path, partner.partnership, "partnership = two letters");
  if (!IsCode(partner.registry, 3)) return Wrong(partner.path, partner.registry, "registry = three letters");
  if (partner.name_en.empty() || partner.name_ja.empty()) return Wrong(partner.path, "name", "name_en and name_ja");
  if (std::find(std::begin(kStatuses), std::end(kStatuses), partner.status) == std::end(kStatuses)) {
    return Wrong(partner.path, partner.status, "a status");
  }
  if (partner.partner_minutes < -kMinutesMax || partner.partner_minutes > kMinutesMax) {
    return Wrong(partner.path, absl::StrCat(partner.partner_minutes), "minutes east of UTC");
  }
  const bool is_signed = partner.signed_date() != nullptr;
  const bool candidate = partner.status == "candidate";
  if (is_signed == candidate)
    return Wrong(partner.path, partner.status, "a signing, unless the partner is a candidate");
  if (is_signed && partner.rulebooks.empty()) return Wrong(partner.path, "rulebook", "the rulebook that holds");
  for (const RulebookFile& rulebook : partner.rulebooks) {
    // "TH/2024-07-08", or with its track: "TH-existing/2024-07-08".
    if (!absl::StartsWith(rulebook.version, absl::StrCat(partner.partnership, "/")) &&
        !absl::StartsWith(rulebook.version, absl::StrCat(partner.partnership, "-"))) {
      return Wrong(partner.path, rulebook.version, "a rulebook of this partnership");
    }
  }
  return absl::OkStatus();
}

bool HasEvent(const NodeState& node, const v1::RecordPartnershipEvent& wanted) {
  const auto& events = node.partnership.events();
  return std::any_of(events.begin(), events.end(), [&](const v1::RecordPartnershipEvent& event) {
    return event.kind() == wanted.kind() && DayNumber(event.date()) == DayNumber(wanted.date());
  });
}

const v1::RulebookRecord* FindRulebook(const NodeState& node, const std::string& version) {
  for (const v1::RulebookRecord& record : node.rulebooks) {
    if (record.version() == version) return &record;
  }
  return nullptr;
}

std::string EventText(const v1::RecordPartnershipEvent& event) {
  return absl::StrCat("event ", KindText(event.kind()), " of ", DayText(event.date()));
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

void DiffEvents(const PartnerFile& partner, const NodeState& node, std::vector<PartnerDifference>* differences) {
  for (const v1::RecordPartnershipEvent& event : MissingEvents(partner, node)) {
    differences->push_back({EventText(event), event.text().empty() ? "yes" : event.text(), ""});
  }
  for (const v1::RecordPartnershipEvent& event : node.partnership.events()) {
    const bool known = std::any_of(partner.events.begin(), partner.events.end(), [&](const auto& one) {
      return one.kind() == event.kind() && DayNumber(one.date()) == DayNumber(event.date());
    });
    if (!known) differences->push_back({EventText(event), "", event.text().empty() ? "yes" : event.text()});
  }
}

void DiffRulebooksOf(const PartnerFile& partner, const NodeState& node, std::vector<PartnerDifference>* differences) {
  for (const RulebookFile& rulebook : partner.rulebooks) {
    const v1::RulebookRecord* record = FindRulebook(node, rulebook.version);
    const std::string what = absl::StrCat("rulebook ", rulebook.version);
    if (record == nullptr) {
      differences->push_back({what, "effective " + DayText(rulebook.effective_date), ""});
      continue;
    }
    const Digest digest = Sha256(state::Serialise(rulebook.parameters));
    if (record->parameters_digest() != AsBytes(digest)) {
      for (const RulebookDifference& one : DiffRulebooks(rulebook.parameters, record->parameters())) {
        differences->push_back({absl::StrCat(what, ", ", one.parameter), one.left, one.right});
      }
    }
  }
  for (const v1::RulebookRecord& record : node.rulebooks) {
    const bool known = std::any_of(partner.rulebooks.begin(), partner.rulebooks.end(),
                                   [&](const RulebookFile& one) { return one.version == record.version(); });
    if (!known && record.superseded_by().empty()) {
      differences->push_back(
          {absl::StrCat("rulebook ", record.version()), "", "effective " + DayText(record.effective_date())});
    }
  }
}

}  // namespace

const v1::Date* PartnerFile::signed_date() const {
  for (const v1::RecordPartnershipEvent& event : events) {
    if (event.kind() == v1::PARTNERSHIP_EVENT_KIND_SIGNED) return &event.date();
  }
  return nullptr;
}

absl::StatusOr<PartnerFile> ReadPartner(FileSystem& files, const std::string& path) {
  const absl::StatusOr<std::string> text = files.ReadFile(path);
  if (!text.ok()) return Error(Reason::NOT_FOUND, path);
  PartnerFile partner;
  partner.path = path;
  const absl::StatusOr<std::vector<std::pair<std::string, std::string>>> settings = ParseSettings(*text);
  if (!settings.ok()) return Error(Reason::CONFIG_INVALID, absl::StrCat(path, ": ", settings.status().message()));
  for (const auto& [name, value] : *settings) {
    const absl::Status set = SetField(name, value, &partner);
    if (!set.ok()) return Error(Reason::CONFIG_INVALID, absl::StrCat(path, ": ", name, ": ", set.message()));
  }
  for (const std::string& rulebook : partner.rulebook_paths) {
    JCM_ASSIGN_OR_RETURN(RulebookFile read, ReadRulebook(files, rulebook));
    partner.rulebooks.push_back(std::move(read));
  }
  std::stable_sort(partner.events.begin(), partner.events.end(),
                   [](const auto& a, const auto& b) { return DayNumber(a.date()) < DayNumber(b.date()); });
  JCM_RETURN_IF_ERROR(CheckPartner(partner));
  return partner;
}

absl::StatusOr<std::vector<PartnerFile>> ReadPartners(FileSystem& files, const std::string& folder) {
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.ListDir(folder));
  std::vector<PartnerFile> partners;
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".partner")) continue;
    JCM_ASSIGN_OR_RETURN(PartnerFile partner, ReadPartner(files, absl::StrCat(folder, "/", name)));
    if (name != partner.partnership + ".partner") {
      return Wrong(partner.path, partner.partnership, "the file to have the partnership's name");
    }
    partners.push_back(std::move(partner));
  }
  std::sort(partners.begin(), partners.end(),
            [](const PartnerFile& a, const PartnerFile& b) { return a.partnership < b.partnership; });
  return partners;
}

std::vector<PartnerDifference> DiffPartner(const PartnerFile& partner, const NodeState& node) {
  std::vector<PartnerDifference> differences;
  if (!node.opened) return {{"partnership", partner.partnership, ""}};
  const bool of_partner = node.partnership.own_registry() == partner.registry;
  const std::string& other = of_partner ? node.partnership.own_registry() : node.partnership.peer_registry();
  if (other != partner.registry) differences.push_back({"registry", partner.registry, other});
  const v1::Date* day = partner.signed_date();
  const std::string in_file = day == nullptr ? "" : DayText(*day);
  const std::string on_node = node.partnership.has_signed_date() ? DayText(node.partnership.signed_date()) : "";
  if (in_file != on_node) differences.push_back({"signed", in_file, on_node});
  DiffEvents(partner, node, &differences);
  DiffRulebooksOf(partner, node, &differences);
  return differences;
}

std::vector<v1::RecordPartnershipEvent> MissingEvents(const PartnerFile& partner, const NodeState& node) {
  std::vector<v1::RecordPartnershipEvent> missing;
  for (const v1::RecordPartnershipEvent& event : partner.events) {
    if (!HasEvent(node, event)) missing.push_back(event);
  }
  return missing;
}

std::vector<size_t> MissingRulebooks(const PartnerFile& partner, const NodeState& node) {
  std::vector<size_t> missing;
  for (size_t i = 0; i < partner.rulebooks.size(); ++i) {
    if (FindRulebook(node, partner.rulebooks[i].version) == nullptr) missing.push_back(i);
  }
  return missing;
}

std::vector<std::string> ActsToOpen(const PartnerFile& partner, const NodeState& node, const std::string& mode) {
  const std::string in = absl::StrCat(" --partnership ", partner.partnership);
  std::vector<std::string> acts;
  if (!node.opened) {
    const v1::Date* day = partner.signed_date();
    const std::string keys =
        mode == "attested" ? "" : " --peer-key 1=PARTNER-KEY.pem --peer-recovery-key PARTNER-RECOVERY.pem";
    acts.push_back(absl::StrCat("jcmctl partnership open", in, " --peer ", partner.registry,
                                " --peer-domain PARTNER-DOMAIN --mode ", mode, keys,
                                day == nullptr ? "" : absl::StrCat(" --signed-date ", DayText(*day)),
                                " --document @MEMORANDUM.pdf --key OPERATOR.pem --key SECOND-PERSON.pem"));
  }
  for (const v1::RecordPartnershipEvent& event : MissingEvents(partner, node)) {
    acts.push_back(absl::StrCat("jcmctl partnership event", in, " --kind ", KindText(event.kind()), " --date ",
                                DayText(event.date()), event.text().empty() ? "" : " --text " + Quoted(event.text())));
  }
  for (const size_t i : MissingRulebooks(partner, node)) {
    acts.push_back(absl::StrCat("jcmctl rulebook adopt", in, " --parameters ", partner.rulebook_paths[i]));
  }
  if (!node.opened) {
    acts.push_back(absl::StrCat("jcmctl member appoint", in, " --member CO-CHAIR --person PERSON --co-chair"));
    acts.push_back(absl::StrCat("jcmctl member appoint", in, " --member MEMBER --person PERSON"));
  }
  return acts;
}

}  // namespace jcm::client

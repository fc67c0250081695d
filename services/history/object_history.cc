#include "services/history/object_history.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/record_access.h"
#include "services/common/resource_name.h"
#include "services/common/summary.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// An empty record of a table; null for a table that no history tells of.
std::unique_ptr<Message> NewRecord(uint32_t table) {
  switch (table) {
    case v1::TABLE_PARTNERSHIP:
      return std::make_unique<v1::PartnershipRecord>();
    case v1::TABLE_RULEBOOK:
      return std::make_unique<v1::RulebookRecord>();
    case v1::TABLE_MEMBER:
      return std::make_unique<v1::MemberRecord>();
    case v1::TABLE_CONFLICT:
      return std::make_unique<v1::ConflictRecord>();
    case v1::TABLE_PROJECT:
      return std::make_unique<v1::ProjectRecord>();
    case v1::TABLE_DECISION:
      return std::make_unique<v1::DecisionRecord>();
    case v1::TABLE_REACTION:
      return std::make_unique<v1::ReactionRecord>();
    case v1::TABLE_VOTE:
      return std::make_unique<v1::VoteRecord>();
    case v1::TABLE_VOTES_CLOSED:
      return std::make_unique<v1::VotesClosedRecord>();
    case v1::TABLE_DOSSIER:
      return std::make_unique<v1::DossierRecord>();
    case v1::TABLE_STRAND:
      return std::make_unique<v1::StrandRecord>();
    case v1::TABLE_DOSSIER_REACTION:
      return std::make_unique<v1::DossierReactionRecord>();
    case v1::TABLE_LOT:
      return std::make_unique<v1::LotRecord>();
    case v1::TABLE_ISSUANCE:
      return std::make_unique<v1::IssuanceRecord>();
    case v1::TABLE_AUTHORIZATION:
      return std::make_unique<v1::AuthorizationRecord>();
    default:
      return nullptr;
  }
}

// Keys have eight bytes of a number in them where an object has several records.
std::string ShownKey(const std::string& key) {
  const bool text = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return text ? key : HexEncode(key);
}

std::string TextOfField(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated() ? reflection.FieldSize(message, &field) == 0
                          : (field.has_presence() ? !reflection.HasField(message, &field) : false)) {
    return "";
  }
  if (!field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const std::string& name = reflection.GetEnum(message, &field)->name();
    return absl::EndsWith(name, "_UNSPECIFIED") ? "" : name;
  }
  if (!field.is_repeated() && field.type() == FieldDescriptor::TYPE_BYTES) {
    return HexEncode(reflection.GetString(message, &field));
  }
  if (!field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return reflection.GetString(message, &field);
  }
  if (!field.is_repeated() && field.message_type() == v1::Date::descriptor()) {
    return FormatDate(rules::ToDate(static_cast<const v1::Date&>(reflection.GetMessage(message, &field))));
  }
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  if (!field.is_repeated()) {
    printer.PrintFieldValueToString(message, &field, -1, &text);
    // Zero is how a number that was never set reads.
    return text == "0" || text == "false" ? "" : text;
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    std::string one;
    printer.PrintFieldValueToString(message, &field, i, &one);
    absl::StrAppend(&text, i == 0 ? "" : ", ", one);
  }
  return text;
}

struct EntryFacts {
  BookTime time;
  v1::Date legal_date;
  v1::Provenance provenance = v1::PROVENANCE_UNSPECIFIED;
  std::string summary;
  std::string author;
  v1::Effects effects;
};

absl::StatusOr<EntryFacts> FactsOf(const v1::EntryRecord& entry) {
  EntryFacts facts;
  JCM_ASSIGN_OR_RETURN(const book::Leaf leaf, book::DecodeLeaf(entry.leaf()));
  facts.time = leaf.time;
  facts.legal_date = rules::FromDate(DayInZone(leaf.time, 0));
  facts.summary = SummaryOf(leaf.kind, entry.command());
  if (!facts.effects.ParseFromString(entry.effects())) return Error(Reason::STORE_CORRUPT, "effects");
  if (leaf.kind != book::LeafKind::COMMAND) return facts;
  v1::SignedPart part;
  v1::BundlePart body;
  v1::Command command;
  v1::Context context;
  if (!part.ParseFromString(entry.command()) || !body.ParseFromString(part.part()) ||
      !command.ParseFromString(body.command()) || !context.ParseFromString(entry.context())) {
    return Error(Reason::STORE_CORRUPT, "a command");
  }
  if (command.has_legal_date()) facts.legal_date = command.legal_date();
  facts.provenance = command.provenance();
  if (!context.signers().empty()) facts.author = context.signers(0).pseudonym();
  return facts;
}

bool Counts(const EntryFacts& facts, const HistoryAsked& asked) {
  if (asked.recorded.has_value() && facts.time > *asked.recorded) return false;
  return !asked.legal.has_value() || rules::ToDate(facts.legal_date) <= *asked.legal;
}

absl::StatusOr<api::Change> ChangeOf(const BookId& book, uint64_t sequence, const EntryFacts& facts,
                                     const v1::Effect& effect) {
  api::Change change;
  change.set_entry(EntryNameOf(book, sequence));
  change.mutable_recorded_at()->set_seconds(static_cast<int64_t>(facts.time.micros / kMicrosPerSecond));
  change.mutable_recorded_at()->set_nanos(static_cast<int32_t>(facts.time.micros % kMicrosPerSecond * 1'000));
  *change.mutable_legal_date() = facts.legal_date;
  change.set_provenance(facts.provenance);
  change.set_summary(facts.summary);
  change.set_author(facts.author);
  change.set_table(TableName(effect.table()));
  change.set_key(ShownKey(effect.key()));
  const std::unique_ptr<Message> before = NewRecord(effect.table());
  const std::unique_ptr<Message> after = NewRecord(effect.table());
  if (before == nullptr || !before->ParseFromString(effect.old_value()) ||
      !after->ParseFromString(effect.new_value())) {
    return Error(Reason::STORE_CORRUPT, "a record");
  }
  for (api::FieldChange& field : Differences(*before, *after)) *change.add_fields() = std::move(field);
  return change;
}

absl::StatusOr<std::string> JsonOf(uint32_t table, const std::string& value) {
  if (value.empty()) return std::string();
  const std::unique_ptr<Message> record = NewRecord(table);
  if (record == nullptr || !record->ParseFromString(value)) return Error(Reason::STORE_CORRUPT, "a record");
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString(*record, &json, options).ok()) {
    return Error(Reason::STORE_CORRUPT, "a record");
  }
  return json;
}

// A dossier of a book by id or number, and all of its strands and answers.
absl::StatusOr<std::vector<RecordsOfObject>> DossierRecords(const registry::RegistryView& view, const BookId& book,
                                                            const std::string& id_or_reference) {
  const std::unique_ptr<state::StateReader> state = view.State(book);
  absl::StatusOr<rules::DossierView> found = rules::FindDossier(id_or_reference, *state);
  if (HasReason(found.status(), Reason::DOSSIER_UNKNOWN)) {
    JCM_ASSIGN_OR_RETURN(auto by_reference, rules::FindDossierByReference(id_or_reference, *state));
    if (!by_reference.has_value()) return Error(Reason::NOT_FOUND, id_or_reference);
    found = *std::move(by_reference);
  }
  JCM_RETURN_IF_ERROR(found.status());
  const std::string& id = found->record.dossier_id();
  return std::vector<RecordsOfObject>{{v1::TABLE_DOSSIER, id, false},
                                      {v1::TABLE_STRAND, absl::StrCat(id, "/"), true},
                                      {v1::TABLE_DOSSIER_REACTION, absl::StrCat(id, "/"), true}};
}

}  // namespace

absl::StatusOr<NamedObject> FindNamed(const registry::RegistryView& view, const std::string& registry,
                                      const std::string& name) {
  // A rulebook's version has slashes of its own.
  const std::vector<std::string> parts = absl::StrSplit(name, absl::MaxSplits('/', 3));
  NamedObject object;
  JCM_ASSIGN_OR_RETURN(object.partnership,
                       ParsePartnershipName(parts.size() < 2 ? name : absl::StrCat(parts[0], "/", parts[1])));
  const BookId book{registry, object.partnership};
  JCM_RETURN_IF_ERROR(view.Info(book).status());
  if (parts.size() == 2) {
    object.records = {{v1::TABLE_PARTNERSHIP, "partnership", false}};
    return object;
  }
  const std::string id = parts.size() == 4 ? parts[3] : "";
  const std::string below = absl::StrCat(id, "/");
  const std::string& kind = parts[2];
  if (id.empty() || (kind != "rulebooks" && !IsObjectId(id))) {
    return Error(Reason::RESOURCE_NAME_INVALID, name);
  }
  if (kind == "decisions") {
    object.records = {{v1::TABLE_DECISION, id, false},
                      {v1::TABLE_REACTION, id, false},
                      {v1::TABLE_VOTE, below, true},
                      {v1::TABLE_VOTES_CLOSED, id, false},
                      {v1::TABLE_ISSUANCE, id, false}};
  } else if (kind == "members") {
    object.records = {{v1::TABLE_MEMBER, id, false}, {v1::TABLE_CONFLICT, below, true}};
  } else if (kind == "rulebooks") {
    object.records = {{v1::TABLE_RULEBOOK, id, false}};
  } else if (kind == "lots") {
    object.records = {{v1::TABLE_LOT, id, false}};
  } else if (kind == "authorizations") {
    object.records = {{v1::TABLE_AUTHORIZATION, id, false}};
  } else if (kind == "dossiers" || kind == "methodologies" || kind == "thirdPartyEntities") {
    JCM_ASSIGN_OR_RETURN(object.records, DossierRecords(view, book, id));
  } else if (kind == "projects") {
    auto dossier = DossierRecords(view, book, id);
    if (!dossier.ok() && !HasReason(dossier.status(), Reason::NOT_FOUND)) return dossier.status();
    if (dossier.ok()) object.records = *std::move(dossier);
    object.records.push_back({v1::TABLE_PROJECT, id, false});
  } else {
    return Error(Reason::RESOURCE_NAME_INVALID, name);
  }
  return object;
}

absl::StatusOr<ObjectHistory> HistoryOf(const registry::RegistryView& view, const ChangeIndex& index,
                                        const std::vector<BookId>& books, const NamedObject& object,
                                        const HistoryAsked& asked) {
  struct Told {
    std::tuple<uint64_t, size_t, uint64_t> order;  // time, book, sequence
    api::Change change;
  };
  std::vector<Told> told;
  ObjectHistory history;
  size_t examined = 0;
  for (size_t place = 0; place < books.size(); ++place) {
    std::map<std::pair<uint32_t, std::string>, std::string> latest;
    for (const RecordsOfObject& records : object.records) {
      for (const ChangedAt& at : index.Of(books[place], records.table, records.key, records.prefix)) {
        if (++examined > kChangesPerObjectMax) return Error(Reason::PAST_TOO_FAR, absl::StrCat(examined, " changes"));
        JCM_ASSIGN_OR_RETURN(const v1::EntryRecord entry, view.Entry(books[place], at.sequence));
        JCM_ASSIGN_OR_RETURN(const EntryFacts facts, FactsOf(entry));
        if (!Counts(facts, asked)) continue;
        for (const v1::Effect& effect : facts.effects.effects()) {
          if (effect.table() != records.table || effect.key() != at.key) continue;
          JCM_ASSIGN_OR_RETURN(api::Change change, ChangeOf(books[place], at.sequence, facts, effect));
          told.push_back({{facts.time.micros, place, at.sequence}, std::move(change)});
          latest[{effect.table(), effect.key()}] = effect.new_value();
        }
      }
    }
    for (const auto& [record, value] : latest) {
      api::RecordAt one;
      one.set_table(TableName(record.first));
      one.set_key(ShownKey(record.second));
      one.set_book(books[place].ToString());
      JCM_ASSIGN_OR_RETURN(*one.mutable_json(), JsonOf(record.first, value));
      history.records.push_back(std::move(one));
    }
  }
  std::stable_sort(told.begin(), told.end(), [](const Told& a, const Told& b) { return a.order < b.order; });
  for (Told& one : told) history.changes.push_back(std::move(one.change));
  return history;
}

std::vector<api::FieldChange> Differences(const Message& before, const Message& after) {
  std::vector<api::FieldChange> changes;
  const google::protobuf::Descriptor& type = *after.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    std::string old_text = TextOfField(before, field);
    std::string new_text = TextOfField(after, field);
    if (old_text == new_text) continue;
    api::FieldChange change;
    change.set_field(field.name());
    change.set_before(std::move(old_text));
    change.set_after(std::move(new_text));
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace jcm::services

// The partnership of a book: who the other side is, its mode, this side's members of the Joint Committee, its projects,
// and notices about new rules.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/book/genesis.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

constexpr size_t kDomainBytesMax = 200;
constexpr int kEventsMax = 200;

absl::Status CheckRegistryCode(absl::string_view code) {
  if (code.size() != 3) return Error(Reason::FIELD_INVALID, "a registry's code is not three letters");
  for (char c : code) {
    if (c < 'A' || c > 'Z') return Error(Reason::FIELD_INVALID, "a registry's code is not three letters A-Z");
  }
  return absl::OkStatus();
}

absl::Status CheckPeerKeys(const v1::KeySetData& keys) {
  if (keys.keys().empty()) return Error(Reason::FIELD_REQUIRED, "the partner's keys");
  return book::KeySetFromProto(keys).status();
}

absl::Status CheckMode(v1::PartnershipMode mode) {
  if (!v1::PartnershipMode_IsValid(mode) || mode == v1::PARTNERSHIP_MODE_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "there is no such mode");
  }
  return absl::OkStatus();
}

absl::Status CheckPeer(const RuleInput& input, const v1::OpenPartnership& command) {
  if (command.partnership() != input.book.partnership) {
    return Error(Reason::FIELD_INVALID, "the command names another partnership than its book");
  }
  JCM_RETURN_IF_ERROR(CheckRegistryCode(command.peer_registry()));
  if (command.peer_registry() == input.book.registry) {
    return Error(Reason::FIELD_INVALID, "a registry is not its own partner");
  }
  JCM_RETURN_IF_ERROR(CheckMode(command.mode()));
  JCM_RETURN_IF_ERROR(CheckText(command.peer_domain(), kDomainBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDate(command.signed_date(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  const bool keeps_book = command.mode() != v1::PARTNERSHIP_MODE_ATTESTED;
  if (keeps_book || command.has_peer_keys()) JCM_RETURN_IF_ERROR(CheckPeerKeys(command.peer_keys()));
  if (keeps_book || command.has_peer_recovery_key()) JCM_RETURN_IF_ERROR(CheckPublicKey(command.peer_recovery_key()));
  return absl::OkStatus();
}

// One co-chair at a time; one office per person at a time.
absl::Status CheckOffice(const v1::AppointMember& command, const state::StateReader& state) {
  absl::Status result;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_MEMBER, "", "", [&](absl::string_view, absl::string_view value) {
    v1::MemberRecord member;
    if (!member.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      result = Error(Reason::STORE_CORRUPT, "a member's record cannot be parsed");
    } else if (member.until_us() != 0) {
      return true;
    } else if (member.pseudonym() == command.pseudonym()) {
      result = Error(Reason::ALREADY_EXISTS, "the person is a member already");
    } else if (member.co_chair() && command.co_chair()) {
      result = Error(Reason::ALREADY_EXISTS, "this side has a co-chair in office");
    }
    return result.ok();
  }));
  return result;
}

// An alternate stands behind one member in office.
absl::Status CheckAlternate(const v1::AppointMember& command, const state::StateReader& state) {
  if (command.alternate_of().empty()) return absl::OkStatus();
  if (command.co_chair()) return Error(Reason::FIELD_INVALID, "a co-chair's alternate is no co-chair yet");
  JCM_ASSIGN_OR_RETURN(auto member, state.Get<v1::MemberRecord>(v1::TABLE_MEMBER, command.alternate_of()));
  if (!member.has_value() || member->until_us() != 0 || !member->alternate_of().empty()) {
    return Error(Reason::MEMBER_UNKNOWN, "an alternate stands behind a member in office");
  }
  return absl::OkStatus();
}

// Whether a rulebook in force lets no project in but by its dossier. What an earlier registry had is taken over as it
// is.
absl::StatusOr<bool> DossierRequired(const RuleInput& input, const state::StateReader& state) {
  if (input.provenance == v1::PROVENANCE_MIGRATED) return false;
  bool required = false;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_RULEBOOK, "", "", [&](absl::string_view key, absl::string_view) {
    const auto rulebook = RulebookInForce(key, input.time, state);
    required = required || (rulebook.ok() && rulebook->parameters().dossier_required());
    return !required;
  }));
  return required;
}

// When a term ends by itself: 24:00 of its last day in the later of the two capitals, as the newest rulebook has them;
// before there is one, in UTC.
absl::StatusOr<BookTime> TermEnd(const v1::Date& last_day, const state::StateReader& state) {
  v1::RulebookRecord newest;
  bool readable = true;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_RULEBOOK, "", "", [&](absl::string_view, absl::string_view value) {
    v1::RulebookRecord record;
    readable = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (readable && (newest.version().empty() || record.adopted_at_us() >= newest.adopted_at_us())) newest = record;
    return readable;
  }));
  if (!readable) return Error(Reason::STORE_CORRUPT, "a rulebook");
  if (newest.version().empty()) return StartOfDay(AddDays(ToDate(last_day), 1), /*offset_minutes=*/0);
  return EndOfDay(ToDate(last_day), newest.parameters());
}

absl::StatusOr<v1::RulesRecord> GetRules(const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, state.Get<v1::RulesRecord>(v1::TABLE_RULES, kRulesKey));
  return record.value_or(v1::RulesRecord());
}

}  // namespace

absl::Status ApplyOpenPartnership(const RuleInput& input, const v1::OpenPartnership& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_PARTNERSHIP, kPartnershipKey));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "the partnership is open already");
  JCM_RETURN_IF_ERROR(CheckPeer(input, command));

  v1::PartnershipRecord record;
  record.set_partnership(command.partnership());
  record.set_own_registry(input.book.registry);
  record.set_peer_registry(command.peer_registry());
  record.set_peer_domain(command.peer_domain());
  record.set_mode(command.mode());
  if (command.has_signed_date()) *record.mutable_signed_date() = command.signed_date();
  record.set_opened_at_us(input.time.micros);
  record.set_mode_since_us(input.time.micros);
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_PARTNERSHIP, kPartnershipKey, record));

  v1::CursorRecord cursor;
  cursor.set_peer_registry(command.peer_registry());
  if (command.has_peer_keys()) *cursor.mutable_peer_keys() = command.peer_keys();
  if (command.has_peer_recovery_key()) *cursor.mutable_peer_recovery_key() = command.peer_recovery_key();
  return transition.Put(v1::TABLE_CURSOR, kCursorKey, cursor);
}

absl::Status ApplyRecordPartnershipEvent(const RuleInput&, const v1::RecordPartnershipEvent& command,
                                         Transition& transition) {
  if (!v1::PartnershipEventKind_IsValid(command.kind()) || command.kind() == v1::PARTNERSHIP_EVENT_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the event's kind");
  }
  JCM_RETURN_IF_ERROR(CheckDate(command.date(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(command.text(), kReasonBytesMax, /*required=*/false));
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord record, GetPartnership(transition));
  if (record.events_size() >= kEventsMax) return Error(Reason::FIELD_INVALID, "too many events");
  std::vector<v1::RecordPartnershipEvent> events(record.events().begin(), record.events().end());
  for (const v1::RecordPartnershipEvent& event : events) {
    if (event.kind() == command.kind() && ToDate(event.date()) == ToDate(command.date())) {
      return Error(Reason::ALREADY_EXISTS, "this event of this day is recorded");
    }
  }
  events.push_back(command);
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return ToDate(a.date()) < ToDate(b.date()); });
  record.clear_events();
  for (v1::RecordPartnershipEvent& event : events) *record.add_events() = std::move(event);
  return transition.Put(v1::TABLE_PARTNERSHIP, kPartnershipKey, record);
}

absl::Status ApplySetPartnershipMode(const RuleInput& input, const v1::SetPartnershipMode& command,
                                     Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckMode(command.mode()));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/true));
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord record, GetPartnership(transition));
  if (record.mode() == command.mode()) return Error(Reason::FIELD_INVALID, "the partnership is in this mode already");
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, GetCursor(transition));
  // From its import on nothing is attested: a partner whose book has been read is never taken at somebody else's word.
  if (command.mode() == v1::PARTNERSHIP_MODE_ATTESTED && cursor.imported_size() > 0) {
    return Error(Reason::MODE_NOT_ALLOWED, "the partner keeps a book, which has been imported");
  }
  if (command.mode() != v1::PARTNERSHIP_MODE_ATTESTED && cursor.peer_keys().keys().empty()) {
    return Error(Reason::MODE_NOT_ALLOWED, "the partner's keys are not known");
  }
  record.set_mode(command.mode());
  record.set_mode_since_us(input.time.micros);
  return transition.Put(v1::TABLE_PARTNERSHIP, kPartnershipKey, record);
}

absl::Status ApplyAppointMember(const RuleInput& input, const v1::AppointMember& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.member_id()));
  JCM_RETURN_IF_ERROR(CheckHandleText(command.pseudonym()));
  JCM_RETURN_IF_ERROR(CheckText(command.title(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.conflict_declaration_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDate(command.term_end(), /*required=*/false));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_MEMBER, command.member_id()));
  // A term of office that has ended keeps its id: votes are counted by who was in office when.
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "the member's id is in use");
  JCM_RETURN_IF_ERROR(CheckOffice(command, transition));
  JCM_RETURN_IF_ERROR(CheckAlternate(command, transition));

  v1::MemberRecord record;
  record.set_member_id(command.member_id());
  record.set_pseudonym(command.pseudonym());
  record.set_co_chair(command.co_chair());
  record.set_title(command.title());
  record.set_from_us(input.time.micros);
  record.set_conflict_declaration_digest(command.conflict_declaration_digest());
  if (command.has_term_end()) *record.mutable_term_end() = command.term_end();
  record.set_alternate_of(command.alternate_of());
  if (command.has_term_end()) {
    JCM_ASSIGN_OR_RETURN(const BookTime end, TermEnd(command.term_end(), transition));
    if (end <= input.time) return Error(Reason::FIELD_INVALID, "the term has ended already");
    record.set_term_end_us(end.micros);
    JCM_RETURN_IF_ERROR(AddDeadline(end, v1::DEADLINE_KIND_TERM_END, record.member_id(), transition));
  }
  return transition.Put(v1::TABLE_MEMBER, record.member_id(), record);
}

absl::Status ApplyEndMember(const RuleInput& input, const v1::EndMember& command, Transition& transition) {
  if (!command.replaced_by().empty()) JCM_RETURN_IF_ERROR(CheckId(command.replaced_by()));
  JCM_ASSIGN_OR_RETURN(auto record, transition.Get<v1::MemberRecord>(v1::TABLE_MEMBER, command.member_id()));
  if (!record.has_value() || record->until_us() != 0) {
    return Error(Reason::MEMBER_UNKNOWN, "no such member is in office on this side");
  }
  if (command.replaced_by() == command.member_id()) {
    return Error(Reason::FIELD_INVALID, "nobody replaces oneself");
  }
  record->set_until_us(input.time.micros);
  record->set_replaced_by(command.replaced_by());
  if (record->term_end_us() != 0) {
    JCM_RETURN_IF_ERROR(RemoveDeadline(BookTime::FromMicros(record->term_end_us()), v1::DEADLINE_KIND_TERM_END,
                                       command.member_id(), transition));
  }
  return transition.Put(v1::TABLE_MEMBER, command.member_id(), *record);
}

absl::Status OnTermEndDeadline(const RuleInput& input, const v1::DeadlineRecord& deadline, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto record, transition.Get<v1::MemberRecord>(v1::TABLE_MEMBER, deadline.object_id()));
  if (!record.has_value() || record->until_us() != 0 || record->term_end_us() != deadline.due_us()) {
    return absl::OkStatus();
  }
  // Not earlier than now: what this side has stated about who was in office before stays as it was stated.
  record->set_until_us(input.time.micros);
  return transition.Put(v1::TABLE_MEMBER, deadline.object_id(), *record);
}

absl::Status ApplyRegisterProject(const RuleInput& input, const v1::RegisterProject& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.project_id()));
  JCM_RETURN_IF_ERROR(CheckText(command.title_en(), kTitleBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(command.title_ja(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDate(command.registration_date(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDate(command.crediting_start(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDate(command.crediting_end(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  if (command.has_crediting_start() && command.has_crediting_end() &&
      ToDate(command.crediting_end()) < ToDate(command.crediting_start())) {
    return Error(Reason::FIELD_INVALID, "the crediting period ends before it begins");
  }
  JCM_ASSIGN_OR_RETURN(const bool by_dossier, DossierRequired(input, transition));
  if (by_dossier) return Error(Reason::DOSSIER_REQUIRED, "the rulebook registers projects by their dossiers alone");
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_PROJECT, command.project_id()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "the project is registered already");

  v1::ProjectRecord record;
  record.set_project_id(command.project_id());
  record.set_title_en(command.title_en());
  record.set_title_ja(command.title_ja());
  if (command.has_registration_date()) *record.mutable_registration_date() = command.registration_date();
  if (command.has_crediting_start()) *record.mutable_crediting_start() = command.crediting_start();
  if (command.has_crediting_end()) *record.mutable_crediting_end() = command.crediting_end();
  record.set_document_digest(command.document_digest());
  record.set_synthetic(command.synthetic());
  record.set_provenance(input.provenance);
  return transition.Put(v1::TABLE_PROJECT, record.project_id(), record);
}

absl::Status ApplyRulesNotice(const RuleInput& input, const v1::RulesNotice& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::BookRecord book, GetBook(transition));
  if (command.rules_version() != book.rules_version() + 1) {
    return Error(Reason::FIELD_INVALID, "rules versions follow one another");
  }
  JCM_ASSIGN_OR_RETURN(v1::RulesRecord rules, GetRules(transition));
  if (rules.noticed_version() >= command.rules_version()) {
    return Error(Reason::ALREADY_EXISTS, "notice of this version has been given");
  }
  rules.set_noticed_version(command.rules_version());
  rules.set_noticed_at_us(input.time.micros);
  return transition.Put(v1::TABLE_RULES, kRulesKey, rules);
}

absl::Status ApplySupportsRules(const RuleInput& input, const v1::SupportsRules& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(v1::RulesRecord rules, GetRules(transition));
  if (command.rules_version() == 0) return Error(Reason::FIELD_REQUIRED, "rules_version is missing");
  if (rules.supported_version() >= command.rules_version()) {
    return Error(Reason::ALREADY_EXISTS, "support of this version has been stated");
  }
  rules.set_supported_version(command.rules_version());
  return transition.Put(v1::TABLE_RULES, kRulesKey, rules);
}

}  // namespace jcm::rules

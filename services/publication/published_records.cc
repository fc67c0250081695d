#include "services/publication/published_records.h"

#include <algorithm>
#include <string>

#include "ledger/base/status.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr v1::Table kTables[] = {
    v1::TABLE_PARTNERSHIP, v1::TABLE_RULEBOOK,  v1::TABLE_MEMBER,       v1::TABLE_PROJECT,
    v1::TABLE_DECISION,    v1::TABLE_REACTION,  v1::TABLE_ISSUANCE,     v1::TABLE_DOSSIER,
    v1::TABLE_STRAND,      v1::TABLE_REFERENCE, v1::TABLE_DOSSIER_STEP,
};

template <typename Documents>
void WithholdIn(Documents* documents) {
  for (v1::Document& document : *documents) {
    if (document.confidential_digest().empty()) continue;
    document.clear_confidential_digest();
    document.set_redaction_reason(kWithheld);
  }
}

void WithholdIn(v1::StepFacts* facts) { facts->clear_persons(); }

// A decision's text in the ledger is bytes; its subjects may name persons.
absl::Status WithholdIn(v1::DecisionRecord* decision) {
  v1::DecisionText text;
  if (!text.ParseFromString(decision->text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  bool changed = false;
  for (v1::DecisionSubject& subject : *text.mutable_subjects()) {
    changed = changed || subject.facts().persons_size() > 0;
    WithholdIn(subject.mutable_facts());
  }
  // The bytes that the digest is of stay as they are, unless something had to be taken out.
  if (changed) decision->set_text(text.SerializeAsString());
  return absl::OkStatus();
}

void WithholdIn(v1::MemberRecord* member) {
  member->clear_pseudonym();
  member->clear_conflict_declaration_digest();
}

void WithholdIn(v1::DossierRecord* dossier) { dossier->clear_persons(); }

void WithholdIn(v1::StrandRecord* strand) {
  WithholdIn(strand->mutable_facts());
  WithholdIn(strand->mutable_documents());
}

void WithholdIn(v1::DossierStepRecord* step) {
  WithholdIn(step->mutable_documents());
  step->clear_actor();
  step->clear_reason();
  step->clear_on_behalf_digest();
}

template <typename Record>
bool Parse(absl::string_view value, Record* record) {
  return record->ParseFromArray(value.data(), static_cast<int>(value.size()));
}

}  // namespace

absl::Span<const v1::Table> PublishedTables() { return kTables; }

bool IsPublished(v1::Table table) {
  return std::find(std::begin(kTables), std::end(kTables), table) != std::end(kTables);
}

absl::StatusOr<api::PublishedRecord> ToPublished(v1::Table table, bool peer, absl::string_view value) {
  JCM_CHECK(IsPublished(table));
  api::PublishedRecord record;
  record.set_peer(peer);
  bool parsed = false;
  switch (table) {
    case v1::TABLE_PARTNERSHIP:
      parsed = Parse(value, record.mutable_partnership());
      break;
    case v1::TABLE_RULEBOOK:
      parsed = Parse(value, record.mutable_rulebook());
      break;
    case v1::TABLE_MEMBER:
      parsed = Parse(value, record.mutable_member());
      WithholdIn(record.mutable_member());
      break;
    case v1::TABLE_PROJECT:
      parsed = Parse(value, record.mutable_project());
      break;
    case v1::TABLE_DECISION:
      parsed = Parse(value, record.mutable_decision());
      if (parsed) JCM_RETURN_IF_ERROR(WithholdIn(record.mutable_decision()));
      break;
    case v1::TABLE_REACTION:
      parsed = Parse(value, record.mutable_reaction());
      break;
    case v1::TABLE_ISSUANCE:
      parsed = Parse(value, record.mutable_issuance());
      record.mutable_issuance()->clear_targets();  // accounts
      break;
    case v1::TABLE_DOSSIER:
      parsed = Parse(value, record.mutable_dossier());
      WithholdIn(record.mutable_dossier());
      break;
    case v1::TABLE_STRAND:
      parsed = Parse(value, record.mutable_strand());
      WithholdIn(record.mutable_strand());
      break;
    case v1::TABLE_REFERENCE:
      parsed = Parse(value, record.mutable_reference());
      break;
    default:
      parsed = Parse(value, record.mutable_step());
      WithholdIn(record.mutable_step());
      break;
  }
  if (!parsed) return Error(Reason::STORE_CORRUPT, "a record cannot be parsed");
  return record;
}

}  // namespace jcm::services

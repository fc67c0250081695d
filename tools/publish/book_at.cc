#include "tools/publish/book_at.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/rulebook.h"

namespace jcm::publish {
namespace {

// Dossiers arrive before their strands, steps and references, own before peer, each by id.
DossierAt* FindDossier(BookAt* book, bool peer, const std::string& id) {
  const auto before = [](const DossierAt& dossier, const std::pair<bool, const std::string*>& wanted) {
    return dossier.peer != wanted.first ? !dossier.peer : dossier.record.dossier_id() < *wanted.second;
  };
  const auto found = std::lower_bound(book->dossiers.begin(), book->dossiers.end(), std::make_pair(peer, &id), before);
  const bool is_it = found != book->dossiers.end() && found->peer == peer && found->record.dossier_id() == id;
  return is_it ? &*found : nullptr;
}

absl::Status Orphan(const std::string& id) { return Error(Reason::STORE_CORRUPT, absl::StrCat("no dossier ", id)); }

absl::Status AddDecision(bool peer, const v1::DecisionRecord& record, BookAt* book) {
  DecisionAt decision;
  decision.peer = peer;
  decision.record = record;
  if (!decision.text.ParseFromString(record.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  book->decisions.push_back(std::move(decision));
  return absl::OkStatus();
}

absl::Status AddRecord(const api::PublishedRecord& record, BookAt* book) {
  const bool peer = record.peer();
  using Case = api::PublishedRecord::RecordCase;
  switch (record.record_case()) {
    case Case::kPartnership:
      if (!peer) book->partnership = record.partnership();
      break;
    case Case::kRulebook:
      book->rulebooks.emplace(record.rulebook().version(), record.rulebook());
      break;
    case Case::kMember:
      book->members.push_back({peer, record.member()});
      break;
    case Case::kProject:
      book->projects.emplace_back(peer, record.project());
      break;
    case Case::kDecision:
      return AddDecision(peer, record.decision(), book);
    case Case::kReaction:
      for (DecisionAt& decision : book->decisions) {
        if (decision.peer != peer && decision.record.decision_id() == record.reaction().decision_id()) {
          decision.reaction = record.reaction();
        }
      }
      break;
    case Case::kIssuance: {
      IssuanceAt& issuance = book->issuances[record.issuance().decision_id()];
      (peer ? issuance.peer : issuance.own) = record.issuance();
      break;
    }
    case Case::kDossier:
      book->dossiers.push_back({peer, record.dossier(), {}, {}, {}});
      break;
    case Case::kStrand: {
      DossierAt* dossier = FindDossier(book, peer, record.strand().dossier_id());
      if (dossier == nullptr) return Orphan(record.strand().dossier_id());
      dossier->strands.push_back(record.strand());
      break;
    }
    case Case::kStep: {
      DossierAt* dossier = FindDossier(book, peer, record.step().dossier_id());
      if (dossier == nullptr) return Orphan(record.step().dossier_id());
      dossier->steps.push_back(record.step());
      break;
    }
    case Case::kReference: {
      DossierAt* dossier = FindDossier(book, peer, record.reference().dossier_id());
      if (dossier == nullptr) return Orphan(record.reference().dossier_id());
      dossier->references.push_back(record.reference());
      break;
    }
    case Case::RECORD_NOT_SET:
      return Error(Reason::FIELD_INVALID, "a record of a newer registry");
  }
  return absl::OkStatus();
}

v1::Date ToProto(Date day) {
  v1::Date date;
  date.set_year(day.year);
  date.set_month(day.month);
  date.set_day(day.day);
  return date;
}

}  // namespace

const v1::StrandRecord* DossierAt::Find(absl::string_view strand, uint32_t instance) const {
  for (const v1::StrandRecord& one : strands) {
    if (one.strand() == strand && one.instance() == instance) return &one;
  }
  return nullptr;
}

std::string DossierAt::StateOf(absl::string_view strand, uint32_t instance) const {
  const v1::StrandRecord* found = Find(strand, instance);
  return found == nullptr ? "" : found->state();
}

const v1::DossierStepRecord* DossierAt::LastStep(absl::string_view strand, uint32_t instance,
                                                 absl::string_view step) const {
  for (auto one = steps.rbegin(); one != steps.rend(); ++one) {
    if (one->strand() == strand && one->instance() == instance && one->step() == step) return &*one;
  }
  return nullptr;
}

bool DossierAt::Ever(absl::string_view strand, absl::string_view step) const {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const v1::DossierStepRecord& one) { return one.strand() == strand && one.step() == step; });
}

std::string DossierAt::BestReference() const {
  return record.references().empty() ? record.dossier_id() : *record.references().rbegin();
}

bool DecisionAt::Confirmed() const {
  return record.state() == v1::DECISION_STATE_ADOPTED && reaction.has_value() &&
         reaction->text_digest() == record.text_digest() && reaction->state() == v1::REACTION_STATE_CONFIRMED;
}

bool DecisionAt::Disputed() const {
  return record.state() != v1::DECISION_STATE_OPEN && reaction.has_value() &&
         reaction->text_digest() == record.text_digest() && reaction->state() == v1::REACTION_STATE_DISPUTED;
}

v1::Date DecisionAt::Day() const {
  if (record.mode() == v1::DECISION_MODE_MEETING && record.has_meeting_date()) return record.meeting_date();
  if (record.adopted_at_us() == 0) return record.legal_date();
  if (record.parameters().zone_offsets().empty()) return record.legal_date();
  // The day in the later capital. A window ends at midnight: that instant still belongs to the day that it ends.
  return ToProto(rules::DayInLaterCapital(BookTime::FromMicros(record.adopted_at_us() - 1), record.parameters()));
}

BookTime BookAt::time() const {
  return BookTime::FromMicros(static_cast<uint64_t>(checkpoint.time().seconds()) * kMicrosPerSecond +
                              static_cast<uint64_t>(checkpoint.time().nanos()) / 1'000);
}

std::string BookAt::CheckpointText() const {
  return absl::StrCat(checkpoint.origin(), " ", checkpoint.size(), " ", Base64Encode(checkpoint.root()));
}

const v1::RulebookParameters* BookAt::ParametersOf(const std::string& version) const {
  const auto rulebook = rulebooks.find(version);
  return rulebook == rulebooks.end() ? nullptr : &rulebook->second.parameters();
}

absl::Status AddPage(const api::ListRecordsAtCheckpointResponse& page, BookAt* book) {
  book->checkpoint = page.checkpoint();
  for (const api::PublishedRecord& record : page.records()) JCM_RETURN_IF_ERROR(AddRecord(record, book));
  return absl::OkStatus();
}

absl::StatusOr<BookAt> ReadBook(const RecordReader& read, const std::string& partnership, uint64_t size) {
  BookAt book;
  api::ListRecordsAtCheckpointRequest request;
  request.set_parent(absl::StrCat("partnerships/", partnership));
  request.set_size(size);
  request.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(const api::ListRecordsAtCheckpointResponse response, read(request));
    JCM_RETURN_IF_ERROR(AddPage(response, &book));
    if (response.next_page_token().empty()) return book;
    request.set_page_token(response.next_page_token());
  }
  return Error(Reason::INTERNAL, "too many pages");
}

}  // namespace jcm::publish

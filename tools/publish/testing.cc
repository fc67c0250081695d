#include "tools/publish/testing.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "services/publication/record_page.h"

namespace jcm::publish {
namespace {

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "PublishStory: %s\n", ToText(status).c_str());
  std::abort();
}

void AddRow(v1::PartyKind party, const char* label, const char* registry, uint64_t first, uint64_t last,
            v1::IssuanceText* text) {
  v1::AllocationRow* row = text->add_rows();
  row->set_row(static_cast<uint32_t>(text->rows_size()));
  row->set_party(party);
  row->set_party_label(label);
  row->set_issuing_registry(registry);
  row->mutable_range()->set_lot_id("TH014-2021-1");
  row->mutable_range()->set_first(first);
  row->mutable_range()->set_last(last);
}

}  // namespace

std::string SecretDigest() { return std::string(AsBytes(Sha256("the complete version"))); }

PublishStory::PublishStory() {
  Must(pair_.PrepareMethodologyAndEntity());
  Must(pair_.Register("sun", "TH015", v1::PROJECT_TYPE_ENERGY));
  DecideTh014();
  Must(pair_.OpenProject("wind", v1::PROJECT_TYPE_ENERGY));
  Must(pair_.Take("participant", "wind", "PIN", "submit"));
  Must(pair_.Take("secretary", "wind", "PIN", "complete", rules::Reference("TH_PIN002")));
  Must(pair_.Decide(v1::DECISION_KIND_NO_OBJECTION, {rules::Subject("wind", "PIN", "clear")}));
  v1::Command design;
  v1::TakeStep* take = design.mutable_take_step();
  take->set_dossier_id("wind");
  take->set_strand("DESIGN");
  take->set_instance(1);
  take->set_step("submit");
  take->mutable_facts()->add_methodologies()->set_reference("TH_AM001");
  take->mutable_facts()->mutable_methodologies(0)->set_version("1.0");
  for (const std::string form : {"F_PDD", "F_MoC", "F_SDIP"}) *take->add_documents() = rules::TestDocument(form);
  take->mutable_documents(0)->set_confidential_digest(SecretDigest());
  take->mutable_documents(0)->set_redaction_reason(kSecretReason);
  Must(pair_.pair().jpn().Submit("TH", design, {"participant"}));
  Must(pair_.Take("secretary", "wind", "DESIGN", "publish"));
  v1::Command hush;
  v1::OpenDossier* open = hush.mutable_open_dossier();
  open->set_dossier_id(kSecretId);
  open->set_kind(v1::DOSSIER_KIND_PROJECT);
  open->set_rulebook_version("TH/C1");
  open->set_title_en(kSecretTitle);
  *open->mutable_project() = rules::TestProject(v1::PROJECT_TYPE_ENERGY);
  open->mutable_project()->set_programme(v1::FUNDING_PROGRAMME_PRIVATE);
  open->add_persons(pair_.pair().jpn().Pseudonym("participant", "TH"));
  Must(pair_.pair().jpn().Submit("TH", hush, {"participant"}));
  Must(pair_.Take("participant", kSecretId, "PIN", "submit"));
  Must(pair_.Days(3));
  Must(pair_.Take("participant", "wind", "DESIGN", "comment"));
}

void PublishStory::DecideTh014() {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance of credits, TH014");
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id("TH014");
  *issuance->mutable_monitoring_start() = rules::MakeDate(2021, 1, 1);
  *issuance->mutable_monitoring_end() = rules::MakeDate(2021, 12, 31);
  issuance->set_verified_tonnes(2017);
  issuance->set_allocation_method("explicit");
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id("TH014-2021-1");
  lot->set_vintage(2021);
  lot->set_tonnes(2017);
  AddRow(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "Government of Japan", "JPN", 1, 1009, issuance);
  AddRow(v1::PARTY_KIND_PARTICIPANT, "project participants", "THA", 1010, 2017, issuance);
  Must(pair_.DecideText(text));
  rules::TestRegistry& japan = pair_.pair().jpn();
  v1::Command issue;
  issue.mutable_issue_credits()->set_decision_id(pair_.last_decision());
  issue.mutable_issue_credits()->set_text_digest(std::string(AsBytes(Sha256(state::Serialise(text)))));
  v1::IssueTarget* target = issue.mutable_issue_credits()->add_targets();
  target->set_row(1);
  target->set_account(japan.AddAccount("JP-GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {}));
  Must(japan.Submit("TH", issue, {"operator"}));
  Must(pair_.pair().Settle());
}

BookAt PublishStory::Book(bool host, uint64_t size) {
  rules::TestRegistry& registry = pair_.pair().of(!host);
  rules::TestBook& entries = registry.book("TH");
  if (size == 0) size = entries.size();
  state::MapState state;
  for (uint64_t sequence = 0; sequence < size; ++sequence) Must(state.Apply(entries.EffectsOf(sequence)));
  api::ListRecordsAtCheckpointResponse page;
  api::BookCheckpoint* checkpoint = page.mutable_checkpoint();
  checkpoint->set_registry(registry.code());
  checkpoint->set_partnership("TH");
  checkpoint->set_peer_registry(pair_.pair().of(host).code());
  checkpoint->set_origin(registry.Origin("TH"));
  checkpoint->set_size(size);
  const std::vector<std::string> note = absl::StrSplit(registry.CheckpointOf("TH", size), '\n');
  checkpoint->set_root(*Base64Decode(note[2]));
  const uint64_t micros = entries.LeafOf(size - 1).time.micros;
  checkpoint->mutable_time()->set_seconds(static_cast<int64_t>(micros / kMicrosPerSecond));
  checkpoint->mutable_time()->set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
  services::RecordPosition position;
  absl::StatusOr<std::vector<uint32_t>> places = services::PlacesOf({});
  Must(services::FillRecords(state, *places, 1'000'000, &position, &page).status());
  BookAt book;
  Must(AddPage(page, &book));
  return book;
}

}  // namespace jcm::publish

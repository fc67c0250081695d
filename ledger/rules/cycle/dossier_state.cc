#include "ledger/rules/cycle/dossier_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/base/status.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

// A rulebook that supersedes another one, and so on: a track has at most so many versions.
constexpr int kVersionsPerTrackMax = 1'000;

uint32_t TableOf(const DossierView& dossier, v1::Table table) {
  return dossier.own ? static_cast<uint32_t>(table) : state::Shadow(table);
}

}  // namespace

std::string StrandKey(absl::string_view dossier_id, absl::string_view strand, uint32_t instance) {
  return absl::StrFormat("%s/%s/%04d", dossier_id, strand, instance);
}

std::string DossierStepKey(absl::string_view dossier_id, uint64_t number) {
  return absl::StrCat(dossier_id, "/", state::SortableNumber(number));
}

std::string DossierReactionKey(absl::string_view dossier_id, absl::string_view strand, uint32_t instance,
                               v1::ReactionKind kind) {
  return absl::StrCat(StrandKey(dossier_id, strand, instance), "/", static_cast<int>(kind));
}

absl::StatusOr<DossierView> FindDossier(absl::string_view dossier_id, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto own, state.Get<v1::DossierRecord>(v1::TABLE_DOSSIER, dossier_id));
  JCM_ASSIGN_OR_RETURN(auto imported, state.Get<v1::DossierRecord>(state::Shadow(v1::TABLE_DOSSIER), dossier_id));
  if (!own.has_value() && !imported.has_value()) return Error(Reason::DOSSIER_UNKNOWN, dossier_id);
  DossierView view;
  view.own = own.has_value();
  view.collides = own.has_value() && imported.has_value();
  view.record = own.has_value() ? *std::move(own) : *std::move(imported);
  return view;
}

absl::StatusOr<absl::optional<DossierView>> FindDossierByReference(absl::string_view reference,
                                                                   const state::StateReader& state) {
  for (const uint32_t table : {uint32_t{v1::TABLE_REFERENCE}, state::Shadow(v1::TABLE_REFERENCE)}) {
    JCM_ASSIGN_OR_RETURN(auto found, state.Get<v1::ReferenceRecord>(table, reference));
    if (!found.has_value()) continue;
    JCM_ASSIGN_OR_RETURN(DossierView view, FindDossier(found->dossier_id(), state));
    return absl::make_optional(std::move(view));
  }
  return absl::optional<DossierView>();
}

absl::StatusOr<absl::optional<v1::StrandRecord>> FindStrand(const DossierView& dossier, absl::string_view strand,
                                                            uint32_t instance, const state::StateReader& state) {
  return state.Get<v1::StrandRecord>(TableOf(dossier, v1::TABLE_STRAND),
                                     StrandKey(dossier.record.dossier_id(), strand, instance));
}

absl::StatusOr<std::vector<v1::StrandRecord>> FindInstances(const DossierView& dossier, absl::string_view strand,
                                                            const state::StateReader& state) {
  std::vector<v1::StrandRecord> instances;
  bool readable = true;
  JCM_RETURN_IF_ERROR(state.Scan(TableOf(dossier, v1::TABLE_STRAND),
                                 absl::StrCat(dossier.record.dossier_id(), "/", strand, "/"), "",
                                 [&](absl::string_view, absl::string_view value) {
                                   v1::StrandRecord record;
                                   readable = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
                                   if (readable) instances.push_back(std::move(record));
                                   return readable;
                                 }));
  if (!readable) return Error(Reason::STORE_CORRUPT, "a strand");
  return instances;
}

absl::StatusOr<std::string> StateOf(const DossierView& dossier, absl::string_view strand, uint32_t instance,
                                    const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto record, FindStrand(dossier, strand, instance, state));
  return record.has_value() ? record->state() : std::string();
}

absl::StatusOr<v1::RulebookRecord> RulebookOf(const v1::DossierRecord& dossier, BookTime time,
                                              const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook, RulebookInForce(dossier.rulebook_version(), time, state));
  for (int i = 0; i < kVersionsPerTrackMax && !rulebook.superseded_by().empty(); ++i) {
    absl::StatusOr<v1::RulebookRecord> next = RulebookInForce(rulebook.superseded_by(), time, state);
    if (HasReason(next.status(), Reason::RULEBOOK_UNKNOWN)) break;  // not in force yet
    JCM_RETURN_IF_ERROR(next.status());
    if (next->in_flight() != v1::IN_FLIGHT_MIGRATE && next->in_flight() != v1::IN_FLIGHT_MIGRATE_AT_NEXT_STEP) break;
    rulebook = *std::move(next);
  }
  return rulebook;
}

v1::PermanenceRule PermanenceOf(const v1::RulebookParameters& parameters, v1::ProjectType type) {
  for (const v1::PermanenceRule& rule : parameters.permanence()) {
    if (rule.type() == type) return rule;
  }
  v1::PermanenceRule none;
  none.set_type(type);
  none.set_regime(v1::PERMANENCE_REGIME_NONE);
  return none;
}

bool IsSwitchedOn(absl::string_view name, const v1::RulebookParameters& parameters, v1::ProjectType type) {
  if (name.empty()) return true;
  if (name == "sustainable_development") return parameters.sustainable_development_required();
  JCM_CHECK(name == "safeguards");
  return PermanenceOf(parameters, type).safeguards_required();
}

uint32_t DaysNamed(absl::string_view name, const v1::RulebookParameters& parameters) {
  const google::protobuf::FieldDescriptor* field =
      v1::RulebookParameters::descriptor()->FindFieldByName(std::string(name));
  JCM_CHECK(field != nullptr && field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT32);
  return parameters.GetReflection()->GetUInt32(parameters, field);
}

}  // namespace jcm::rules

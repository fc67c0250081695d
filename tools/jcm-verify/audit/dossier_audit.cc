#include "tools/jcm-verify/audit/dossier_audit.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/base/date.h"

namespace jcm::verify {
namespace {

using book::LeafKind;
using C = v1::Command;

// What the history of a strand begins with that was taken over from an earlier registry.
constexpr char kMigrated[] = "migrated";

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

template <typename List>
bool SameList(const List& a, const List& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

template <typename List>
bool Contains(const List& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool HasRole(const v1::SignerContext& signer, v1::Role role) {
  return std::find(signer.roles().begin(), signer.roles().end(), role) != signer.roles().end();
}

std::string StrandKey(const std::string& dossier_id, const std::string& strand, uint32_t instance) {
  return absl::StrFormat("%s/%s/%04d", dossier_id, strand, instance);
}

std::string StepKey(const std::string& dossier_id, uint64_t number) {
  std::string key = absl::StrCat(dossier_id, "/");
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift & 0xff));
  return key;
}

std::string NameOf(const v1::DossierStepRecord& step) {
  return absl::StrCat(step.dossier_id(), " ", step.strand(), "/", step.instance(), " ", step.step());
}

bool IsByPersons(const DossierStep& known) {
  return known.who != "committee" && known.who != "clock" && known.who != "ledger";
}

std::tuple<int, int, int> Day(const v1::Date& date) { return {date.year(), date.month(), date.day()}; }

// Whether part of total is at least the fraction; exact. A fraction that is not stated asks for nothing.
bool IsAtLeast(Tonnes part, Tonnes total, const v1::Fraction& fraction) {
  if (fraction.denominator() == 0 || fraction.numerator() == 0) return true;
  return static_cast<unsigned __int128>(part) * fraction.denominator() >=
         static_cast<unsigned __int128>(total) * fraction.numerator();
}

}  // namespace

bool DossierAudit::Require(bool condition, absl::string_view expected, absl::string_view found) {
  return JCM_AUDIT_REQUIRE(report_, condition, Check::DOSSIER, entry_.sequence, expected, found);
}

template <typename Record>
bool DossierAudit::ParseBoth(const EffectBytes& effect, Record* before, Record* after) {
  if (Parse(effect.old_value, before) && Parse(effect.new_value, after)) return true;
  report_.Fail(Check::FORM, entry_.sequence, "", absl::StrCat("a record of table ", effect.table),
               "bytes that are none");
  return false;
}

template <typename Record>
bool DossierAudit::Read(uint32_t table, absl::string_view key, bool imported, Record* record) const {
  const absl::string_view bytes = tables_.Get(table + (imported ? kShadowOffset : 0), key);
  return !bytes.empty() && Parse(bytes, record);
}

void DossierAudit::Check(const DossierEntry& entry, const EffectBytes& effect, bool imported) {
  entry_ = entry;
  switch (effect.table - (imported ? kShadowOffset : 0)) {
    case v1::TABLE_DOSSIER:
      return CheckDossier(effect, imported);
    case v1::TABLE_STRAND:
      touched_strands_.insert({imported, std::string(effect.key)});
      return;
    case v1::TABLE_DOSSIER_STEP: {
      v1::DossierStepRecord before, after;
      if (!ParseBoth(effect, &before, &after)) return;
      const bool once = effect.old_value.empty() && !effect.new_value.empty() &&
                        effect.key == StepKey(after.dossier_id(), after.number());
      if (!Require(once, "a step that is written once, under its number", NameOf(after))) return;
      steps_[{imported, std::string(effect.key)}] = std::move(after);
      return;
    }
    case v1::TABLE_REFERENCE:
      return CheckReference(effect, imported);
    default:
      return CheckReaction(effect, imported);
  }
}

// ---- dossiers, numbers and reactions -------------------------------------------------------------------------------

void DossierAudit::CheckDossier(const EffectBytes& effect, bool imported) {
  v1::DossierRecord before, after;
  if (!ParseBoth(effect, &before, &after)) return;
  touched_dossiers_.insert({imported, std::string(effect.key)});
  if (!imported) before_[std::string(effect.key)] = before;
  if (effect.old_value.empty()) {
    Require(after.dossier_id() == effect.key, absl::StrCat("dossier ", effect.key), after.dossier_id());
    if (!imported) CheckOpened(after);
    return;
  }
  const bool same = before.dossier_id() == after.dossier_id() && before.kind() == after.kind() &&
                    before.title_en() == after.title_en() && before.title_ja() == after.title_ja() &&
                    before.opened_at_us() == after.opened_at_us() && before.provenance() == after.provenance() &&
                    Day(before.legal_date()) == Day(after.legal_date());
  Require(same && after.steps() > before.steps(), absl::StrCat("dossier ", effect.key, " as opened, and a step more"),
          absl::StrCat(effect.new_value.empty() ? "no dossier" : "another", " with ", after.steps(), " steps"));
}

void DossierAudit::CheckOpened(const v1::DossierRecord& dossier) {
  if (entry_.act != nullptr && entry_.act->body == C::kMigrateDossier) return CheckMigrated(dossier);
  const bool act = entry_.act != nullptr && entry_.act->body == C::kOpenDossier;
  if (!Require(act, absl::StrCat("dossier ", dossier.dossier_id(), " opened by its act"), "another entry")) return;
  const v1::OpenDossier& open = entry_.act->command.open_dossier();
  const bool same =
      open.dossier_id() == dossier.dossier_id() && open.kind() == dossier.kind() &&
      open.rulebook_version() == dossier.rulebook_version() && open.title_en() == dossier.title_en() &&
      open.title_ja() == dossier.title_ja() && open.applicant_en() == dossier.applicant_en() &&
      open.applicant_ja() == dossier.applicant_ja() && open.has_project() == dossier.has_project() &&
      open.project().SerializeAsString() == dossier.project().SerializeAsString() &&
      std::equal(open.scopes().begin(), open.scopes().end(), dossier.scopes().begin(), dossier.scopes().end()) &&
      std::equal(open.persons().begin(), open.persons().end(), dossier.persons().begin(), dossier.persons().end());
  Require(same && dossier.opened_at_us() == entry_.time_us && dossier.steps() == 0 && dossier.references().empty() &&
              dossier.designations().empty(),
          absl::StrCat("dossier ", dossier.dossier_id(), " as its act opens it, without a history"), "another");
}

void DossierAudit::CheckMigrated(const v1::DossierRecord& dossier) {
  const v1::MigrateDossier& command = entry_.act->command.migrate_dossier();
  const bool same = command.dossier_id() == dossier.dossier_id() && command.kind() == dossier.kind() &&
                    command.rulebook_version() == dossier.rulebook_version() &&
                    command.title_en() == dossier.title_en() && command.title_ja() == dossier.title_ja() &&
                    command.applicant_en() == dossier.applicant_en() &&
                    command.applicant_ja() == dossier.applicant_ja() &&
                    command.project().SerializeAsString() == dossier.project().SerializeAsString() &&
                    SameList(command.methodologies(), dossier.methodologies()) &&
                    SameList(command.designations(), dossier.designations());
  Require(same && dossier.opened_at_us() == entry_.time_us && dossier.provenance() == v1::PROVENANCE_MIGRATED &&
              dossier.steps() == static_cast<uint64_t>(command.strands_size()),
          absl::StrCat("dossier ", dossier.dossier_id(), " as its act takes it over"), "another");
}

void DossierAudit::CheckReference(const EffectBytes& effect, bool imported) {
  v1::ReferenceRecord before, after;
  if (!ParseBoth(effect, &before, &after)) return;
  v1::DossierRecord dossier;
  const bool kept = effect.old_value.empty() || before.dossier_id() == after.dossier_id();
  const bool listed = Read(v1::TABLE_DOSSIER, after.dossier_id(), imported, &dossier) &&
                      Contains(dossier.references(), after.reference());
  Require(kept && listed && after.reference() == effect.key,
          absl::StrCat("number ", effect.key, " of one dossier, for ever"),
          absl::StrCat("of ", after.dossier_id(), kept ? "" : " instead of ", kept ? "" : before.dossier_id()));
}

void DossierAudit::CheckReaction(const EffectBytes& effect, bool imported) {
  if (imported) return;
  v1::DossierReactionRecord before, after;
  if (!ParseBoth(effect, &before, &after)) return;
  const v1::DossierReactionRecord& record = effect.new_value.empty() ? before : after;
  const bool act = entry_.act != nullptr && entry_.act->body == C::kReactToDossier;
  bool same = false;
  if (act) {
    const v1::ReactToDossier& react = entry_.act->command.react_to_dossier();
    same = react.dossier_id() == record.dossier_id() && react.strand() == record.strand() &&
           react.instance() == record.instance();
    // Only the opposite is taken back.
    same = same && (effect.new_value.empty()
                        ? react.kind() != record.kind()
                        : react.kind() == record.kind() && react.text() == record.text() &&
                              record.at_us() == entry_.time_us && SameList(react.documents(), record.documents()));
  }
  Require(same, absl::StrCat("a reaction to ", record.dossier_id(), " as its act says"), "another");
}

// ---- steps ---------------------------------------------------------------------------------------------------------

void DossierAudit::FinishEntry() {
  if (steps_.empty() && touched_strands_.empty() && touched_dossiers_.empty()) return;
  if (!tables_.Of(v1::TABLE_RESOLUTION).empty()) {
    report_.NotCheckable(Check::DOSSIER, absl::StrCat("from entry ", entry_.sequence,
                                                      " on: a resolution of both governments has changed the book"));
  } else {
    size_t by_persons = 0;
    for (const auto& [key, step] : steps_) {
      TakeStep(step, key.first);
      by_persons += !key.first && !step.actor().empty() ? 1 : 0;
    }
    const C::BodyCase act = entry_.act == nullptr ? C::BODY_NOT_SET : entry_.act->body;
    size_t commanded = act == C::kTakeStep ? 1 : 0;
    if (act == C::kMigrateDossier) {
      commanded = static_cast<size_t>(entry_.act->command.migrate_dossier().strands_size());
    }
    Require(by_persons == commanded, absl::StrCat(commanded, " steps of persons, as commanded"),
            absl::StrCat(by_persons));
    for (const Key& key : touched_strands_) CheckStrand(key);
    for (const Key& key : touched_dossiers_) {
      v1::DossierRecord dossier;
      const uint64_t steps = histories_[key].steps;
      const bool same = Read(v1::TABLE_DOSSIER, key.second, key.first, &dossier) && dossier.steps() == steps;
      Require(same, absl::StrCat(steps, " steps of ", key.second, ", as in its history"),
              absl::StrCat(dossier.steps(), " stated"));
    }
  }
  steps_.clear();
  touched_strands_.clear();
  touched_dossiers_.clear();
  before_.clear();
}

// Under the next number, at its time.
bool DossierAudit::CheckOrder(const v1::DossierStepRecord& step, bool imported) {
  touched_dossiers_.insert({imported, step.dossier_id()});
  History& history = histories_[{imported, step.dossier_id()}];
  const bool next =
      Require(step.number() == history.steps + 1, absl::StrCat("step ", history.steps + 1, " of ", step.dossier_id()),
              absl::StrCat("step ", step.number()));
  const bool in_time =
      imported ? step.at_us() >= history.last_us : step.at_us() == entry_.time_us && step.sequence() == entry_.sequence;
  Require(in_time, absl::StrCat(NameOf(step), " at its time"), absl::StrCat("at ", step.at_us(), " µs"));
  history = {step.number(), step.at_us()};
  return next && in_time;
}

void DossierAudit::TakeStep(const v1::DossierStepRecord& step, bool imported) {
  if (step.step() == kMigrated) return TakeOver(step, imported);
  v1::DossierRecord dossier;
  const bool known_dossier = Read(v1::TABLE_DOSSIER, step.dossier_id(), imported, &dossier);
  const DossierStep* known = known_dossier ? FindDossierStep(dossier.kind(), step.strand(), step.step()) : nullptr;
  if (!Require(known != nullptr, "a step that there is, of a dossier", NameOf(step))) return;
  CheckOrder(step, imported);

  const Key key{imported, StrandKey(step.dossier_id(), step.strand(), step.instance())};
  touched_strands_.insert(key);
  Strand& strand = strands_[key];
  const std::string to = known->to == "=" ? strand.state : std::string(known->to);
  const bool possible = HasWord(known->from, strand.state.empty() ? "-" : strand.state);
  Require(possible && step.from_state() == strand.state && step.to_state() == to,
          absl::StrCat(NameOf(step), " from ", known->from, " to ", known->to, ", from where its strand is"),
          absl::StrCat("from ", step.from_state(), " to ", step.to_state(), " of ", strand.state));
  CheckGround(step, *known, dossier, imported);
  CheckDays(step, strand, dossier.kind());
  if (known->to == "=") return;
  strand = {step.to_state(), step.at_us(), step.decision_id(), step.rulebook_version()};
}

void DossierAudit::TakeOver(const v1::DossierStepRecord& step, bool imported) {
  CheckOrder(step, imported);
  const Key key{imported, StrandKey(step.dossier_id(), step.strand(), step.instance())};
  touched_strands_.insert(key);
  Strand& strand = strands_[key];
  bool same = strand.state.empty() && step.from_state().empty() && !step.to_state().empty() &&
              step.provenance() == v1::PROVENANCE_MIGRATED && step.decision_id().empty();
  if (same && !imported) {
    // The strand of that number in the act.
    const bool act = entry_.act != nullptr && entry_.act->body == C::kMigrateDossier;
    const v1::MigrateDossier* command = act ? &entry_.act->command.migrate_dossier() : nullptr;
    same = act && step.number() >= 1 && step.number() <= static_cast<uint64_t>(command->strands_size());
    if (same) {
      const v1::MigratedStrand& stated = command->strands(static_cast<int>(step.number()) - 1);
      same = command->dossier_id() == step.dossier_id() && stated.strand() == step.strand() &&
             stated.instance() == step.instance() && stated.state() == step.to_state() &&
             Day(stated.since()) == Day(step.legal_date()) && stated.decision_text() == step.reason() &&
             SameList(stated.documents(), step.documents());
    }
  }
  Require(same, absl::StrCat(NameOf(step), ": a strand that its act takes over, with its state and day"), "another");
  v1::StrandRecord record;
  absl::optional<uint64_t> since = BeginOf(step);
  if (!since.has_value()) {
    report_.NotCheckable(Check::DOSSIER, absl::StrCat("when the day of ", NameOf(step), " began"));
    since = Read(v1::TABLE_STRAND, key.second, imported, &record) ? record.since_us() : 0;
  }
  strand = {step.to_state(), *since, "", step.rulebook_version()};
}

// When the legal day of the step began in the later of the two capitals: what was running runs on from there.
absl::optional<uint64_t> DossierAudit::BeginOf(const v1::DossierStepRecord& step) const {
  constexpr uint64_t kNoonUs = uint64_t{12} * 3'600 * 1'000'000;
  v1::RulebookRecord rulebook;
  if (!Read(v1::TABLE_RULEBOOK, step.rulebook_version(), false, &rulebook)) return absl::nullopt;
  v1::RulebookParameters parameters = rulebook.parameters();
  parameters.set_e_decision_days(0);
  const v1::Date& day = step.legal_date();
  const absl::StatusOr<BookTime> before =
      StartOfDay(AddDays(Date{day.year(), day.month(), day.day()}, -1), /*offset_minutes=*/0);
  if (!before.ok()) return absl::nullopt;
  return WindowEndOf(before->micros + kNoonUs, parameters);
}

// By whom or what a step was taken.
void DossierAudit::CheckGround(const v1::DossierStepRecord& step, const DossierStep& known,
                               const v1::DossierRecord& dossier, bool imported) {
  const bool by_persons = IsByPersons(known);
  if (!Require(step.actor().empty() != by_persons, absl::StrCat(NameOf(step), " by ", known.who),
               step.actor().empty() ? "by nobody" : step.actor())) {
    return;
  }
  if (by_persons) {
    Require(step.decision_id().empty(), absl::StrCat(NameOf(step), " by ", known.who), step.decision_id());
    if (!imported) CheckPerson(step, known, dossier);
  } else if (known.who == "committee") {
    const absl::optional<v1::DecisionText> text = decisions_.ConfirmedText(step.decision_id());
    if (!Require(text.has_value() && text->kind() == known.decision,
                 absl::StrCat(NameOf(step), " by a decision of its kind that both sides stand by"),
                 absl::StrCat("decision ", step.decision_id()))) {
      return;
    }
    CheckDecided(step, *text, dossier, imported);
  } else if (known.who == "clock" && !imported) {
    Require(entry_.kind == LeafKind::TICK && step.decision_id().empty(), absl::StrCat(NameOf(step), " by the clock"),
            "another entry");
  }
}

void DossierAudit::CheckPerson(const v1::DossierStepRecord& step, const DossierStep& known,
                               const v1::DossierRecord& dossier) {
  const bool commanded = entry_.act != nullptr && entry_.act->body == C::kTakeStep;
  if (!Require(commanded, absl::StrCat(NameOf(step), " by an act"), "another entry")) return;
  const v1::TakeStep& take = entry_.act->command.take_step();
  if (entry_.act->context.signers.empty()) return;  // AUTHOR_KEY says so
  const bool same = take.dossier_id() == step.dossier_id() && take.strand() == step.strand() &&
                    take.instance() == step.instance() && take.step() == step.step() &&
                    take.reason() == step.reason() && take.on_behalf_digest() == step.on_behalf_digest() &&
                    step.on_behalf() == !step.on_behalf_digest().empty() &&
                    SameList(take.documents(), step.documents()) &&
                    step.actor() == entry_.act->context.signers[0]->context.pseudonym();
  Require(same, absl::StrCat(NameOf(step), " as commanded, by its author"), "another");
  const auto before = before_.find(step.dossier_id());
  const bool may = MayTake(known, step, before == before_.end() ? dossier : before->second);
  JCM_AUDIT_REQUIRE(report_, may, Check::AUTHORITY, entry_.sequence, absl::StrCat(NameOf(step), " by ", known.who),
                    absl::StrCat(step.actor(), step.on_behalf() ? " on paper" : "", ", who may not"));
}

bool DossierAudit::MayTake(const DossierStep& known, const v1::DossierStepRecord& step,
                           const v1::DossierRecord& dossier) const {
  const v1::SignerContext& author = entry_.act->context.signers[0]->context;
  const bool designated = HasRole(author, v1::ROLE_DESIGNATED_ORGANIZATION);
  const bool office = designated || HasRole(author, v1::ROLE_SECRETARIAT);
  const bool named = Contains(dossier.persons(), author.pseudonym());
  const auto by = [&](absl::string_view who) { return HasWord(known.who, who); };
  if (step.on_behalf()) {
    return office && (by("participant") || by("applicant") || by("entity") || by("government") || by("anyone"));
  }
  return by("anyone") || (by("secretariat") && office) ||
         (by("registry") && (designated || HasRole(author, v1::ROLE_SYSTEM_OPERATOR))) ||
         (by("government") && HasRole(author, v1::ROLE_AUTHORIZING_MINISTRY)) ||
         (by("participant") && named && HasRole(author, v1::ROLE_PROJECT_PARTICIPANT)) ||
         (by("applicant") && named && HasRole(author, v1::ROLE_THIRD_PARTY_ENTITY)) ||
         (by("entity") && HasRole(author, v1::ROLE_THIRD_PARTY_ENTITY) && IsOfTheEntity(step, author.pseudonym()));
}

bool DossierAudit::IsOfTheEntity(const v1::DossierStepRecord& step, const std::string& pseudonym) const {
  // The strand's latest facts have what this step stated, or what an earlier one did.
  v1::StrandRecord strand;
  v1::DossierRecord entity;
  return Read(v1::TABLE_STRAND, StrandKey(step.dossier_id(), step.strand(), step.instance()), false, &strand) &&
         Read(v1::TABLE_DOSSIER, strand.facts().third_party_entity(), false, &entity) &&
         entity.kind() == v1::DOSSIER_KIND_THIRD_PARTY_ENTITY && Contains(entity.persons(), pseudonym);
}

// ---- what a decision says of a step --------------------------------------------------------------------------------

void DossierAudit::CheckDecided(const v1::DossierStepRecord& step, const v1::DecisionText& text,
                                const v1::DossierRecord& dossier, bool imported) {
  const v1::IssuanceText& issuance = text.issuance();
  bool named = text.has_issuance() && step.strand() == "MONITORING" && step.step() == "decide" &&
               issuance.monitoring_instance() == step.instance() &&
               Contains(dossier.references(), issuance.project_id());
  for (const v1::DecisionSubject& subject : text.subjects()) {
    named = named || (subject.dossier_id() == step.dossier_id() && subject.strand() == step.strand() &&
                      subject.instance() == step.instance() && subject.step() == step.step());
  }
  if (!Require(named, absl::StrCat(NameOf(step), " by a decision that says so"),
               absl::StrCat("decision ", step.decision_id(), ", which does not"))) {
    return;
  }
  if (!text.has_issuance()) return;
  v1::StrandRecord period;
  if (!Read(v1::TABLE_STRAND, StrandKey(step.dossier_id(), step.strand(), step.instance()), imported, &period)) return;
  const v1::Quantification& verified = period.facts().quantification();
  std::map<int32_t, Tonnes> by_year;
  Tonnes total = 0;
  for (int i = 0; i < verified.years_size() && i < verified.reductions_size(); ++i) {
    by_year[verified.years(i).vintage()] += verified.reductions(i);
    total += verified.reductions(i);
  }
  bool within = issuance.verified_tonnes() == total &&
                Day(issuance.monitoring_start()) == Day(period.facts().period().start()) &&
                Day(issuance.monitoring_end()) == Day(period.facts().period().end());
  for (const v1::LotText& lot : issuance.lots()) within = within && lot.tonnes() <= by_year[lot.vintage()];
  JCM_AUDIT_REQUIRE(report_, within, Check::ISSUANCE, entry_.sequence,
                    absl::StrCat(NameOf(step), " within the ", total, " t verified of its period and years"),
                    absl::StrCat(issuance.verified_tonnes(), " t said to be verified, or more in a year"));
  Tonnes government = 0;
  Tonnes decided = 0;
  for (const v1::AllocationRow& row : issuance.rows()) {
    const Tonnes tonnes = row.range().last() - row.range().first() + 1;
    decided += tonnes;
    if (row.party() == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN) government += tonnes;
  }
  const v1::FundingProgramme programme = dossier.project().programme();
  const bool subsidised = programme != v1::FUNDING_PROGRAMME_PRIVATE && programme != v1::FUNDING_PROGRAMME_UNSPECIFIED;
  v1::RulebookRecord rulebook;
  const bool delivered = IsAtLeast(government, decided, dossier.project().delivery_share()) &&
                         (!subsidised || !Read(v1::TABLE_RULEBOOK, step.rulebook_version(), false, &rulebook) ||
                          IsAtLeast(government, decided, rulebook.parameters().subsidised_delivery_share()));
  JCM_AUDIT_REQUIRE(report_, delivered, Check::ALLOCATION, entry_.sequence,
                    absl::StrCat(NameOf(step), " with the least share for the Government of Japan"),
                    absl::StrCat(government, " t of ", decided, " t"));
}

// ---- days ----------------------------------------------------------------------------------------------------------

// When a call for public input ends: its days include the first one, and end in the later capital.
absl::optional<uint64_t> DossierAudit::InputsEnd(const Strand& strand, v1::DossierKind kind,
                                                 absl::string_view name) const {
  v1::RulebookRecord rulebook;
  if (!Read(v1::TABLE_RULEBOOK, strand.rulebook_version, false, &rulebook)) return absl::nullopt;
  v1::RulebookParameters parameters = rulebook.parameters();
  const uint32_t days = kind == v1::DOSSIER_KIND_METHODOLOGY ? parameters.pm_public_input_days()
                        : name == "SAFEGUARDS"               ? parameters.safeguard_public_input_days()
                                                             : parameters.pdd_public_input_days();
  if (days == 0) return strand.since_us;
  parameters.set_e_decision_days(days - 1);
  return WindowEndOf(strand.since_us, parameters);
}

void DossierAudit::CheckDays(const v1::DossierStepRecord& step, const Strand& strand, v1::DossierKind kind) {
  if (strand.state != "PUBLIC") return;
  const absl::optional<uint64_t> end = InputsEnd(strand, kind, step.strand());
  if (!end.has_value()) {
    report_.NotCheckable(Check::DOSSIER, absl::StrCat("rulebook ", strand.rulebook_version, " is not in this book"));
    return;
  }
  const bool closes = step.step() == "close_inputs";
  Require(closes ? step.at_us() >= *end : step.at_us() < *end,
          absl::StrCat(NameOf(step), closes ? " not before " : " before ", *end, " µs, when the call for inputs ends"),
          absl::StrCat("at ", step.at_us(), " µs"));
}

// The strand as its history has it.
void DossierAudit::CheckStrand(const Key& key) {
  v1::StrandRecord record;
  const Strand& strand = strands_[key];
  const bool read = Read(v1::TABLE_STRAND, key.second, key.first, &record);
  const bool same = read && StrandKey(record.dossier_id(), record.strand(), record.instance()) == key.second &&
                    record.state() == strand.state && record.since_us() == strand.since_us &&
                    record.decision_id() == strand.decision_id;
  Require(same, absl::StrCat(key.second, " in state ", strand.state, ", as its steps lead to"),
          read ? record.state() : "no such strand");
}

}  // namespace jcm::verify

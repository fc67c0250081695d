// Histories of the project cycle: that each dossier's steps are all there, in order, of kinds that there are, and that
// each rests on what it needs: the act of somebody who may take it, a decision that both sides stand by and that names
// it, or days that have passed. Of a decided issuance: that it is of the verified period and amounts, and that public
// money gets its share.
//
// By the auditor's own list of steps (dossier_steps.h). What a step's documents say nobody can check here.
#ifndef TOOLS_JCM_VERIFY_AUDIT_DOSSIER_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_DOSSIER_AUDIT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/book/leaf.h"
#include "tools/jcm-verify/audit/decision_audit.h"
#include "tools/jcm-verify/audit/dossier_steps.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/signed_act.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

// One entry, as far as dossiers are concerned.
struct DossierEntry {
  uint64_t sequence = 0;
  uint64_t time_us = 0;
  book::LeafKind kind = book::LeafKind::COMMAND;
  const SignedAct* act = nullptr;  // of a COMMAND
};

class DossierAudit {
 public:
  // All must outlive this.
  DossierAudit(const Tables& tables, const DecisionAudit& decisions, BookReport* report)
      : tables_(tables), decisions_(decisions), report_(*report) {}

  // One effect on a table of dossiers; `imported`: of the other side's. The tables already hold the entry's effects.
  // Reads what it needs of `effect` and `entry` before FinishEntry returns.
  void Check(const DossierEntry& entry, const EffectBytes& effect, bool imported);
  // After the last effect of an entry.
  void FinishEntry();

 private:
  // Of the other side's book or this one's, and an id.
  using Key = std::pair<bool, std::string>;
  // A strand as its steps make it.
  struct Strand {
    std::string state;
    uint64_t since_us = 0;
    std::string decision_id;
    std::string rulebook_version;  // of the step that led here
  };
  struct History {
    uint64_t steps = 0;
    uint64_t last_us = 0;
  };

  template <typename Record>
  bool ParseBoth(const EffectBytes& effect, Record* before, Record* after);
  void CheckDossier(const EffectBytes& effect, bool imported);
  void CheckOpened(const v1::DossierRecord& dossier);
  void CheckReference(const EffectBytes& effect, bool imported);
  void CheckReaction(const EffectBytes& effect, bool imported);
  void CheckMigrated(const v1::DossierRecord& dossier);
  bool CheckOrder(const v1::DossierStepRecord& step, bool imported);
  void TakeStep(const v1::DossierStepRecord& step, bool imported);
  // A strand of an earlier registry, in the state in which it was.
  void TakeOver(const v1::DossierStepRecord& step, bool imported);
  absl::optional<uint64_t> BeginOf(const v1::DossierStepRecord& step) const;
  void CheckGround(const v1::DossierStepRecord& step, const DossierStep& known, const v1::DossierRecord& dossier,
                   bool imported);
  void CheckPerson(const v1::DossierStepRecord& step, const DossierStep& known, const v1::DossierRecord& dossier);
  bool MayTake(const DossierStep& known, const v1::DossierStepRecord& step, const v1::DossierRecord& dossier) const;
  bool IsOfTheEntity(const v1::DossierStepRecord& step, const std::string& pseudonym) const;
  void CheckDecided(const v1::DossierStepRecord& step, const v1::DecisionText& text, const v1::DossierRecord& dossier,
                    bool imported);
  void CheckDays(const v1::DossierStepRecord& step, const Strand& strand, v1::DossierKind kind);
  absl::optional<uint64_t> InputsEnd(const Strand& strand, v1::DossierKind kind, absl::string_view name) const;
  void CheckStrand(const Key& key);
  template <typename Record>
  bool Read(uint32_t table, absl::string_view key, bool imported, Record* record) const;
  bool Require(bool condition, absl::string_view expected, absl::string_view found);

  const Tables& tables_;
  const DecisionAudit& decisions_;
  BookReport& report_;
  std::map<Key, Strand> strands_;     // by "TH-17/MONITORING/0002"
  std::map<Key, History> histories_;  // by dossier
  // Of the present entry.
  DossierEntry entry_;
  std::map<Key, v1::DossierStepRecord> steps_;  // by key, so that they are in order
  std::set<Key> touched_strands_;
  std::set<Key> touched_dossiers_;
  std::map<std::string, v1::DossierRecord> before_;  // own dossiers as they were
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_DOSSIER_AUDIT_H_

#include "tools/migration/runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/base/types.h"
#include "tools/client/bundle_builder.h"

namespace jcm::migration {
namespace {

// What a part has besides its command: salt, path and framing.
constexpr size_t kPartOverheadBytes = 64;

size_t SizeOf(const PlannedAct& act) {
  const size_t sealed = act.sealed.has_value() ? act.sealed->attachment.ByteSizeLong() : 0;
  return act.command.ByteSizeLong() + sealed + kPartOverheadBytes;
}

// Cuts acts into bundles, by their order and size alone: the same acts are always cut at the same places.
std::vector<std::vector<const PlannedAct*>> CutIntoBundles(const std::vector<PlannedAct>& acts) {
  std::vector<std::vector<const PlannedAct*>> bundles;
  size_t bytes = 0;
  for (const PlannedAct& act : acts) {
    const size_t size = SizeOf(act);
    const bool full = bundles.empty() || bundles.back().size() == kActsPerBundleMax ||
                      bytes + size > kBundleBytesWanted || bundles.back().back()->phase != act.phase;
    if (full) {
      bundles.emplace_back();
      bytes = 0;
    }
    bundles.back().push_back(&act);
    bytes += size;
  }
  return bundles;
}

}  // namespace

const char* NameOf(RowOutcome outcome) {
  switch (outcome) {
    case RowOutcome::RECORDED:
      return "RECORDED";
    case RowOutcome::RECORDED_BEFORE:
      return "RECORDED_BEFORE";
    case RowOutcome::REFUSED:
      return "REFUSED";
    case RowOutcome::NOT_SENT:
      return "NOT_SENT";
  }
  return "";
}

uint64_t RunReport::Count(RowOutcome outcome) const {
  return static_cast<uint64_t>(
      std::count_if(rows.begin(), rows.end(), [&](const RowResult& row) { return row.outcome == outcome; }));
}

void Runner::Report(const PlannedAct& act, const RowResult& result) {
  for (const auto& [file, row] : act.rows) {
    RowResult one = result;
    one.file = file;
    one.row = row;
    one.object = act.command.source().object();
    one.book = act.partnership;
    report_.rows.push_back(std::move(one));
  }
  ++done_;
  if (progress_) progress_(done_, total_);
}

void Runner::ReportRecorded(const PlannedAct& act, const RecordedAct& recorded) {
  RowResult result;
  result.sequence = recorded.sequence;
  result.leaf_hash = recorded.leaf_hash;
  result.outcome = RowOutcome::RECORDED_BEFORE;
  if (recorded.row_commitment != act.command.source().row_commitment()) {
    result.outcome = RowOutcome::REFUSED;
    result.reason = Reason::MIGRATED_ROW_CHANGED;
    result.detail = absl::StrCat(act.command.source().object(), " is entry ", recorded.sequence, " of ",
                                 link_.registry(), "/", act.partnership);
  }
  Report(act, result);
}

absl::Status Runner::ReadBooks(const Migration& migration) {
  books_ = {kHome};
  for (const PartnershipRow& row : migration.partnerships) books_.push_back(row.partnership);
  for (const std::string& book : books_) JCM_RETURN_IF_ERROR(link_.ReadRecorded(book, &recorded_));
  return absl::OkStatus();
}

absl::StatusOr<api::SubmitBundleResponse> Runner::SendOnce(const std::vector<const PlannedAct*>& acts, int attempt) {
  std::string identity = absl::StrCat("jcm.migration.request.v1/", link_.registry(), "/", attempt);
  for (const PlannedAct* act : acts) {
    // The command has the row's file, number and commitment in it.
    absl::StrAppend(&identity, "/", act->partnership, "/", AsBytes(Sha256(act->command.SerializeAsString())));
  }
  const std::string request_id = std::string(AsBytes(Sha256(identity))).substr(0, client::kRequestIdBytes);
  DrawnRandom random(secret_, absl::StrCat("bundle/", request_id));
  client::BundleBuilder builder(link_.registry(), v1::BUNDLE_MODE_INDEPENDENT, random);
  JCM_RETURN_IF_ERROR(builder.SetRequestId(request_id));
  api::SubmitBundleRequest request;
  for (const PlannedAct* act : acts) {
    JCM_RETURN_IF_ERROR(builder.Add(act->partnership, act->command));
    if (!act->sealed.has_value()) continue;
    builder.Attach(act->sealed->attachment);
    api::VaultKey* key = request.add_vault_keys();
    key->set_subject(act->sealed->attachment.subject());
    key->set_key(act->sealed->key);
  }
  JCM_ASSIGN_OR_RETURN(const client::BuiltBundle bundle, builder.Sign(signers_));
  request.set_signed_bundle(bundle.bytes);
  request.set_wait_for(api::WAIT_FOR_COMMITTED);
  JCM_ASSIGN_OR_RETURN(api::SubmitBundleResponse response, link_.Submit(request));
  if (response.results_size() != static_cast<int>(acts.size())) {
    return Error(Reason::MESSAGE_MALFORMED, "the answer has another number of parts than the bundle");
  }
  return response;
}

// An act may be refused because it is there already: sent by a run that was cut off, in a bundle of another
// composition.
absl::Status Runner::CheckAgainstBooks(std::vector<std::pair<const PlannedAct*, api::PartResult>>* refused) {
  for (const std::string& book : books_) JCM_RETURN_IF_ERROR(link_.ReadRecorded(book, &recorded_));
  for (const auto& [act, part] : *refused) {
    const RecordedAct* recorded = recorded_.Find(act->partnership, act->command);
    if (recorded != nullptr) {
      ReportRecorded(*act, *recorded);
      continue;
    }
    RowResult result;
    result.outcome = RowOutcome::REFUSED;
    result.reason = static_cast<Reason>(part.reason_number());
    result.detail = part.detail();
    Report(*act, result);
  }
  return absl::OkStatus();
}

absl::Status Runner::RunBundle(const std::vector<const PlannedAct*>& acts, bool send) {
  std::vector<const PlannedAct*> left;
  for (const PlannedAct* act : acts) {
    const RecordedAct* recorded = recorded_.Find(act->partnership, act->command);
    if (recorded != nullptr) {
      ReportRecorded(*act, *recorded);
    } else if (act->command.ByteSizeLong() > client::kCommandBytesMax) {
      RowResult result;
      result.outcome = RowOutcome::REFUSED;
      result.reason = Reason::COMMAND_TOO_LARGE;
      Report(*act, result);
    } else if (!send) {
      Report(*act, RowResult());
    } else {
      left.push_back(act);
    }
  }
  std::vector<std::pair<const PlannedAct*, api::PartResult>> refused;
  for (int attempt = 0; !left.empty(); ++attempt) {
    if (attempt == kAttemptsMax) return Error(Reason::FILE_TOO_LARGE, "the same rows were refused too often");
    JCM_ASSIGN_OR_RETURN(const api::SubmitBundleResponse response, SendOnce(left, attempt));
    ++report_.bundles;
    refused.clear();
    for (size_t i = 0; i < left.size(); ++i) {
      const api::PartResult& part = response.results(static_cast<int>(i));
      if (!part.accepted()) {
        refused.emplace_back(left[i], part);
        continue;
      }
      RowResult result;
      result.outcome = response.replayed() ? RowOutcome::RECORDED_BEFORE : RowOutcome::RECORDED;
      result.sequence = part.sequence();
      result.leaf_hash = part.leaf_hash();
      Report(*left[i], result);
    }
    left.clear();
    // A refusal of an earlier run says nothing about today.
    if (!response.replayed()) break;
    for (const auto& [act, part] : refused) left.push_back(act);
  }
  return refused.empty() ? absl::OkStatus() : CheckAgainstBooks(&refused);
}

absl::Status Runner::RunActs(const std::vector<PlannedAct>& acts, bool send) {
  for (const std::vector<const PlannedAct*>& bundle : CutIntoBundles(acts)) {
    JCM_RETURN_IF_ERROR(RunBundle(bundle, send));
  }
  return absl::OkStatus();
}

absl::StatusOr<RunReport> Runner::RunAll(const Migration& migration, bool send) {
  total_ = CountActs(migration);
  JCM_RETURN_IF_ERROR(ReadBooks(migration));
  JCM_ASSIGN_OR_RETURN(const std::vector<PlannedAct> home, PlanHome(migration, secret_));
  JCM_RETURN_IF_ERROR(RunActs(home, send));
  JCM_ASSIGN_OR_RETURN(Names names, link_.ReadNames());
  if (!send) {
    // Accounts that are still to be opened will have these.
    for (const AccountRow& row : migration.accounts) {
      for (const std::string& partnership : row.partnerships) {
        names.accounts.emplace(std::make_pair(partnership, row.number), secret_.Handle(partnership, row.number));
      }
    }
  }
  Problems problems;
  const std::vector<PlannedAct> acts = PlanBooks(migration, secret_, names, &problems);
  JCM_RETURN_IF_ERROR(RunActs(acts, send));
  for (const Problem& problem : problems.list()) {
    RowResult result;
    result.file = problem.file;
    result.row = problem.row;
    result.outcome = RowOutcome::REFUSED;
    result.reason = problem.reason;
    result.detail = problem.detail;
    report_.rows.push_back(std::move(result));
  }
  return std::move(report_);
}

absl::StatusOr<RunReport> Runner::Run(const Migration& migration) { return RunAll(migration, /*send=*/true); }
absl::StatusOr<RunReport> Runner::Look(const Migration& migration) { return RunAll(migration, /*send=*/false); }

}  // namespace jcm::migration

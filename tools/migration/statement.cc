#include "tools/migration/statement.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/base/types.h"
#include "ledger/book/authorship.h"
#include "ledger/book/genesis.h"
#include "ledger/book/merkle.h"
#include "tools/client/bundle_builder.h"
#include "tools/migration/pieces.h"

namespace jcm::migration {
namespace {

// The bundle's parts are those that its header commits to.
absl::Status CheckRoot(const v1::SignedBundle& bundle) {
  v1::BundleHeader header;
  JCM_RETURN_IF_ERROR(ParseStrict(bundle.header(), &header));
  book::Frontier tree;
  for (const std::string& part : bundle.parts()) tree.Append(book::LeafHash(part));
  if (header.part_count() == static_cast<uint32_t>(bundle.parts_size()) &&
      header.parts_root() == AsBytes(tree.Root())) {
    return absl::OkStatus();
  }
  return Error(Reason::PROOF_INVALID, "the header does not commit to these parts");
}

}  // namespace

std::vector<StatementTotals> TotalsOf(const Migration& migration) {
  std::map<std::string, StatementTotals> totals;
  for (const LotRow& row : migration.lots) ++totals[row.partnership].lots;
  std::map<std::pair<std::string, std::string>, v1::BlockState> ends;
  for (const EndRow& row : migration.ends) ends[{row.partnership, row.end_id}] = row.state;
  for (const Piece& piece : CutIntoPieces(migration)) {
    StatementTotals& sum = totals[piece.block->partnership];
    ++sum.blocks;
    const Tonnes tonnes = piece.range.Count();
    if (piece.block->end_id.empty()) {
      sum.held += tonnes;
      if (!piece.restriction.empty()) sum.restricted += tonnes;
    } else if (ends[{piece.block->partnership, piece.block->end_id}] == v1::BLOCK_STATE_RETIRED) {
      sum.retired += tonnes;
    } else {
      sum.cancelled += tonnes;
    }
  }
  std::map<std::pair<std::string, std::string>, bool> transfers;
  for (const TransferRow& row : migration.transfers) {
    if (transfers.emplace(std::make_pair(row.partnership, row.transfer_id), true).second) {
      ++totals[row.partnership].transfers;
    }
  }
  std::vector<StatementTotals> list;
  for (const PartnershipRow& row : migration.partnerships) {
    StatementTotals sum = totals[row.partnership];
    sum.partnership = row.partnership;
    sum.statement_id = row.statement_id;
    sum.as_of = row.as_of;
    list.push_back(std::move(sum));
  }
  return list;
}

std::vector<std::pair<std::string, v1::Command>> StatementActs(const Migration& migration) {
  std::vector<std::pair<std::string, v1::Command>> acts;
  for (const StatementTotals& totals : TotalsOf(migration)) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_MIGRATED);
    v1::SignOpeningStatement* body = command.mutable_sign_opening_statement();
    body->set_statement_id(totals.statement_id);
    body->mutable_as_of()->set_year(totals.as_of.year);
    body->mutable_as_of()->set_month(totals.as_of.month);
    body->mutable_as_of()->set_day(totals.as_of.day);
    body->set_files_digest(migration.FilesDigest());
    body->set_lots(totals.lots);
    body->set_blocks(totals.blocks);
    body->set_held(totals.held);
    body->set_retired(totals.retired);
    body->set_cancelled(totals.cancelled);
    body->set_transfers(totals.transfers);
    body->set_restricted(totals.restricted);
    acts.emplace_back(totals.partnership, std::move(command));
  }
  return acts;
}

absl::StatusOr<v1::SignedBundle> BeginStatement(const Migration& migration, const std::string& registry,
                                                absl::Span<const PrivateKey> signers, Random& random) {
  client::BundleBuilder builder(registry, v1::BUNDLE_MODE_ATOMIC, random);
  for (const auto& [partnership, command] : StatementActs(migration)) {
    JCM_RETURN_IF_ERROR(builder.Add(partnership, command));
  }
  if (builder.part_count() == 0) return Error(Reason::FIELD_REQUIRED, "partnerships.csv has no rows");
  JCM_ASSIGN_OR_RETURN(const client::BuiltBundle built, builder.Sign(signers));
  v1::SignedBundle bundle;
  JCM_RETURN_IF_ERROR(ParseStrict(built.bytes, &bundle));
  return bundle;
}

absl::StatusOr<std::vector<std::pair<std::string, v1::Command>>> ReadStatement(const v1::SignedBundle& bundle) {
  JCM_RETURN_IF_ERROR(CheckRoot(bundle));
  std::vector<std::pair<std::string, v1::Command>> acts;
  for (const std::string& bytes : bundle.parts()) {
    v1::BundlePart part;
    v1::Command command;
    JCM_RETURN_IF_ERROR(ParseStrict(bytes, &part));
    JCM_RETURN_IF_ERROR(ParseStrict(part.command(), &command));
    if (!command.has_sign_opening_statement()) {
      return Error(Reason::MESSAGE_MALFORMED, "the bundle has more in it than opening statements");
    }
    acts.emplace_back(part.partnership(), std::move(command));
  }
  return acts;
}

absl::Status AddSignature(const Migration& migration, absl::Span<const PrivateKey> signers, v1::SignedBundle* bundle) {
  JCM_ASSIGN_OR_RETURN(const auto stated, ReadStatement(*bundle));
  const auto own = StatementActs(migration);
  bool same = stated.size() == own.size();
  for (size_t i = 0; same && i < own.size(); ++i) {
    same = stated[i].first == own[i].first && stated[i].second.SerializeAsString() == own[i].second.SerializeAsString();
  }
  if (!same) return Error(Reason::STATEMENT_DIFFERS, "the statement does not say what these files say");
  for (const PrivateKey& signer : signers) {
    const v1::Signature signature = book::SignToProto(signer, book::kBundleHeaderPayloadType, bundle->header());
    for (const v1::Signature& other : bundle->signatures()) {
      if (other.key_id() == signature.key_id()) return Error(Reason::ALREADY_EXISTS, "this key has signed already");
    }
    *bundle->add_signatures() = signature;
  }
  return absl::OkStatus();
}

}  // namespace jcm::migration

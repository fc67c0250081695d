// trust.json: the keys of the books that a node has, for those who verify offline. Compare the fingerprints out of
// band.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/trust.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

constexpr int kPageSize = 1'000;
constexpr size_t kPagesMax = 100'000;

struct TrustFlags {
  std::string out;
};

// What the entries of one book say about its keys.
struct BookKeys {
  book::GenesisFacts genesis;
  std::vector<uint64_t> change_sequences;  // of entries after which other keys hold, in order of the eras 1, 2 …
  std::vector<uint64_t> peer_sizes;        // by sequence: how much of the other book was imported
};

absl::StatusOr<BookKeys> ReadKeys(Session& session, const std::string& name) {
  api::ListEntriesRequest request;
  request.set_parent(name);
  request.set_with_records(true);
  request.set_page_size(kPageSize);
  absl::optional<BookKeys> keys;
  for (size_t page = 0; page < kPagesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(auto response,
                         session.Call<api::LedgerService>(&api::LedgerService::Stub::ListEntries, request));
    for (const api::Entry& entry : response.entries()) {
      JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(entry.record().leaf()));
      if (!keys.has_value()) {
        JCM_ASSIGN_OR_RETURN(book::GenesisFacts genesis, book::CheckGenesis(entry.record().command(), leaf));
        keys = BookKeys{std::move(genesis), {}, {}};
      } else if (leaf.kind == book::LeafKind::KEY_CHANGE) {
        JCM_RETURN_IF_ERROR(book::ApplyKeyChange(entry.record().command(), leaf, keys->genesis.origin, absl::nullopt,
                                                 keys->genesis.keys));
        keys->change_sequences.push_back(leaf.sequence);
      }
      keys->peer_sizes.push_back(leaf.peer_size);
    }
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  if (!keys.has_value()) return Error(Reason::BOOK_UNKNOWN, name);
  return *std::move(keys);
}

// The partner's key eras as sizes of this book: a change counts from where this book had imported it.
absl::StatusOr<book::KeyHistory> CosignerHistory(const BookKeys& own, const BookKeys& partner) {
  const std::vector<book::KeyEra>& eras = partner.genesis.keys.eras();
  JCM_ASSIGN_OR_RETURN(book::KeyHistory history, book::KeyHistory::Start(eras.front().keys, eras.front().recovery_key));
  for (size_t era = 1; era < eras.size(); ++era) {
    const uint64_t changed_at = partner.change_sequences[era - 1];
    uint64_t size = 0;
    while (size < own.peer_sizes.size() && own.peer_sizes[size] <= changed_at) ++size;
    if (size == own.peer_sizes.size()) break;  // not imported yet: the old keys still cosign this book
    JCM_RETURN_IF_ERROR(history.Append(size + 1, eras[era].keys, eras[era].recovery_key));
  }
  return history;
}

struct Partner {
  book::PartnerMode mode;
  std::string registry;
};

absl::StatusOr<Partner> PartnerOf(Session& session, const std::string& partnership) {
  api::GetPartnershipRequest request;
  request.set_name("partnerships/" + partnership);
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::RulebookService>(&api::RulebookService::Stub::GetPartnership, request));
  const std::string& registry = response.partnership().peer_registry();
  switch (response.partnership().mode()) {
    case v1::PARTNERSHIP_MODE_ATTESTED:
      return Partner{book::PartnerMode::ATTESTED, registry};
    case v1::PARTNERSHIP_MODE_HOSTED:
      return Partner{book::PartnerMode::HOSTED, registry};
    default:
      return Partner{book::PartnerMode::NODE, registry};
  }
}

// "books/JPN/TH" -> JPN, TH.
BookId IdOf(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  return parts.size() == 3 ? BookId{parts[1], parts[2]} : BookId{};
}

absl::Status ExportTrust(Session& session, const TrustFlags& flags) {
  JCM_ASSIGN_OR_RETURN(auto listed,
                       session.Call<api::LedgerService>(&api::LedgerService::Stub::ListBooks, api::ListBooksRequest()));
  std::map<BookId, BookKeys> keys;
  for (const api::Book& listed_book : listed.books()) {
    if (listed_book.size() == 0) continue;
    JCM_ASSIGN_OR_RETURN(BookKeys read, ReadKeys(session, listed_book.name()));
    keys.emplace(IdOf(listed_book.name()), std::move(read));
  }
  std::vector<book::TrustedBook> trusted;
  for (const auto& [id, own] : keys) {
    book::TrustedBook entry;
    entry.origin = own.genesis.origin;
    entry.book = id;
    entry.demonstration = own.genesis.genesis.demonstration();
    entry.keys = own.genesis.keys;
    entry.mode = book::PartnerMode::HOME;
    if (!id.is_home()) {
      JCM_ASSIGN_OR_RETURN(const Partner stated, PartnerOf(session, id.partnership));
      entry.mode = stated.mode;
      // A partner that is attested keeps no book that would name it.
      if (entry.mode == book::PartnerMode::ATTESTED) entry.partner = stated.registry;
      for (const auto& [other, partner] : keys) {
        if (other.partnership != id.partnership || other.registry == id.registry) continue;
        entry.partner = other.registry;
        JCM_ASSIGN_OR_RETURN(entry.cosigner_keys, CosignerHistory(own, partner));
      }
      // Without the partner's first entry nobody can say yet whose cosignature to expect.
      if (!entry.cosigner_keys.has_value() && entry.mode != book::PartnerMode::ATTESTED) continue;
    }
    trusted.push_back(std::move(entry));
  }
  JCM_ASSIGN_OR_RETURN(book::Trust trust, book::Trust::FromBooks(std::move(trusted)));
  JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.out, trust.Format(), FileMode::ALL));
  session.Print(absl::StrCat(absl::StrJoin(trust.Fingerprints(), "\n"), "\n"));
  return absl::OkStatus();
}

}  // namespace

void AddTrustCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "trust", "Keys for those who verify offline");
  auto flags = std::make_shared<TrustFlags>();
  CLI::App* command =
      AddCommand(group, session, "export", "Writes the keys of this node's books and prints their fingerprints", flags,
                 &ExportTrust);
  command->add_option("--out", flags->out, "trust.json")->required();
}

}  // namespace jcm::ctl

// Plays a dishonest partner, for the quickstart alone: takes an exported book, issues the credits of its first issuance
// a second time, and signs the result as that partner's registry would, with whatever key it is given.
//
//   forge --book THA.mirror --author operator-1.key --checkpoint-key replica-1.key --out forged.mirror
//
// With the partner's own replica key the result is a signed but impossible act; with any other key it is a forgery that
// nobody signed. Works only on books of the origin demo.invalid.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/file_system.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/book/note.h"
#include "ledger/book/trust.h"
#include "tools/client/bundle_builder.h"

namespace jcm {
namespace {

namespace v1 = ::jcm::ledger::v1;

struct Flags {
  std::vector<std::string> books;
  std::string author;
  std::string checkpoint_key;
  std::string out;
};

// The book as far as it was exported, with all nodes of its tree.
struct ExportedBook {
  std::vector<v1::EntryRecord> entries;
  book::Checkpoint checkpoint;
  book::Frontier frontier;
  std::map<std::pair<int, uint64_t>, Digest> nodes;

  void Append(const v1::EntryRecord& entry) {
    frontier.Append(book::LeafHash(entry.leaf()), [this](int level, uint64_t index, const Digest& hash) {
      nodes[{level, index}] = hash;
    });
    entries.push_back(entry);
  }

  book::NodeReader Reader() const {
    return [this](int level, uint64_t index) -> absl::StatusOr<Digest> {
      const auto found = nodes.find({level, index});
      if (found == nodes.end()) return Error(Reason::NOT_FOUND, "a node of the tree");
      return found->second;
    };
  }
};

absl::StatusOr<PrivateKey> ReadKey(const std::string& path) {
  PosixFileSystem files;
  JCM_ASSIGN_OR_RETURN(std::string pem, files.ReadFile(path));
  return PrivateKey::FromPem(pem);
}

absl::StatusOr<ExportedBook> ReadBook(const std::vector<std::string>& paths) {
  PosixFileSystem files;
  ExportedBook exported;
  for (const std::string& path : paths) {
    JCM_ASSIGN_OR_RETURN(std::string bytes, files.ReadFile(path));
    mirror::v1::ReadEntriesResponse page;
    if (!page.ParseFromString(bytes)) return Error(Reason::MESSAGE_MALFORMED, path);
    if (page.from() != exported.entries.size()) return Error(Reason::IMPORT_NOT_CONTIGUOUS, path);
    for (const v1::EntryRecord& entry : page.entries()) exported.Append(entry);
    JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(page.checkpoint()));
    JCM_ASSIGN_OR_RETURN(exported.checkpoint, book::ParseCheckpoint(note.text));
  }
  if (exported.entries.size() != exported.checkpoint.size) {
    return Error(Reason::IMPORT_NOT_CONTIGUOUS, "the files do not reach the checkpoint");
  }
  if (!absl::StartsWith(exported.checkpoint.origin, absl::StrCat(book::kDemonstrationDomain, "/"))) {
    return Error(Reason::FIELD_INVALID, "this program touches demonstration books only");
  }
  return exported;
}

// The first issuance of the book and its command.
absl::StatusOr<std::pair<v1::EntryRecord, v1::Command>> FindIssuance(const ExportedBook& exported) {
  for (const v1::EntryRecord& entry : exported.entries) {
    JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(entry.leaf()));
    v1::SignedPart signed_part;
    v1::BundlePart part;
    v1::Command command;
    if (leaf.kind == book::LeafKind::COMMAND && signed_part.ParseFromString(entry.command()) &&
        part.ParseFromString(signed_part.part()) && command.ParseFromString(part.command()) &&
        command.has_issue_credits()) {
      return std::make_pair(entry, command);
    }
  }
  return Error(Reason::NOT_FOUND, "the book has no issuance");
}

// The same act once more, properly signed by its author: only the rules speak against it.
absl::StatusOr<std::string> SignAgain(const BookId& id, const v1::Command& command, const PrivateKey& author) {
  SystemRandom random;
  client::BundleBuilder builder(id.registry, v1::BUNDLE_MODE_ATOMIC, random);
  JCM_RETURN_IF_ERROR(builder.Add(id.partnership, command));
  JCM_ASSIGN_OR_RETURN(client::BuiltBundle built, builder.Sign({author}));
  v1::SignedBundle bundle;
  JCM_CHECK(bundle.ParseFromString(built.bytes));
  v1::SignedPart part;
  part.set_header(bundle.header());
  part.set_part(bundle.parts(0));
  *part.mutable_signatures() = bundle.signatures();
  return part.SerializeAsString();
}

absl::StatusOr<v1::EntryRecord> ImpossibleEntry(const ExportedBook& exported, const PrivateKey& author) {
  JCM_ASSIGN_OR_RETURN(auto issuance, FindIssuance(exported));
  const auto& [model, command] = issuance;
  JCM_ASSIGN_OR_RETURN(book::Leaf last, book::DecodeLeaf(exported.entries.back().leaf()));
  v1::EntryRecord entry = model;
  JCM_ASSIGN_OR_RETURN(std::string signed_part, SignAgain(last.book, command, author));
  entry.set_command(signed_part);
  book::Leaf leaf = last;
  leaf.kind = book::LeafKind::COMMAND;
  leaf.sequence = exported.entries.size();
  leaf.time = BookTime::FromMicros(last.time.micros + 1);
  leaf.previous_hash = book::LeafHash(exported.entries.back().leaf());
  leaf.command_digest = Sha256(entry.command());
  leaf.context_digest = Sha256(entry.context());
  leaf.effects_digest = Sha256(entry.effects());
  entry.set_leaf(book::EncodeLeaf(leaf));
  return entry;
}

absl::Status Forge(const Flags& flags) {
  JCM_ASSIGN_OR_RETURN(ExportedBook exported, ReadBook(flags.books));
  JCM_ASSIGN_OR_RETURN(PrivateKey author, ReadKey(flags.author));
  JCM_ASSIGN_OR_RETURN(PrivateKey checkpoint_key, ReadKey(flags.checkpoint_key));
  JCM_ASSIGN_OR_RETURN(v1::EntryRecord entry, ImpossibleEntry(exported, author));
  const uint64_t from = exported.entries.size();
  const Digest prior = book::LeafHash(exported.entries.back().leaf());
  exported.Append(entry);

  JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(entry.leaf()));
  const book::Checkpoint checkpoint{exported.checkpoint.origin, exported.frontier.size(), exported.frontier.Root()};
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  const std::string name = book::KeyNameOf(book::kDemonstrationDomain, leaf.book.registry, "1");
  JCM_RETURN_IF_ERROR(book::AddSignatureLine(note, book::SignCheckpoint(checkpoint, name, checkpoint_key)));

  mirror::v1::ReadEntriesResponse page;
  page.set_book(leaf.book.ToString());
  page.set_from(from);
  *page.add_entries() = entry;
  page.set_checkpoint(book::FormatNote(note));
  page.set_prior_leaf_hash(std::string(AsBytes(prior)));
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof,
                       book::InclusionProof(exported.Reader(), from - 1, exported.frontier.size()));
  for (const Digest& hash : proof) page.add_prior_leaf_proof(std::string(AsBytes(hash)));
  page.set_now_us(leaf.time.micros);
  PosixFileSystem files;
  return files.WriteFileAtomically(flags.out, page.SerializeAsString(), FileMode::ALL);
}

}  // namespace
}  // namespace jcm

int main(int argc, char** argv) {
  jcm::Flags flags;
  CLI::App program("Plays a dishonest partner in the quickstart.", "forge");
  program.add_option("--book", flags.books, "Exported book; all pages in order")->required();
  program.add_option("--author", flags.author, "Private key of the person who issued")->required();
  program.add_option("--checkpoint-key", flags.checkpoint_key, "Private key that signs the checkpoint")->required();
  program.add_option("--out", flags.out, "Mirror file")->required();
  CLI11_PARSE(program, argc, argv);
  const absl::Status status = jcm::Forge(flags);
  if (!status.ok()) std::cerr << "forge: " << jcm::ToText(status) << "\n";
  return status.ok() ? 0 : 1;
}

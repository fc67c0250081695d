#include "ledger/store/signer_record.h"

#include <cctype>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::store {
namespace {

constexpr absl::string_view kTitle = "jcm-signer-record 1";

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 16) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool IsPrintable(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// The text after "<name> " of a line.
absl::StatusOr<absl::string_view> Field(absl::string_view line, absl::string_view name) {
  if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, " ")) {
    return Error(Reason::MESSAGE_MALFORMED, absl::StrCat("no line \"", name, "\""));
  }
  return line;
}

absl::StatusOr<SignedTree> DecodeSignerRecord(const BookId& book, absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 8) return Error(Reason::MESSAGE_MALFORMED, "not seven lines");
  SignedTree tree;
  JCM_ASSIGN_OR_RETURN(const absl::string_view size, Field(lines[2], "size"));
  JCM_ASSIGN_OR_RETURN(const absl::string_view root, Field(lines[3], "root"));
  JCM_ASSIGN_OR_RETURN(const absl::string_view signed_at, Field(lines[4], "signed_at"));
  JCM_ASSIGN_OR_RETURN(const absl::string_view authority, Field(lines[5], "authority"));
  if (!absl::SimpleAtoi(size, &tree.size)) return Error(Reason::MESSAGE_MALFORMED, "size");
  if (!absl::SimpleAtoi(signed_at, &tree.signed_at.micros)) return Error(Reason::MESSAGE_MALFORMED, "signed_at");
  JCM_ASSIGN_OR_RETURN(const std::string root_bytes, HexDecode(root));
  JCM_ASSIGN_OR_RETURN(tree.root, DigestFromBytes(root_bytes));
  // Also finds a wrong title, another book's file, other spellings of the numbers and any flipped bit.
  if (text != EncodeSignerRecord(book, tree, authority)) {
    return Error(Reason::MESSAGE_MALFORMED, "its digest, title or book is another one");
  }
  return tree;
}

}  // namespace

std::string EncodeSignerRecord(const BookId& book, const SignedTree& tree, absl::string_view authority) {
  const std::string text =
      absl::StrCat(kTitle, "\nbook ", book.ToString(), "\nsize ", tree.size, "\nroot ", HexEncode(tree.root),
                   "\nsigned_at ", tree.signed_at.micros, "\nauthority ", authority, "\n");
  return absl::StrCat(text, "sha256 ", HexEncode(Sha256(text)), "\n");
}

SignerRecord::SignerRecord(std::shared_ptr<FileSystem> files, std::string directory)
    : files_(std::move(files)), directory_(std::move(directory)) {}

std::string SignerRecord::PathOf(const BookId& book) const {
  JCM_CHECK(IsName(book.registry) && IsName(book.partnership));
  return absl::StrCat(directory_, "/", book.registry, "-", book.partnership);
}

absl::StatusOr<SignerRecord::Loaded> SignerRecord::Load(const BookId& book) {
  const std::lock_guard<std::mutex> lock(mutex_);
  loaded_.erase(book);
  return LoadLocked(book);
}

absl::StatusOr<SignerRecord::Loaded> SignerRecord::LoadLocked(const BookId& book) {
  const auto known = loaded_.find(book);
  if (known != loaded_.end()) return known->second;
  Loaded loaded;
  const absl::StatusOr<std::string> text = files_->ReadFile(PathOf(book));
  if (HasReason(text.status(), Reason::NOT_FOUND)) return loaded;
  JCM_RETURN_IF_ERROR(text.status());
  const absl::StatusOr<SignedTree> tree = DecodeSignerRecord(book, *text);
  if (!tree.ok()) {
    loaded.condition = Condition::DAMAGED;
    loaded.detail = absl::StrCat(PathOf(book), ": ", tree.status().message());
    return loaded;
  }
  loaded.condition = Condition::PRESENT;
  loaded.tree = *tree;
  loaded_[book] = loaded;
  return loaded;
}

absl::Status SignerRecord::Establish(const BookId& book, const SignedTree& tree) {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_ASSIGN_OR_RETURN(const Loaded loaded, LoadLocked(book));
  if (loaded.condition == Condition::PRESENT) {
    return Error(Reason::ALREADY_EXISTS, absl::StrCat("signer record of ", book.ToString()));
  }
  JCM_RETURN_IF_ERROR(files_->MakeDirs(directory_));
  return PersistLocked(book, tree, "established");
}

absl::Status SignerRecord::MaySign(const BookId& book, uint64_t size, const Digest& root, Consistency consistency) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return MaySignLocked(book, size, root, consistency);
}

absl::Status SignerRecord::MaySignLocked(const BookId& book, uint64_t size, const Digest& root,
                                         Consistency consistency) {
  if (failed_) return Error(Reason::STORE_FAILED, "writing the signer's record failed before");
  JCM_ASSIGN_OR_RETURN(const Loaded loaded, LoadLocked(book));
  const std::string what = absl::StrCat(book.ToString(), " at ", size, ", signed at ", loaded.tree.size);
  if (loaded.condition != Condition::PRESENT) {
    return Error(Reason::SIGNER_RECORD_MISSING, absl::StrCat(book.ToString(), " ", loaded.detail));
  }
  if (size < loaded.tree.size) return Error(Reason::SIGNER_RECORD_AHEAD, what);
  if (size == loaded.tree.size) {
    // A book of size 0 that was just established has no root yet.
    if (root != loaded.tree.root) return Error(Reason::FORK_DETECTED, what);
    return absl::OkStatus();
  }
  if (consistency != Consistency::VERIFIED) return Error(Reason::PROOF_INVALID, what);
  return absl::OkStatus();
}

absl::Status SignerRecord::Advance(const BookId& book, const SignedTree& tree, Consistency consistency) {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_RETURN_IF_ERROR(MaySignLocked(book, tree.size, tree.root, consistency));
  if (loaded_[book].tree.size == tree.size) return absl::OkStatus();  // signing the same tree again needs no new record
  return PersistLocked(book, tree, "signed");
}

absl::Status SignerRecord::Replace(const BookId& book, const SignedTree& tree, absl::string_view authority) {
  if (authority.empty() || authority.size() > 200 || !IsPrintable(authority)) {
    return Error(Reason::FIELD_INVALID, "the authority for replacing a signer's record");
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_RETURN_IF_ERROR(files_->MakeDirs(directory_));
  const absl::StatusOr<std::string> former = files_->ReadFile(PathOf(book));
  if (former.ok()) {
    int number = 1;
    while (files_->Exists(absl::StrCat(PathOf(book), ".replaced-", number))) ++number;
    JCM_RETURN_IF_ERROR(files_->WriteFileAtomically(absl::StrCat(PathOf(book), ".replaced-", number), *former));
  } else if (!HasReason(former.status(), Reason::NOT_FOUND)) {
    return former.status();
  }
  return PersistLocked(book, tree, absl::StrCat("replaced by ", authority));
}

absl::Status SignerRecord::PersistLocked(const BookId& book, const SignedTree& tree, absl::string_view authority) {
  if (failed_) return Error(Reason::STORE_FAILED, "writing the signer's record failed before");
  const absl::Status written = files_->WriteFileAtomically(PathOf(book), EncodeSignerRecord(book, tree, authority));
  if (!written.ok()) {
    failed_ = true;
    return Error(Reason::STORE_FAILED, written.message());
  }
  loaded_[book] = Loaded{Condition::PRESENT, tree, ""};
  return absl::OkStatus();
}

}  // namespace jcm::store

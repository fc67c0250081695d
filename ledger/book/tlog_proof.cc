#include "ledger/book/tlog_proof.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/merkle.h"
#include "ledger/book/note.h"

namespace jcm::book {
namespace {

constexpr char kHeader[] = "c2sp.org/tlog-proof@v1";

absl::Status Malformed(absl::string_view detail) {
  return Error(Reason::RECEIPT_MALFORMED, absl::StrCat("tlog-proof: ", detail));
}

// The lines before the blank one.
absl::Status ParseHead(absl::string_view head, TlogProof& proof) {
  const std::vector<absl::string_view> lines = absl::StrSplit(head, '\n');
  size_t at = 0;
  if (lines[at++] != kHeader) return Malformed("the first line");
  absl::string_view line = at < lines.size() ? lines[at] : "";
  if (absl::ConsumePrefix(&line, "extra ")) {
    JCM_ASSIGN_OR_RETURN(proof.extra, Base64Decode(line));
    ++at;
  }
  line = at < lines.size() ? lines[at++] : "";
  if (!absl::ConsumePrefix(&line, "index ") || !absl::SimpleAtoi(line, &proof.index)) return Malformed("the index");
  if (lines.size() - at > kProofHashesMax) return Malformed("too many hashes");
  for (; at < lines.size(); ++at) {
    JCM_ASSIGN_OR_RETURN(std::string bytes, Base64Decode(lines[at]));
    JCM_ASSIGN_OR_RETURN(Digest hash, DigestFromBytes(bytes));
    proof.hashes.push_back(hash);
  }
  return absl::OkStatus();
}

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string text = absl::StrCat(kHeader, "\n");
  if (proof.extra.has_value()) absl::StrAppend(&text, "extra ", Base64Encode(*proof.extra), "\n");
  absl::StrAppend(&text, "index ", proof.index, "\n");
  for (const Digest& hash : proof.hashes) absl::StrAppend(&text, Base64Encode(AsBytes(hash)), "\n");
  absl::StrAppend(&text, "\n", proof.checkpoint);
  return text;
}

absl::StatusOr<TlogProof> ParseTlogProof(absl::string_view text) {
  if (text.size() > kTlogProofBytesMax) return Malformed("too large");
  const size_t blank_line = text.find("\n\n");
  if (blank_line == absl::string_view::npos) return Malformed("no blank line");
  TlogProof proof;
  absl::Status head = ParseHead(text.substr(0, blank_line), proof);
  if (!head.ok()) return HasReason(head, Reason::RECEIPT_MALFORMED) ? head : Malformed(head.message());
  proof.checkpoint = std::string(text.substr(blank_line + 2));
  absl::StatusOr<Note> note = ParseNote(proof.checkpoint);
  if (!note.ok()) return Malformed(note.status().message());
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint.ok()) return Malformed(checkpoint.status().message());
  if (FormatTlogProof(proof) != text) return Malformed("another spelling");
  return proof;
}

}  // namespace jcm::book

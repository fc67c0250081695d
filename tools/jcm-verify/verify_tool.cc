#include "tools/jcm-verify/verify_tool.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/exported_book.h"
#include "ledger/book/note.h"
#include "ledger/book/receipt.h"
#include "ledger/book/trust.h"
#include "nlohmann/json.hpp"

namespace jcm::verify {
namespace {

using book::BookVerdict;
using book::Language;
using book::Level;
using book::Receipt;
using book::Trust;
using book::Verdict;

constexpr size_t kExportPieceBytesMax = 64 * 1024 * 1024;

const char* Pick(Language language, const char* english, const char* japanese) {
  return language == Language::ENGLISH ? english : japanese;
}

const char* LevelName(Level level) {
  switch (level) {
    case Level::BOTH:
      return "BOTH";
    case Level::PENDING:
      return "PENDING";
    case Level::NO_PARTNER_BOOK:
      return "NO_PARTNER_BOOK";
    case Level::UNKNOWN_KEY:
      return "UNKNOWN_KEY";
    case Level::INVALID:
      break;
  }
  return "INVALID";
}

int ExitCodeOf(Level level, bool satisfied) {
  if (satisfied) return kExitValid;
  if (level == Level::UNKNOWN_KEY) return kExitUnknownKey;
  return book::IsValid(level) ? kExitNotEnough : kExitInvalid;
}

// What was read, before anything is believed.
struct Input {
  absl::optional<Receipt> receipt;
  std::vector<book::ExportPiece> pieces;
  std::set<std::string> origins;
};

absl::Status AddOrigin(absl::string_view note_text, Input& input) {
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(note_text));
  JCM_ASSIGN_OR_RETURN(book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
  input.origins.insert(checkpoint.origin);
  return absl::OkStatus();
}

absl::Status ReadReceipt(absl::string_view text, Input& input) {
  JCM_ASSIGN_OR_RETURN(input.receipt, book::ParseReceipt(text));
  JCM_ASSIGN_OR_RETURN(std::string origin, book::OriginOfReceipt(*input.receipt));
  input.origins.insert(origin);
  if (input.receipt->previous_checkpoint.empty()) return absl::OkStatus();
  return AddOrigin(input.receipt->previous_checkpoint, input);
}

absl::Status ReadPiece(absl::string_view bytes, Input& input) {
  if (bytes.size() > kExportPieceBytesMax) return Error(Reason::MESSAGE_MALFORMED, "too large");
  jcm::mirror::v1::ReadEntriesResponse message;
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, &message));
  book::ExportPiece piece;
  piece.from = message.from();
  piece.entries.assign(message.entries().begin(), message.entries().end());
  piece.checkpoint = message.checkpoint();
  for (const std::string& hash : message.consistency_proof()) {
    JCM_ASSIGN_OR_RETURN(Digest digest, DigestFromBytes(hash));
    piece.consistency_proof.push_back(digest);
  }
  JCM_RETURN_IF_ERROR(AddOrigin(piece.checkpoint, input));
  input.pieces.push_back(std::move(piece));
  return absl::OkStatus();
}

bool AreAllDemonstrations(const std::set<std::string>& origins) {
  return !origins.empty() && std::all_of(origins.begin(), origins.end(), [](const std::string& origin) {
    return absl::StartsWith(origin, absl::StrCat(book::kDemonstrationDomain, "/"));
  });
}

bool KnowsAll(const Trust& trust, const std::set<std::string>& origins) {
  return std::all_of(origins.begin(), origins.end(),
                     [&](const std::string& origin) { return trust.Find(origin) != nullptr; });
}

struct TrustChoice {
  absl::optional<Trust> trust;  // none: no keys are known
  std::string path;
  bool beside_the_file = false;
  bool beside_is_ignored = false;  // there is one, and it may not be used
};

absl::StatusOr<Trust> ReadTrust(FileSystem& files, const std::string& path) {
  absl::StatusOr<std::string> text = files.ReadFile(path);
  if (!text.ok()) return Error(Reason::TRUST_MALFORMED, text.status().message());
  absl::StatusOr<Trust> trust = Trust::Parse(*text);
  if (!trust.ok()) return Error(*ReasonOf(trust.status()), absl::StrCat(path, ": ", trust.status().message()));
  return trust;
}

std::string BesideOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "trust.json" : absl::StrCat(path.substr(0, slash + 1), "trust.json");
}

// The order matters: a file of keys that travels with a certificate proves nothing, so it counts for demonstrations
// only.
absl::StatusOr<TrustChoice> ChooseTrust(const VerifyOptions& options, const Input& input, FileSystem& files) {
  TrustChoice choice;
  if (!options.trust_path.empty()) {
    choice.path = options.trust_path;
    JCM_ASSIGN_OR_RETURN(choice.trust, ReadTrust(files, choice.path));
    return choice;
  }
  if (files.Exists(options.configured_trust_path)) {
    choice.path = options.configured_trust_path;
    JCM_ASSIGN_OR_RETURN(choice.trust, ReadTrust(files, choice.path));
    if (KnowsAll(*choice.trust, input.origins)) return choice;
  }
  const std::string beside = BesideOf(options.paths[0]);
  if (!files.Exists(beside)) return choice;
  choice.beside_is_ignored = !AreAllDemonstrations(input.origins);
  if (!choice.beside_is_ignored) {
    choice.path = beside;
    choice.beside_the_file = true;
    JCM_ASSIGN_OR_RETURN(choice.trust, ReadTrust(files, beside));
  }
  return choice;
}

struct Report {
  std::string headline;
  Level level = Level::INVALID;
  Level required = Level::BOTH;
  bool satisfied = false;
  absl::Status reason;
  bool demonstration = false;
  std::vector<std::string> lines;
  nlohmann::ordered_json details = nlohmann::ordered_json::object();
};

// The headline and details of a receipt.
Report ReportOf(const Verdict& verdict, const Receipt& receipt, Language language) {
  Report report;
  report.headline = book::Headline(verdict, language);
  report.level = verdict.level;
  report.required = verdict.required;
  report.satisfied = verdict.satisfied;
  report.reason = verdict.reason;
  report.demonstration = verdict.demonstration;
  report.lines = book::Explain(verdict, receipt, language);
  if (!book::IsValid(verdict.level)) return report;
  report.details["explanation"] = report.lines;
  for (const book::Opening& opening : receipt.openings) report.details["opened"][opening.field] = opening.value;
  report.details["origin"] = verdict.checkpoint->origin;
  report.details["sequence"] = verdict.leaf->sequence;
  report.details["recorded_at"] = FormatRfc3339(verdict.leaf->time);
  report.details["tree_size"] = verdict.checkpoint->size;
  report.details["signers"] = verdict.signers;
  report.details["cosigners"] = verdict.cosigners;
  if (verdict.cosigned_at.has_value()) report.details["cosigned_at"] = FormatRfc3339(*verdict.cosigned_at);
  if (verdict.cosigned_before.has_value()) {
    report.details["cosigned_before"] = FormatRfc3339(*verdict.cosigned_before);
  }
  report.details["late_stamped"] = verdict.late_stamped;
  report.details["partner_hosted"] = verdict.hosted;
  report.details["withheld"] = verdict.withheld;
  report.details["author_key_ids"] = verdict.author_key_ids;
  return report;
}

// The same of an exported book; its headline is that of a receipt of the same level.
Report ReportOf(const BookVerdict& verdict, Language language) {
  Verdict as_receipt;
  as_receipt.level = verdict.level;
  absl::StatusOr<book::Origin> origin = book::ParseOrigin(verdict.origin);
  if (origin.ok()) {
    as_receipt.leaf = book::Leaf();
    as_receipt.leaf->book = origin->book;
  }
  Report report;
  report.headline = book::Headline(as_receipt, language);
  report.level = verdict.level;
  report.required = verdict.required;
  report.satisfied = verdict.satisfied;
  report.reason = verdict.reason;
  report.demonstration = verdict.demonstration;
  if (!verdict.reason.ok()) {
    const ReasonInfo& info = Describe(*ReasonOf(verdict.reason));
    report.lines.push_back(absl::StrCat(Pick(language, "Reason: ", "理由："),
                                        Pick(language, info.english, info.japanese), " (", info.name, ") ",
                                        verdict.reason.message()));
  }
  if (!book::IsValid(verdict.level)) return report;
  report.lines.push_back(absl::StrCat(Pick(language, "Book: ", "帳簿："), verdict.origin,
                                      Pick(language, ", entries verified: ", "、検証した記録数："), verdict.size));
  report.lines.push_back(absl::StrCat(Pick(language, "Root: ", "根："), HexEncode(verdict.root)));
  report.lines.push_back(absl::StrCat(Pick(language, "Cosigned up to: ", "連署済み："), verdict.cosigned_size));
  report.details["origin"] = verdict.origin;
  report.details["size"] = verdict.size;
  report.details["root"] = HexEncode(verdict.root);
  report.details["checkpoint_size"] = verdict.checkpoint_size;
  report.details["cosigned_size"] = verdict.cosigned_size;
  report.details["signers"] = verdict.signers;
  report.details["cosigners"] = verdict.cosigners;
  report.details["key_changes"] = verdict.key_changes;
  for (const auto& kind : verdict.entries_by_kind) report.details["entries_by_kind"][kind.first] = kind.second;
  return report;
}

// Text from files goes to terminals: control characters would let it write its own headline.
std::string Printable(std::string line) {
  for (char& c : line) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return line;
}

void PrintText(const Report& report, const TrustChoice& choice, Language language, std::ostream& out) {
  out << report.headline << "\n";
  if (report.demonstration) out << book::kDemonstrationNotice << "\n";
  for (const std::string& line : report.lines) out << Printable(line) << "\n";
  if (!choice.trust.has_value()) {
    out << Pick(language, "No trusted keys: give them with --trust, or install ",
                "信頼する鍵がありません。--trust で指定するか次に置いてください：")
        << kConfiguredTrustPath << "\n";
    if (choice.beside_is_ignored) {
      out << Pick(language, "The trust.json beside the file is not used: keys that travel with a file prove nothing.",
                  "ファイルと同じ場所の trust.json は使いません。ファイルと共に届く鍵は何の証明にもなりません。")
          << "\n";
    }
    return;
  }
  out << Pick(language, "Trusted keys: ", "信頼する鍵：") << Printable(choice.path) << "\n";
  if (choice.beside_the_file) {
    out << Pick(language, "These keys lie beside the file and are believed for demonstrations alone. Fingerprints:",
                "この鍵はファイルと同じ場所にあり、実演用に限り使われます。指紋：")
        << "\n";
    for (const std::string& line : choice.trust->Fingerprints()) out << "  " << Printable(line) << "\n";
  }
  if (book::IsValid(report.level) && !report.satisfied) {
    out << Pick(language, "This does not yet reach the level that its content requires: both governments.",
                "内容が必要とする水準（両政府）にまだ達していません。")
        << "\n";
  }
}

void PrintJson(const Report& report, const TrustChoice& choice, std::ostream& out) {
  nlohmann::ordered_json root;
  root["result"] = report.headline;
  root["level"] = LevelName(report.level);
  root["required"] = LevelName(report.required);
  root["satisfied"] = report.satisfied;
  if (!report.reason.ok()) {
    const ReasonInfo& info = Describe(*ReasonOf(report.reason));
    root["reason"] = {{"name", info.name},
                      {"number", static_cast<int>(info.reason)},
                      {"detail", std::string(report.reason.message())}};
  }
  root["demonstration"] = report.demonstration;
  if (report.demonstration) root["notice"] = book::kDemonstrationNotice;
  root["trust"] = choice.path;
  if (choice.beside_the_file) root["fingerprints"] = choice.trust->Fingerprints();
  for (const auto& item : report.details.items()) root[item.key()] = item.value();
  out << root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

Report Judge(const Input& input, const TrustChoice& choice, Language language) {
  if (!choice.trust.has_value()) {
    Verdict unknown;
    unknown.level = Level::UNKNOWN_KEY;
    unknown.reason = Error(Reason::KEY_UNKNOWN, "no trusted keys");
    return ReportOf(unknown, Receipt(), language);
  }
  if (input.receipt.has_value()) {
    return ReportOf(book::Evaluate(*input.receipt, *choice.trust), *input.receipt, language);
  }
  book::BookVerifier verifier(*choice.trust);
  for (const book::ExportPiece& piece : input.pieces) {
    if (!verifier.Add(piece).ok()) break;
  }
  return ReportOf(verifier.Finish(), language);
}

// A file that cannot even be read as what it should be.
Report Unreadable(const absl::Status& status, Language language) {
  Verdict invalid;
  invalid.reason = status;
  return ReportOf(invalid, Receipt(), language);
}

// Receipts are JSON; everything else is a piece of an exported book.
absl::Status ReadInput(const std::vector<std::string>& texts, Input& input) {
  for (const std::string& text : texts) {
    const absl::string_view content = absl::StripLeadingAsciiWhitespace(text);
    if (texts.size() == 1 && !content.empty() && content[0] == '{') return ReadReceipt(text, input);
    JCM_RETURN_IF_ERROR(ReadPiece(text, input));
  }
  return absl::OkStatus();
}

}  // namespace

int RunVerify(const VerifyOptions& options, FileSystem& files, std::ostream& out, std::ostream& err) {
  std::vector<std::string> texts;
  for (const std::string& path : options.paths) {
    absl::StatusOr<std::string> text = files.ReadFile(path);
    if (!text.ok()) {
      err << "jcm-verify: " << Pick(options.language, "cannot read the file: ", "ファイルを読めません：")
          << text.status().message() << "\n";
      return kExitUsage;
    }
    texts.push_back(*std::move(text));
  }
  if (texts.empty()) {
    err << "jcm-verify: no file\n";
    return kExitUsage;
  }
  Input input;
  TrustChoice choice;
  Report report;
  absl::Status readable = ReadInput(texts, input);
  if (readable.ok()) {
    absl::StatusOr<TrustChoice> chosen = ChooseTrust(options, input, files);
    if (!chosen.ok()) {
      err << "jcm-verify: " << ToText(chosen.status()) << "\n";
      return kExitUsage;
    }
    choice = *std::move(chosen);
    report = Judge(input, choice, options.language);
  } else {
    report = Unreadable(readable, options.language);
  }
  if (options.json) {
    PrintJson(report, choice, out);
  } else {
    PrintText(report, choice, options.language, out);
  }
  return ExitCodeOf(report.level, report.satisfied);
}

}  // namespace jcm::verify

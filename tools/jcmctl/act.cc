// How an act leaves this program: completed, shown, signed, sent, reported. The rest of Session is in session.cc.
#include <unistd.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/client/json_view.h"
#include "tools/jcmctl/session.h"

namespace jcm::ctl {
namespace {

using nlohmann::ordered_json;

void AnnotateHandles(const std::string& partnership, const std::map<std::string, std::string>& names,
                     ordered_json* view) {
  if (view->is_structured()) {
    for (ordered_json& item : *view) AnnotateHandles(partnership, names, &item);
    return;
  }
  if (!view->is_string()) return;
  const auto found = names.find(absl::StrCat(partnership, "/", view->get<std::string>()));
  if (found != names.end()) *view = absl::StrCat(view->get<std::string>(), "  (", found->second, ")");
}

bool NamesHandles(const ordered_json& view) {
  if (view.is_string()) return client::IsHandle(view.get<std::string>());
  if (!view.is_structured()) return false;
  for (const ordered_json& item : view) {
    if (NamesHandles(item)) return true;
  }
  return false;
}

absl::StatusOr<PrivateKey> ReadKey(const std::string& path, FileSystem& files) {
  absl::StatusOr<std::string> pem = files.ReadFile(path);
  if (!pem.ok()) return Error(Reason::KEY_FILE_INVALID, absl::StrCat("cannot read ", path));
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*pem);
  if (!key.ok()) return Error(Reason::KEY_FILE_INVALID, path);
  return key;
}

client::Table ResultTable() {
  return client::Table({{"Book", "帳簿", "/book"},
                        {"Outcome", "結果", "/outcome"},
                        {"Entry", "記録番号", "/sequence", client::ColumnKind::NUMBER},
                        {"Leaf hash", "葉ハッシュ", "/leaf_hash", client::ColumnKind::DIGEST},
                        {"Reason", "理由", "/text"}});
}

client::Table RefusalTable() {
  return client::Table(
      {{"Rule", "規定", "/rule"}, {"Reason", "理由", "/reason"}, {"", "", "/text"}, {"Detail", "詳細", "/detail"}});
}

}  // namespace

absl::Status Session::Complete(v1::Command* command) {
  if (!options_.legal_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*command->mutable_legal_date(), client::ParseDay(options_.legal_date));
  }
  JCM_ASSIGN_OR_RETURN(v1::Provenance provenance,
                       client::ParseEnum<v1::Provenance>(v1::Provenance_descriptor(), options_.provenance));
  command->set_provenance(provenance);
  command->set_note(options_.note);
  return absl::OkStatus();
}

std::string Session::Summary(const std::string& partnership, const v1::Command& command) {
  ordered_json view = client::ViewOf(command);
  if (NamesHandles(view)) AnnotateHandles(partnership, LoadNames().by_handle, &view);
  std::string summary =
      absl::StrCat("  book: ", options_.registry, "/", partnership, "\n", client::ViewAsText(view, 4));
  for (const std::string& line : beside_) absl::StrAppend(&summary, "    ", line, "\n");
  beside_.clear();
  return summary;
}

absl::StatusOr<std::vector<PrivateKey>> Session::Signers() {
  if (options_.keys.empty())
    return Error(Reason::SIGNATURE_MISSING, "give --key FILE, or \"key\" in the settings file");
  std::vector<PrivateKey> keys;
  for (const std::string& path : options_.keys) {
    JCM_ASSIGN_OR_RETURN(PrivateKey key, ReadKey(path, files_));
    keys.push_back(std::move(key));
  }
  return keys;
}

absl::StatusOr<std::unique_ptr<client::BundleBuilder>> Session::NewBuilder() {
  if (options_.registry.empty()) return Error(Reason::CONFIG_INVALID, "registry is not set");
  auto builder = std::make_unique<client::BundleBuilder>(
      options_.registry, options_.independent ? v1::BUNDLE_MODE_INDEPENDENT : v1::BUNDLE_MODE_ATOMIC, random_);
  if (!options_.request_id.empty()) {
    JCM_ASSIGN_OR_RETURN(std::string id, client::ParseRequestId(options_.request_id));
    JCM_RETURN_IF_ERROR(builder->SetRequestId(id));
  }
  return builder;
}

absl::Status Session::Act(const std::string& partnership, v1::Command command) {
  JCM_RETURN_IF_ERROR(Complete(&command));
  if (collected_ != nullptr) {
    absl::StrAppend(&collected_summary_, Summary(partnership, command));
    return collected_->Add(partnership, command);
  }
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<client::BundleBuilder> builder, NewBuilder());
  JCM_RETURN_IF_ERROR(builder->Add(partnership, command));
  return Send(*builder, Summary(partnership, command));
}

absl::Status Session::ActWithParticulars(const std::string& partnership, v1::Command command,
                                         const client::SealedParticulars& sealed) {
  vault_keys_.emplace_back(sealed.attachment.subject(), sealed.key);
  if (collected_ != nullptr) {
    collected_->Attach(sealed.attachment);
    return Act(partnership, std::move(command));
  }
  JCM_RETURN_IF_ERROR(Complete(&command));
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<client::BundleBuilder> builder, NewBuilder());
  JCM_RETURN_IF_ERROR(builder->Add(partnership, command));
  builder->Attach(sealed.attachment);
  return Send(*builder, Summary(partnership, command));
}

absl::Status Session::BeginCollecting() {
  JCM_ASSIGN_OR_RETURN(collected_, NewBuilder());
  collected_summary_.clear();
  return absl::OkStatus();
}

absl::Status Session::SendCollected() {
  const std::unique_ptr<client::BundleBuilder> builder = std::move(collected_);
  return Send(*builder, collected_summary_);
}

bool Session::Confirmed() {
  if (options_.yes || options_.dry_run || isatty(STDIN_FILENO) == 0) return true;
  std::cerr << (options_.language == client::Language::JA ? "署名して送信しますか? [y/N] " : "Sign and send? [y/N] ");
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

absl::Status Session::Send(const client::BundleBuilder& builder, const std::string& summary) {
  JCM_ASSIGN_OR_RETURN(std::vector<PrivateKey> signers, Signers());
  Say(absl::StrCat(options_.dry_run ? "Would sign for " : "Signing for ", options_.registry, " (", builder.part_count(),
                   builder.part_count() == 1 ? " act" : " acts", "):\n", summary));
  if (!Confirmed()) return Error(Reason::SIGNATURE_MISSING, "not confirmed; nothing was signed");
  JCM_ASSIGN_OR_RETURN(client::BuiltBundle bundle, builder.Sign(signers));
  for (const PrivateKey& key : signers) {
    Say(absl::StrCat("  signed with key ", HexEncode(key.public_key().KeyId()).substr(0, 16), "…\n"));
  }
  Say(absl::StrCat("  request ", HexEncode(bundle.request_id), ", SHA-256 of the signed header ",
                   HexEncode(Sha256(bundle.header)), "\n"));
  api::SubmitBundleRequest request;
  request.set_signed_bundle(bundle.bytes);
  request.set_wait_for(options_.wait_cosigned ? api::WAIT_FOR_COSIGNED : api::WAIT_FOR_COMMITTED);
  request.set_validate_only(options_.dry_run);
  for (const auto& [subject, key] : vault_keys_) {
    api::VaultKey* vault_key = request.add_vault_keys();
    vault_key->set_subject(subject);
    vault_key->set_key(key);
  }
  if (!options_.save_request.empty()) {
    JCM_RETURN_IF_ERROR(files_.WriteFileAtomically(options_.save_request, request.SerializeAsString()));
  }
  absl::Status status = Deliver(request);
  const int code = ExitCodeOf(status);
  if (options_.save_request.empty() && !options_.dry_run && (code == kExitUnknown || code == kExitNotCosigned)) {
    // Without the bytes nobody could ask again for the outcome.
    const std::string path = absl::StrCat("jcm-request-", HexEncode(bundle.request_id));
    JCM_RETURN_IF_ERROR(files_.WriteFileAtomically(path, request.SerializeAsString()));
    Say(absl::StrCat("The request is kept in ", path, "; ask again with: jcmctl request outcome ", path, "\n"));
  }
  return status;
}

absl::Status Session::Resend(const std::string& path) {
  JCM_ASSIGN_OR_RETURN(std::string bytes, files_.ReadFile(path));
  api::SubmitBundleRequest request;
  if (!request.ParseFromString(bytes))
    return Error(Reason::MESSAGE_MALFORMED, absl::StrCat(path, " is no saved request"));
  request.set_wait_for(options_.wait_cosigned ? api::WAIT_FOR_COSIGNED : api::WAIT_FOR_COMMITTED);
  request.set_validate_only(options_.dry_run);
  return Deliver(request);
}

absl::Status Session::Deliver(const api::SubmitBundleRequest& request) {
  JCM_ASSIGN_OR_RETURN(last_response_, Call<api::LedgerService>(&api::LedgerService::Stub::SubmitBundle, request));
  return ReportResults();
}

absl::Status Session::ReportResults() {
  Rows rows;
  Rows refusals;
  absl::Status first_refusal;
  const bool japanese = options_.language == client::Language::JA;
  for (const api::PartResult& result : last_response_.results()) {
    ordered_json row = client::ViewOf(result);
    row["sequence"] = result.sequence();
    row["outcome"] = !result.accepted() ? "REFUSED" : options_.dry_run ? "WOULD BE ACCEPTED" : "ACCEPTED";
    if (!result.accepted()) {
      row["text"] = absl::StrCat(result.reason(), " (", result.reason_number(),
                                 "): ", japanese ? result.message_ja() : result.message_en(),
                                 result.detail().empty() ? "" : " — ", result.detail());
      if (first_refusal.ok()) first_refusal = Error(static_cast<Reason>(result.reason_number()), result.detail());
    }
    rows.push_back(std::move(row));
    // A dry run says everything that would be refused, not only what comes first.
    for (const api::Refusal& refusal : result.refusals()) {
      refusals.push_back({{"rule", refusal.rule()},
                          {"reason", absl::StrCat(refusal.reason(), " (", refusal.reason_number(), ")")},
                          {"text", japanese ? refusal.message_ja() : refusal.message_en()},
                          {"detail", refusal.detail()}});
    }
  }
  if (options_.output == client::OutputFormat::JSON) {
    ordered_json view = client::ViewOf(last_response_);
    view["results"] = rows;
    view["replayed"] = last_response_.replayed();
    view["cosigned"] = last_response_.cosigned();
    Print(view.dump(2) + "\n");
  } else {
    PrintRows(ResultTable(), rows);
    if (!refusals.empty()) PrintRows(RefusalTable(), refusals);
    if (last_response_.replayed()) Say("This request was answered before; this is its first outcome.\n");
    if (last_response_.cosigned()) Say("Cosigned by the other government.\n");
  }
  return FromNode(first_refusal);
}

}  // namespace jcm::ctl

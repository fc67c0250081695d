// Certificates: the receipt of a retirement, cancellation or account, with the commitments that its holder opens.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/status.h"
#include "ledger/book/receipt.h"
#include "tools/jcmctl/commands.h"
#include "tools/jcmctl/salts_file.h"

namespace jcm::ctl {
namespace {

struct CertificateFlags {
  std::string salts;
  std::vector<std::string> fields;
  std::string out;
};

// Only what was asked for is opened; the rest stays a salted hash.
absl::Status KeepFields(const std::vector<std::string>& fields, std::vector<book::Opening>* openings) {
  if (fields.empty()) return absl::OkStatus();
  for (const std::string& field : fields) {
    const bool known = std::any_of(openings->begin(), openings->end(),
                                   [&field](const book::Opening& opening) { return opening.field == field; });
    if (!known) return Error(Reason::FIELD_INVALID, absl::StrCat("nothing was committed to as \"", field, "\""));
  }
  const auto unwanted = [&fields](const book::Opening& opening) {
    return std::find(fields.begin(), fields.end(), opening.field) == fields.end();
  };
  openings->erase(std::remove_if(openings->begin(), openings->end(), unwanted), openings->end());
  return absl::OkStatus();
}

absl::Status Create(Session& session, const CertificateFlags& flags) {
  JCM_ASSIGN_OR_RETURN(SavedOpenings saved, ReadSalts(session, flags.salts));
  JCM_RETURN_IF_ERROR(KeepFields(flags.fields, &saved.openings));
  api::GetReceiptRequest request;
  request.set_name(saved.entry);
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::LedgerService>(&api::LedgerService::Stub::GetReceipt, request));
  JCM_ASSIGN_OR_RETURN(book::Receipt receipt, book::ParseReceipt(response.receipt_json()));
  receipt.certificate = true;
  receipt.openings = saved.openings;
  JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.out, book::FormatReceipt(receipt), FileMode::ALL));
  const std::string opened = absl::StrJoin(saved.openings, ", ", [](std::string* out, const book::Opening& opening) {
    absl::StrAppend(out, opening.field);
  });
  session.Say(absl::StrCat(flags.out, ": ", saved.entry, ", opened: ", opened.empty() ? "nothing" : opened, "\n"));
  session.Say(response.cosigned()
                  ? "Cosigned by the other government.\n"
                  : "Not cosigned by the other government yet; create it again later under the same name.\n");
  return absl::OkStatus();
}

}  // namespace

void AddCertificateCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "certificate", "Certificates that anybody can verify offline");
  auto flags = std::make_shared<CertificateFlags>();
  CLI::App* command = AddCommand(group, session, "create",
                                 "Certificate of an act that committed to confidential fields", flags, &Create);
  command->add_option("--salts", flags->salts, "File that `credits retire --salts` wrote")->required();
  command->add_option("--field", flags->fields,
                      "Open only this: beneficiary, scheme, holder; default: all; repeatable");
  command->add_option("--out", flags->out, "certificate.json")->required();
}

}  // namespace jcm::ctl

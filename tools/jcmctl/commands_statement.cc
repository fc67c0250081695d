// Statements that officers, replicas and governments sign outside any bundle (book.proto): resuming alone, accepting
// the time, resolving a dispute, changing keys, resetting home. One file goes from hand to hand until all have signed,
// then it is sent.
//
//   jcmctl statement sign --kind resume-alone --body resume.textproto --key op1.key --out resume.statement
//   jcmctl statement sign --kind resume-alone --add resume.statement --key op2.key --out resume.statement
//   jcmctl statement submit --kind resume-alone --book THA/TH resume.statement
#include <google/protobuf/text_format.h>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/keys.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

struct StatementKindInfo {
  const char* name;
  api::StatementKind kind;
  const char* payload_type;
};

constexpr StatementKindInfo kKinds[] = {
    {"key-change", api::STATEMENT_KIND_KEY_CHANGE, "application/vnd.jcm.key-change.v1"},
    {"resolution", api::STATEMENT_KIND_RESOLUTION, "application/vnd.jcm.resolution.v1"},
    {"resume-alone", api::STATEMENT_KIND_RESUME_ALONE, "application/vnd.jcm.resume-alone.v1"},
    {"accept-time", api::STATEMENT_KIND_ACCEPT_TIME, "application/vnd.jcm.accept-time.v1"},
    {"home-reset", api::STATEMENT_KIND_HOME_RESET, "application/vnd.jcm.home-reset.v1"},
};

struct StatementFlags {
  std::string kind;
  std::string book;
  std::string body;
  std::string add;
  std::string out;
  std::string file;
};

absl::StatusOr<StatementKindInfo> KindOf(const std::string& name) {
  for (const StatementKindInfo& info : kKinds) {
    if (name == info.name) return info;
  }
  return Error(Reason::FIELD_INVALID,
               absl::StrCat("--kind ", name, "; one of key-change, resolution, resume-alone, accept-time, home-reset"));
}

std::unique_ptr<google::protobuf::Message> EmptyBody(api::StatementKind kind) {
  switch (kind) {
    case api::STATEMENT_KIND_KEY_CHANGE:
      return std::make_unique<v1::KeyChangeBody>();
    case api::STATEMENT_KIND_RESOLUTION:
      return std::make_unique<v1::ResolutionBody>();
    case api::STATEMENT_KIND_ACCEPT_TIME:
      return std::make_unique<v1::AcceptTimeBody>();
    case api::STATEMENT_KIND_HOME_RESET:
      return std::make_unique<v1::HomeResetBody>();
    default:
      return std::make_unique<v1::ResumeAloneBody>();
  }
}

absl::Status SignStatement(Session& session, const StatementFlags& flags) {
  JCM_ASSIGN_OR_RETURN(StatementKindInfo info, KindOf(flags.kind));
  if (flags.body.empty() == flags.add.empty()) {
    return Error(Reason::FIELD_REQUIRED, "either --body, to begin a statement, or --add, to sign one further");
  }
  // All statements have one shape on the wire: the body's bytes, then signatures over them.
  v1::ResumeAlone statement;
  std::unique_ptr<google::protobuf::Message> body = EmptyBody(info.kind);
  if (!flags.body.empty()) {
    JCM_ASSIGN_OR_RETURN(std::string text, session.files().ReadFile(flags.body));
    if (!google::protobuf::TextFormat::ParseFromString(text, body.get())) {
      return Error(Reason::MESSAGE_MALFORMED,
                   absl::StrCat(flags.body, " is no ", body->GetTypeName(), " in text format"));
    }
    statement.set_statement(body->SerializeAsString());
  } else {
    JCM_ASSIGN_OR_RETURN(std::string bytes, session.files().ReadFile(flags.add));
    JCM_RETURN_IF_ERROR(ParseStrict(bytes, &statement));
    JCM_RETURN_IF_ERROR(ParseStrict(statement.statement(), body.get()));
  }
  std::string shown;
  JCM_CHECK(google::protobuf::TextFormat::PrintToString(*body, &shown));
  session.Print(absl::StrCat(body->GetTypeName(), "\n", shown));
  JCM_ASSIGN_OR_RETURN(std::vector<PrivateKey> signers, session.Signers());
  for (const PrivateKey& key : signers) {
    *statement.add_signatures() = book::SignToProto(key, info.payload_type, statement.statement());
    session.Print(absl::StrCat("signed by key ", HexEncode(key.public_key().KeyId()), "\n"));
  }
  return session.files().WriteFileAtomically(flags.out, statement.SerializeAsString(), FileMode::ALL);
}

absl::Status SubmitStatement(Session& session, const StatementFlags& flags) {
  JCM_ASSIGN_OR_RETURN(StatementKindInfo info, KindOf(flags.kind));
  api::SubmitStatementRequest request;
  request.set_book(absl::StrCat("books/", flags.book));
  request.set_kind(info.kind);
  JCM_ASSIGN_OR_RETURN(*request.mutable_statement(), session.files().ReadFile(flags.file));
  JCM_RETURN_IF_ERROR(session.Call<api::LedgerService>(&api::LedgerService::Stub::SubmitStatement, request).status());
  session.Print(absl::StrCat("accepted; it is the next entry of books/", flags.book, "\n"));
  return absl::OkStatus();
}

}  // namespace

void AddStatementCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "statement", "Statements of officers and governments, signed outside any bundle");
  auto sign = std::make_shared<StatementFlags>();
  CLI::App* command = AddCommand(group, session, "sign", "Shows a statement, signs it with each --key and writes it",
                                 sign, &SignStatement);
  command->add_option("--kind", sign->kind, "key-change, resolution, resume-alone, accept-time, home-reset")
      ->required();
  command->add_option("--body", sign->body, "the body as protobuf text (jcm.ledger.v1.…Body), to begin");
  command->add_option("--add", sign->add, "a statement that others have signed already");
  command->add_option("--out", sign->out, "where the signed statement goes")->required();
  auto submit = std::make_shared<StatementFlags>();
  command = AddCommand(group, session, "submit", "Hands a signed statement to the node", submit, &SubmitStatement);
  command->add_option("--kind", submit->kind, "as signed")->required();
  command->add_option("--book", submit->book, "the own book that shall record it, \"THA/TH\"")->required();
  command->add_option("file", submit->file, "the signed statement")->required();
}

}  // namespace jcm::ctl

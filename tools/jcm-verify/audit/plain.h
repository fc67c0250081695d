// The messages of which every entry of a busy book has some, read in place: views into the bytes, nothing copied.
//
//   OperationView operation;
//   v1::Command::BodyCase act;
//   if (!ReadPlainCommand(bytes, &act, &operation)) ...   // not plain: the generated class reads it
//
// Plain is what writers make: fields in order, each once, nothing unknown, text in ASCII. Whatever is accepted here the
// generated classes accept too, with the same values; what is not plain is no error yet. Records of books are always
// plain, for registries write them.
#ifndef TOOLS_JCM_VERIFY_AUDIT_PLAIN_H_
#define TOOLS_JCM_VERIFY_AUDIT_PLAIN_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

bool IsAscii(absl::string_view text);

// A v1::UnitRange.
class RangeView {
 public:
  RangeView() = default;
  RangeView(absl::string_view lot_id, Serial first, Serial last) : lot_id_(lot_id), first_(first), last_(last) {}
  absl::string_view lot_id() const { return lot_id_; }
  Serial first() const { return first_; }
  Serial last() const { return last_; }
  bool Read(absl::string_view bytes);

 private:
  absl::string_view lot_id_;
  Serial first_ = 0;
  Serial last_ = 0;
};

// A transfer, retirement or cancellation as commanded, or the record of it.
struct OperationView {
  absl::string_view id, from_account, to_account;
  std::vector<RangeView> ranges;
  Tonnes tonnes = 0;  // of a record
};

// True if the bytes are a plain v1::Command with one of the three acts.
bool ReadPlainCommand(absl::string_view bytes, v1::Command::BodyCase* act, OperationView* operation);
// The same from a command that is not plain; false if it is another act.
bool OperationOf(const v1::Command& command, OperationView* operation);
// A TransferRecord, RetirementRecord or CancellationRecord: what they have in common.
bool ReadOperationRecord(absl::string_view bytes, OperationView* operation);

// A v1::BlockRecord.
class BlockView {
 public:
  bool Read(absl::string_view bytes);

  absl::string_view lot_id() const { return lot_id_; }
  Serial first() const { return first_; }
  Serial last() const { return last_; }
  absl::string_view account() const { return account_; }
  v1::BlockState state() const { return state_; }
  v1::PartyKind first_allottee() const { return first_allottee_; }
  uint32_t allocation_row() const { return allocation_row_; }
  absl::string_view authorization_id() const { return authorization_id_; }
  absl::string_view first_transfer_id() const { return first_transfer_id_; }
  uint64_t itmo_serial_offset() const { return itmo_serial_offset_; }
  absl::string_view restriction() const { return restriction_; }
  bool trust() const { return trust_; }
  absl::string_view end_id() const { return end_id_; }
  absl::string_view issuing_registry() const { return issuing_registry_; }

 private:
  absl::string_view lot_id_, account_, authorization_id_, first_transfer_id_, restriction_, end_id_, issuing_registry_;
  Serial first_ = 0;
  Serial last_ = 0;
  v1::BlockState state_ = v1::BLOCK_STATE_UNSPECIFIED;
  v1::PartyKind first_allottee_ = v1::PARTY_KIND_UNSPECIFIED;
  uint32_t allocation_row_ = 0;
  uint64_t itmo_serial_offset_ = 0;
  bool trust_ = false;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_PLAIN_H_

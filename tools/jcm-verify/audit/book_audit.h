// One book, entry by entry: bytes first, then meaning. After the first entry whose bytes are wrong only bytes are
// looked at, for what is built on wrong bytes says nothing; the report tells from where on.
//
//   BookAudit audit(std::move(source), trusted, settings, home, &report);
//   while (audit.HasNext()) audit.Step(nullptr);
//   audit.Finish();
#ifndef TOOLS_JCM_VERIFY_AUDIT_BOOK_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_BOOK_AUDIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/trust.h"
#include "tools/jcm-verify/audit/act_audit.h"
#include "tools/jcm-verify/audit/author_audit.h"
#include "tools/jcm-verify/audit/chain_audit.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/home_index.h"
#include "tools/jcm-verify/audit/import_audit.h"
#include "tools/jcm-verify/audit/source.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {

struct BookSettings {
  bool author_signatures = true;
  bool keep_window = false;  // the other book will ask for this one's leaves
  bool keep_hashes = false;  // there is a copy to compare with
  const HomeIndex* home = nullptr;
  HomeIndex* fill_home = nullptr;        // for a home book
  std::vector<SourcedNote> checkpoints;  // given beside the source
};

class BookAudit {
 public:
  // `trusted` may be null. All that is pointed to must outlive this.
  BookAudit(std::unique_ptr<EntrySource> source, const book::TrustedBook* trusted, BookSettings settings,
            BookReport* report);

  bool HasNext() const { return has_next_; }
  const LeafView& NextLeaf() const { return next_leaf_; }
  // Takes the next entry. `other`: the other side's book; null if it is not audited.
  void Step(BookAudit* other);
  void Finish();

  const BookId& id() const { return id_; }
  uint64_t size() const { return chain_.size(); }
  uint64_t imported_size() const { return imports_.imported_size(); }
  // Whether every entry so far was understood, so that the state below is that of the book.
  bool intact() const { return intact_; }
  bool last_was_import() const { return last_was_import_; }
  const Tables& tables() const { return tables_; }
  UnitAudit& units() { return units_; }
  const DecisionAudit& decisions() const { return acts_.records().decisions(); }
  const Digest& last_hash() const { return chain_.last_hash(); }
  const std::vector<Digest>& hashes() const { return hashes_; }
  const EntrySource& source() const { return *source_; }
  BookReport& report() { return report_; }

 private:
  void Load();
  void Understand(LeafWindow* other);
  bool FoldEffects();
  bool ReadAct();
  void CheckKind(LeafWindow* other);
  void CheckStateRoot();
  void CheckStatement();
  void CheckRecoverySignatures(absl::string_view payload_type, absl::string_view body,
                               const google::protobuf::RepeatedPtrField<v1::Signature>& signatures, bool both);
  void NoteFacts();
  void Stop(absl::string_view why);

  std::unique_ptr<EntrySource> source_;
  const BookId id_;
  const BookSettings settings_;
  BookReport& report_;
  ChainAudit chain_;
  Tables tables_;
  AuthorAudit authors_;
  UnitAudit units_;
  ActAudit acts_;
  ImportAudit imports_;

  bool has_next_ = false;
  EntryBytes next_;
  LeafView next_leaf_;
  uint64_t sequence_ = 0;
  std::vector<EffectBytes> effects_;
  bool effects_read_ = false;
  ActReader act_reader_;
  SignedAct act_;
  bool intact_ = true;
  bool last_was_import_ = false;
  LeafWindow window_;
  std::vector<Digest> hashes_;
  absl::optional<PublicKey> peer_recovery_key_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_BOOK_AUDIT_H_

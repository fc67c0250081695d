// Random, truncated and flipped bytes: never a crash, always a reason, and nothing changes.
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/rules/bundle_shape.h"
#include "ledger/rules/testing.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

// Deterministic noise: a hash chain.
class Noise {
 public:
  uint8_t Byte() {
    if (used_ == state_.size()) {
      state_ = Sha256(AsBytes(state_));
      used_ = 0;
    }
    return state_[used_++];
  }
  size_t Below(size_t limit) { return (size_t{Byte()} << 16 | size_t{Byte()} << 8 | Byte()) % limit; }
  std::string Bytes(size_t size) {
    std::string out;
    while (out.size() < size) out.push_back(static_cast<char>(Byte()));
    return out;
  }

 private:
  Digest state_{};
  size_t used_ = state_.size();
};

const std::vector<LeafKind> kKinds = {LeafKind::GENESIS,        LeafKind::COMMAND,     LeafKind::IMPORT,
                                      LeafKind::TICK,           LeafKind::STATE_ROOT,  LeafKind::HALT,
                                      LeafKind::ACTIVATE_RULES, LeafKind::KEY_CHANGE,  LeafKind::RESOLUTION,
                                      LeafKind::RESUME_ALONE,   LeafKind::ACCEPT_TIME, LeafKind::HOME_RESET,
                                      LeafKind::LATE_STAMPED};

// Refused with a reason of the catalogue other than INTERNAL.
void ExpectReason(const absl::Status& status) {
  ASSERT_FALSE(status.ok());
  ASSERT_NE(Why(status), "INTERNAL") << status;
}

class Garbage : public testing::Test {
 protected:
  absl::Status Run(const std::string& partnership, LeafKind kind, const std::string& command,
                   const std::string& context) {
    const TestBook& book = pair_.jpn().book(partnership);
    EntryInput input;
    input.book = book.id();
    input.kind = kind;
    input.sequence = book.size();
    input.time = pair_.jpn().now();
    input.command = command;
    input.context = context;
    const absl::Status needs = CollectNeeds(book.state(), input).status();
    EXPECT_NE(Why(needs), "INTERNAL");
    return Execute(book.state(), input, PlainVerifier()).status();
  }

  TestPair pair_;
  Noise noise_;
};

TEST_F(Garbage, OfRandomBytesIsRefusedByEveryKindOfEntry) {
  for (int i = 0; i < 3'000; ++i) {
    const std::string bytes = noise_.Bytes(1 + noise_.Below(200));
    const LeafKind kind = kKinds[noise_.Below(kKinds.size())];
    ExpectReason(Run(noise_.Below(4) == 0 ? kHome : "TH", kind, bytes, ""));
    ExpectReason(Run("TH", LeafKind::COMMAND, "", bytes));
    ExpectReason(CheckBundleShape(bytes, "JPN"));
  }
}

TEST_F(Garbage, OfEmptyBytesIsRefusedByEveryKindOfEntry) {
  for (LeafKind kind : kKinds) {
    ExpectReason(Run("TH", kind, "", ""));
    ExpectReason(Run(kHome, kind, "", ""));
  }
  ExpectReason(CheckBundleShape("", "JPN"));
}

TEST_F(Garbage, OfTruncatedEntriesIsRefused) {
  ASSERT_EQ(pair_.Settle(), absl::OkStatus());
  const TestBook& book = pair_.jpn().book("TH");
  for (uint64_t i = 0; i < book.size(); ++i) {
    const v1::EntryRecord& entry = book.entries()[i];
    for (size_t size = 0; size < entry.command().size(); size += 1 + noise_.Below(40)) {
      ExpectReason(Run("TH", book.LeafOf(i).kind, entry.command().substr(0, size), entry.context()));
    }
    for (size_t size = 1; size < entry.context().size(); size += 1 + noise_.Below(40)) {
      ExpectReason(Run("TH", book.LeafOf(i).kind, entry.command(), entry.context().substr(0, size)));
    }
  }
}

TEST_F(Garbage, OfFlippedBitsInACommandIsRefused) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.mutable_register_project()->set_project_id("TH077");
  command.mutable_register_project()->set_title_en("A project");
  const std::string good = state::Serialise(pair_.jpn().Sign("TH", command, {"secretary"}));
  TestPair copy = pair_;
  ASSERT_EQ(copy.jpn().Append("TH", LeafKind::COMMAND, good), absl::OkStatus());
  const std::string context = copy.jpn().book("TH").entries().back().context();
  ASSERT_EQ(Run("TH", LeafKind::COMMAND, good, context), absl::OkStatus());
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = good;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      ExpectReason(Run("TH", LeafKind::COMMAND, flipped, context));
    }
  }
}

// ---- bundles
// ---------------------------------------------------------------------------------------------------------

v1::SignedBundle Bundle(TestPair& pair) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  command.mutable_register_project()->set_project_id("TH077");
  const v1::SignedPart part = pair.jpn().Sign("TH", command, {"secretary"});
  v1::SignedBundle bundle;
  bundle.set_header(part.header());
  bundle.add_parts(part.part());
  *bundle.mutable_signatures() = part.signatures();
  return bundle;
}

TEST_F(Garbage, OfFlippedBitsInABundlesPartsIsRefused) {
  const v1::SignedBundle bundle = Bundle(pair_);
  ASSERT_EQ(CheckBundleShape(state::Serialise(bundle), "JPN"), absl::OkStatus());
  for (size_t i = 0; i < bundle.parts(0).size(); ++i) {
    v1::SignedBundle changed = bundle;
    (*changed.mutable_parts(0))[i] = static_cast<char>(bundle.parts(0)[i] ^ 1);
    ExpectReason(CheckBundleShape(state::Serialise(changed), "JPN"));
  }
}

TEST_F(Garbage, OfTruncatedBundlesIsRefused) {
  const std::string good = state::Serialise(Bundle(pair_));
  for (size_t size = 0; size < good.size(); ++size) ExpectReason(CheckBundleShape(good.substr(0, size), "JPN"));
}

TEST_F(Garbage, OfBundlesOutOfShapeHasItsOwnReasons) {
  const auto refusal = [&](const std::function<void(v1::SignedBundle&)>& change) {
    v1::SignedBundle bundle = Bundle(pair_);
    change(bundle);
    return Why(CheckBundleShape(state::Serialise(bundle), "JPN"));
  };
  EXPECT_EQ(Why(CheckBundleShape(state::Serialise(Bundle(pair_)), "THA")), "WRONG_REGISTRY");
  EXPECT_EQ(Why(CheckBundleShape(std::string(kBundleBytesMax + 1, 'x'), "JPN")), "BUNDLE_TOO_LARGE");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.clear_parts(); }), "BUNDLE_EMPTY");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.add_parts(b.parts(0)); }), "FIELD_INVALID");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) {
              for (size_t i = 0; i < kBundlePartsMax; ++i) b.add_parts("x");
            }),
            "BUNDLE_TOO_LARGE");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.clear_signatures(); }), "SIGNATURE_MISSING");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.mutable_signatures(0)->set_key_id("other"); }), "SIGNATURE_INVALID");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.add_attachments(); }), "FIELD_REQUIRED");
  EXPECT_EQ(refusal([](v1::SignedBundle& b) { b.add_attachments()->set_subject("person"); }), "FIELD_INVALID");
  EXPECT_EQ(Why(CheckBundleShape(state::Serialise(Bundle(pair_)) + "\x7a\x01x", "JPN")), "UNKNOWN_FIELD");
}

}  // namespace
}  // namespace jcm::rules

#include "tools/jcm-verify/verify_tool.h"

#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/book/receipt_testing.h"
#include "nlohmann/json.hpp"

namespace jcm::verify {
namespace {

using book::FormatReceipt;
using book::Receipt;
using book::ReceiptFixture;

class Verify : public testing::Test {
 protected:
  Verify() {
    EXPECT_TRUE(files_.MakeDirs("/out").ok());
    EXPECT_TRUE(files_.MakeDirs("/etc/jcm").ok());
    EXPECT_TRUE(files_.MakeDirs("/elsewhere").ok());
    options_.paths = {"/out/certificate.json"};
  }

  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(files_.WriteFileAtomically(path, text).ok());
  }

  int Run() {
    std::ostringstream out, err;
    int code = RunVerify(options_, files_, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string FirstLine() const { return out_.substr(0, out_.find('\n')); }

  static std::string Export(const ReceiptFixture& fixture, uint64_t from, uint64_t to) {
    jcm::mirror::v1::ReadEntriesResponse message;
    message.set_from(from);
    for (uint64_t i = from; i < to; ++i) {
      auto* entry = message.add_entries();
      entry->set_leaf(fixture.entries()[i].leaf);
      entry->set_command(fixture.entries()[i].command);
      entry->set_context(fixture.entries()[i].context);
      entry->set_effects(fixture.entries()[i].effects);
    }
    message.set_checkpoint(fixture.NoteAt(ReceiptFixture::kSize, 1'790'000'000));
    for (const Digest& hash : fixture.ConsistencyFrom(to, ReceiptFixture::kSize)) {
      message.add_consistency_proof(std::string(AsBytes(hash)));
    }
    return message.SerializeAsString();
  }

  MemoryFileSystem files_;
  VerifyOptions options_;
  std::string out_, err_;
  const ReceiptFixture demonstration_;
  const ReceiptFixture official_{"registry.example"};
};

TEST_F(Verify, ADemonstrationWithItsKeysBesideItIsValidAndSaysSo) {
  Write("/out/certificate.json", FormatReceipt(demonstration_.Certificate()));
  Write("/out/trust.json", demonstration_.trust().Format());
  EXPECT_EQ(Run(), kExitValid);
  EXPECT_EQ(FirstLine(), "VALID (both governments)");
  EXPECT_NE(out_.find("DEMONSTRATION, NOT AN OFFICIAL RECORD"), std::string::npos);
  EXPECT_NE(out_.find(demonstration_.trust().Fingerprints()[0]), std::string::npos);
  EXPECT_NE(out_.find("300 t-CO2e"), std::string::npos);
}

TEST_F(Verify, KeysBesideACertificateOfAnotherOriginAreNotBelieved) {
  Write("/out/certificate.json", FormatReceipt(official_.Certificate()));
  Write("/out/trust.json", official_.trust().Format());
  EXPECT_EQ(Run(), kExitUnknownKey);
  EXPECT_EQ(FirstLine(), "UNKNOWN KEY");
  EXPECT_NE(out_.find("trust.json beside the file is not used"), std::string::npos) << out_;
  EXPECT_EQ(out_.find("300 t-CO2e"), std::string::npos);
}

TEST_F(Verify, OneOtherOriginInTheFileIsEnoughToLeaveTheKeysBesideIt) {
  Receipt mixed = demonstration_.Certificate();
  mixed.previous_checkpoint = official_.NoteAt(5, 1'780'000'050);
  Write("/out/certificate.json", FormatReceipt(mixed));
  Write("/out/trust.json", demonstration_.trust().Format());
  EXPECT_EQ(Run(), kExitUnknownKey);
}

TEST_F(Verify, ConfiguredKeysCountForOfficialRecords) {
  Write("/out/certificate.json", FormatReceipt(official_.Certificate()));
  Write("/etc/jcm/trust.json", official_.trust().Format());
  EXPECT_EQ(Run(), kExitValid);
  EXPECT_EQ(out_.find("DEMONSTRATION"), std::string::npos);
}

TEST_F(Verify, ConfiguredKeysComeBeforeThoseBesideTheFile) {
  ReceiptFixture forger(book::kDemonstrationDomain, 2);
  Write("/out/certificate.json", FormatReceipt(forger.Certificate()));
  Write("/out/trust.json", forger.trust().Format());
  EXPECT_EQ(Run(), kExitValid);
  Write("/etc/jcm/trust.json", demonstration_.trust().Format());
  EXPECT_EQ(Run(), kExitUnknownKey);
  Write("/etc/jcm/trust.json", official_.trust().Format());
  EXPECT_EQ(Run(), kExitValid);
}

TEST_F(Verify, GivenKeysAreTheOnlyOnes) {
  Write("/out/certificate.json", FormatReceipt(demonstration_.Certificate()));
  Write("/out/trust.json", demonstration_.trust().Format());
  Write("/elsewhere/trust.json", official_.trust().Format());
  options_.trust_path = "/elsewhere/trust.json";
  EXPECT_EQ(Run(), kExitUnknownKey);
  Write("/elsewhere/trust.json", demonstration_.trust().Format());
  EXPECT_EQ(Run(), kExitValid);
  options_.trust_path = "/elsewhere/none.json";
  EXPECT_EQ(Run(), kExitUsage);
  Write("/elsewhere/none.json", "{}");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_NE(err_.find("TRUST_MALFORMED"), std::string::npos);
}

TEST_F(Verify, APendingCosignatureIsNotEnoughUntilItComes) {
  Write("/out/certificate.json", FormatReceipt(demonstration_.Certificate(/*cosigned=*/false)));
  Write("/out/trust.json", demonstration_.trust().Format());
  EXPECT_EQ(Run(), kExitNotEnough);
  EXPECT_EQ(FirstLine(), "VALID (JPN only, cosignature pending)");
  Write("/out/certificate.json", FormatReceipt(demonstration_.Certificate()));
  EXPECT_EQ(Run(), kExitValid);
}

TEST_F(Verify, AChangedByteOfTheFileNeverExitsWithZero) {
  const std::string text = FormatReceipt(demonstration_.Certificate());
  Write("/out/trust.json", demonstration_.trust().Format());
  for (size_t i = 0; i < text.size(); i += 3) {
    std::string changed = text;
    changed[i] ^= 4;
    Write("/out/certificate.json", changed);
    if (Run() != kExitValid) continue;
    // Only white space between members may differ: the same file, written otherwise.
    absl::StatusOr<Receipt> same = book::ParseReceipt(changed);
    ASSERT_TRUE(same.ok() && FormatReceipt(*same) == text) << "byte " << i;
  }
}

TEST_F(Verify, SpeaksJapaneseAndJson) {
  Write("/out/certificate.json", FormatReceipt(demonstration_.Certificate()));
  Write("/out/trust.json", demonstration_.trust().Format());
  options_.language = book::Language::JAPANESE;
  EXPECT_EQ(Run(), kExitValid);
  EXPECT_EQ(FirstLine(), "有効（両政府）");
  options_.language = book::Language::ENGLISH;
  options_.json = true;
  EXPECT_EQ(Run(), kExitValid);
  nlohmann::json report = nlohmann::json::parse(out_, nullptr, false);
  EXPECT_EQ(report["result"], "VALID (both governments)");
  EXPECT_EQ(report["level"], "BOTH");
  EXPECT_EQ(report["satisfied"], true);
  EXPECT_EQ(report["sequence"], ReceiptFixture::kRetirement);
  EXPECT_NE(report["explanation"].dump().find("300 t-CO2e"), std::string::npos) << out_;
  EXPECT_TRUE(report["opened"].is_object()) << out_;
  EXPECT_EQ(report["notice"], "DEMONSTRATION, NOT AN OFFICIAL RECORD");
}

TEST_F(Verify, AFileThatIsNothingIsInvalidAndAMissingOneCannotBeRead) {
  EXPECT_EQ(Run(), kExitUsage);
  for (const char* text : {"", "{}", "hello", "{\"format\": \"jcm-receipt-1\"}"}) {
    Write("/out/certificate.json", text);
    EXPECT_EQ(Run(), kExitInvalid) << text;
    EXPECT_EQ(FirstLine(), "INVALID");
  }
  options_.paths.clear();
  EXPECT_EQ(Run(), kExitUsage);
}

TEST_F(Verify, JudgesAnExportedBookInOrderedPieces) {
  Write("/out/a", Export(demonstration_, 0, 6));
  Write("/out/b", Export(demonstration_, 6, ReceiptFixture::kSize));
  Write("/out/trust.json", demonstration_.trust().Format());
  options_.paths = {"/out/a", "/out/b"};
  EXPECT_EQ(Run(), kExitValid) << out_;
  EXPECT_EQ(FirstLine(), "VALID (both governments)");
  EXPECT_NE(out_.find("entries verified: 13"), std::string::npos) << out_;
  options_.paths = {"/out/b", "/out/a"};
  EXPECT_EQ(Run(), kExitInvalid);
  std::string changed = Export(demonstration_, 0, 6);
  changed[changed.size() / 2] ^= 1;
  Write("/out/a", changed);
  options_.paths = {"/out/a", "/out/b"};
  EXPECT_EQ(Run(), kExitInvalid);
}

TEST(Dependencies, HaveNoCodeOfTheRules) {
  std::ifstream file("tools/jcm-verify/dependencies_on_rules");
  ASSERT_TRUE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), "");
}

}  // namespace
}  // namespace jcm::verify

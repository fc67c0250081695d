// What a government may know of the other side's people: nothing that names them. Every byte of the partner's disk is
// searched.
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/registry/stored_entries.h"
#include "ledger/store/rocksdb_store.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"
#include "tools/client/particulars.h"

namespace jcm::faults {
namespace {

namespace fs = std::filesystem;

constexpr char kHolder[] = "瑠璃川電機株式会社";
constexpr char kHolderEn[] = "Rurikawa Denki Kabushiki Kaisha";
constexpr char kCorporateNumber[] = "6830174296358";
constexpr char kAccountNumber[] = "JP-583-9274-1860-7";
constexpr char kBeneficiary[] = "琥珀台製鉄株式会社";

std::string ReadWhole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  JCM_CHECK(in.good());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// JSON may write a character as \u and four digits; the strings here are in the basic plane, three bytes of UTF-8 each.
std::string AsJsonEscapes(const std::string& utf8) {
  std::string text;
  for (size_t i = 0; i < utf8.size();) {
    const auto byte = [&](size_t k) { return static_cast<uint32_t>(static_cast<unsigned char>(utf8[k])); };
    if (byte(i) < 0x80) {
      text += utf8[i++];
      continue;
    }
    const uint32_t code = (byte(i) & 0x0f) << 12 | (byte(i + 1) & 0x3f) << 6 | (byte(i + 2) & 0x3f);
    const char raw[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    absl::StrAppend(&text, "\\u", HexEncode(absl::string_view(raw, 2)));
    i += 3;
  }
  return text;
}

// The secret as it might stand somewhere: itself, its hexadecimal digits, its JSON escapes.
std::vector<std::string> SpellingsOf(const std::string& secret) {
  return {secret, HexEncode(secret), AsJsonEscapes(secret)};
}

// Where the secret is on the disk of a stopped node: in the raw bytes of any file of its folders, or in any key or
// value of its store, which are not compressed there, entries unpacked.
std::vector<std::string> PlacesOf(const std::string& secret, const Site& site, const std::string& registry) {
  std::vector<std::string> places;
  const std::vector<std::string> spellings = SpellingsOf(secret);
  const auto look = [&](absl::string_view bytes, const std::string& place) {
    for (const std::string& spelling : spellings) {
      if (absl::StrContains(bytes, spelling)) places.push_back(place);
    }
  };
  for (const std::string& folder : {site.DataDir(registry), site.SignerDir(registry), site.VaultDir(registry)}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      look(entry.path().string(), entry.path().string());
      if (entry.is_regular_file()) look(ReadWhole(entry.path()), entry.path().string());
    }
  }
  store::RocksDbOptions options;
  options.path = site.DataDir(registry) + "/store";
  options.identity = {registry, kDomain};
  options.create_if_missing = false;
  absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::Open(options);
  JCM_CHECK(store.ok());
  for (const store::Family family : store::kAllFamilies) {
    const std::unique_ptr<store::Iterator> it = (*store)->NewIterator(family);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      look(it->key(), absl::StrCat("key in ", store::FamilyName(family)));
      look(it->value(), absl::StrCat("value in ", store::FamilyName(family)));
      if (family != store::Family::kEntry) continue;
      for (uint64_t i = 0;; ++i) {
        absl::StatusOr<ledger::v1::EntryRecord> entry = registry::UnpackEntry(it->value(), i);
        if (!entry.ok()) break;  // behind the last one, or no entries but an attachment
        look(entry->SerializeAsString(), absl::StrCat("value in ", store::FamilyName(family)));
      }
    }
    JCM_CHECK(it->status().ok());
  }
  return places;
}

bool InFamily(const std::vector<std::string>& places, store::Family family) {
  const std::set<std::string> all(places.begin(), places.end());
  return all.count(absl::StrCat("value in ", store::FamilyName(family))) > 0;
}

TEST(Privacy, ThePartnersDiskNamesNobodyOfThisSide) {
  ASSERT_TRUE(client::CheckCorporateNumber(kCorporateNumber).ok());
  Site site;
  Desk desk(site, 5);
  Story story(site, desk);
  for (const char* registry : {"JPN", "THA"}) site.Start(registry);
  story.SetUp();
  story.OpenAccount(
      "JPN", "holder", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"operator-1"}, kAccountNumber,
      {{"holder", kHolder}, {"holder_en", kHolderEn}, {"corporate_number", kCorporateNumber}, {"country", "JP"}},
      api::WAIT_FOR_COSIGNED);
  story.Transfer("JPN", "T-1", "government", "holder", 1, 100);
  story.Transfer("JPN", "T-2", "holder", "company", 1, 20);
  story.Retire("JPN", "R-1", "holder", 31, 60, api::WAIT_FOR_COSIGNED, kBeneficiary);
  story.InitTransfer("X-1", kIssuedPerSide + 1, kIssuedPerSide + 10);
  story.AcceptTransfer("X-1");
  ASSERT_TRUE(Eventually([&] { return story.InStep(); })) << story.Sizes();
  std::string holder;
  for (const api::Account& account : story.Accounts("JPN")) {
    if (account.record().account_number() == kAccountNumber) holder = account.holder();
  }
  EXPECT_TRUE(absl::StrContains(holder, kHolder)) << "the registry itself opens the name";
  EXPECT_TRUE(absl::StrContains(holder, kCorporateNumber));
  site.Stop("JPN");
  site.Stop("THA");

  for (const char* secret : {kHolder, kHolderEn, kCorporateNumber, kAccountNumber, kBeneficiary}) {
    EXPECT_EQ(PlacesOf(secret, site, "THA"), std::vector<std::string>()) << secret;
  }
  // Names and numbers of persons are sealed even at home; only the account's number is a fact of the private book.
  for (const char* secret : {kHolder, kHolderEn, kCorporateNumber, kBeneficiary}) {
    EXPECT_EQ(PlacesOf(secret, site, "JPN"), std::vector<std::string>()) << secret;
  }
  // The search finds what is there: Japan's own disk knows the account, and both know what is public.
  EXPECT_TRUE(InFamily(PlacesOf(kAccountNumber, site, "JPN"), store::Family::kState));
  EXPECT_TRUE(InFamily(PlacesOf(kAccountNumber, site, "JPN"), store::Family::kEntry));
  EXPECT_TRUE(InFamily(PlacesOf(kProjectTitleJa, site, "THA"), store::Family::kEntry));
  const std::string handle = site.Pseudonym("JPN", "secretariat-1");
  EXPECT_FALSE(PlacesOf(handle, site, "THA").empty()) << "pseudonyms are what the partner does see";
}

}  // namespace
}  // namespace jcm::faults

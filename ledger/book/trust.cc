#include "ledger/book/trust.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/note.h"
#include "ledger/book/strict_json.h"

namespace jcm::book {
namespace {

constexpr char kFormat[] = "jcm-trust-1";

struct ModeName {
  PartnerMode mode;
  const char* name;
};
constexpr ModeName kModes[] = {{PartnerMode::HOME, "HOME"},
                               {PartnerMode::NODE, "NODE"},
                               {PartnerMode::HOSTED, "HOSTED"},
                               {PartnerMode::ATTESTED, "ATTESTED"}};

absl::Status Malformed(absl::string_view detail) { return Error(Reason::TRUST_MALFORMED, detail); }

bool HasCosigner(PartnerMode mode) { return mode == PartnerMode::NODE || mode == PartnerMode::HOSTED; }

absl::StatusOr<PublicKey> ParseRecoveryKey(const nlohmann::json& value) {
  JCM_ASSIGN_OR_RETURN(JsonObject object, JsonObject::Of(value, {"type", "key"}, Reason::TRUST_MALFORMED));
  JCM_ASSIGN_OR_RETURN(uint64_t type, object.Unsigned("type"));
  JCM_ASSIGN_OR_RETURN(std::string bytes, object.Base64("key"));
  if (type > 255) return Malformed("type of the recovery key");
  absl::StatusOr<PublicKey> key = PublicKey::FromBytes(static_cast<SignatureType>(type), bytes);
  if (!key.ok()) return Malformed("recovery key");
  return key;
}

absl::StatusOr<KeyEra> ParseEra(const nlohmann::json& value) {
  JCM_ASSIGN_OR_RETURN(JsonObject object,
                       JsonObject::Of(value, {"from_size", "k", "keys", "recovery_key"}, Reason::TRUST_MALFORMED));
  KeyEra era;
  JCM_ASSIGN_OR_RETURN(era.from_size, object.Unsigned("from_size"));
  JCM_ASSIGN_OR_RETURN(uint64_t k, object.Unsigned("k"));
  if (k > kReplicaKeysMax) return Malformed("k");
  era.keys.k = static_cast<uint32_t>(k);
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* keys, object.Array("keys"));
  for (const nlohmann::json& key : *keys) {
    if (!key.is_string()) return Malformed("a key is not a string");
    absl::StatusOr<NoteKey> parsed = ParseVkey(key.get<std::string>());
    if (!parsed.ok() || parsed->type != NoteKeyType::ED25519) return Malformed("a replica key");
    era.keys.keys.push_back(RegistryKey{parsed->name, parsed->key});
  }
  if (object.Has("recovery_key")) {
    JCM_ASSIGN_OR_RETURN(const nlohmann::json* recovery, object.Member("recovery_key"));
    JCM_ASSIGN_OR_RETURN(era.recovery_key, ParseRecoveryKey(*recovery));
  }
  return era;
}

absl::StatusOr<KeyHistory> ParseHistory(const nlohmann::json& eras) {
  absl::optional<KeyHistory> history;
  for (const nlohmann::json& value : eras) {
    JCM_ASSIGN_OR_RETURN(KeyEra era, ParseEra(value));
    absl::Status status;
    if (!history.has_value()) {
      if (era.from_size != 0) return Malformed("the first keys do not hold from size 0 on");
      absl::StatusOr<KeyHistory> start = KeyHistory::Start(era.keys, era.recovery_key);
      status = start.status();
      if (start.ok()) history = *std::move(start);
    } else {
      status = history->Append(era.from_size, era.keys, era.recovery_key);
    }
    if (!status.ok()) return Malformed(status.message());
  }
  if (!history.has_value()) return Malformed("no keys");
  return *std::move(history);
}

absl::StatusOr<TrustedBook> ParseBook(const nlohmann::json& value) {
  JCM_ASSIGN_OR_RETURN(JsonObject object,
                       JsonObject::Of(value, {"origin", "demonstration", "mode", "partner", "keys", "cosigner_keys"},
                                      Reason::TRUST_MALFORMED));
  TrustedBook book;
  JCM_ASSIGN_OR_RETURN(book.origin, object.String("origin"));
  JCM_ASSIGN_OR_RETURN(book.demonstration, object.Bool("demonstration"));
  JCM_ASSIGN_OR_RETURN(std::string mode, object.String("mode"));
  const auto* known = std::find_if(std::begin(kModes), std::end(kModes),
                                   [&](const ModeName& candidate) { return mode == candidate.name; });
  if (known == std::end(kModes)) return Malformed(absl::StrCat("mode ", mode));
  book.mode = known->mode;
  if (object.Has("partner")) {
    JCM_ASSIGN_OR_RETURN(book.partner, object.String("partner"));
    if (book.partner.empty()) return Malformed("partner");
  }
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* keys, object.Array("keys"));
  JCM_ASSIGN_OR_RETURN(book.keys, ParseHistory(*keys));
  if (object.Has("cosigner_keys")) {
    JCM_ASSIGN_OR_RETURN(const nlohmann::json* cosigner_keys, object.Array("cosigner_keys"));
    JCM_ASSIGN_OR_RETURN(book.cosigner_keys, ParseHistory(*cosigner_keys));
  }
  return book;
}

// What concerns the members of a book together.
absl::Status CheckBook(TrustedBook& book) {
  absl::StatusOr<Origin> origin = ParseOrigin(book.origin);
  if (!origin.ok()) return Malformed(absl::StrCat("origin ", book.origin));
  book.book = origin->book;
  if (!book.keys.has_value()) return Malformed("no keys");
  if (book.demonstration != (origin->domain == kDemonstrationDomain)) {
    return Malformed(absl::StrCat("demonstrations, and they alone, are of ", kDemonstrationDomain));
  }
  if ((book.mode == PartnerMode::HOME) != book.book.is_home()) return Malformed("mode HOME is that of home");
  if (book.mode == PartnerMode::HOME ? !book.partner.empty() : !IsRegistryCode(book.partner)) {
    return Malformed("partner");
  }
  if (book.partner == book.book.registry) return Malformed("a partner of itself");
  if (HasCosigner(book.mode) != book.cosigner_keys.has_value()) return Malformed("cosigner_keys do not fit the mode");
  const std::string prefix = KeyNameOf(origin->domain, book.book.registry, "");
  for (const KeyEra& era : book.keys->eras()) {
    for (const RegistryKey& key : era.keys.keys) {
      if (!absl::StartsWith(key.name, prefix)) return Malformed(absl::StrCat("key ", key.name));
    }
  }
  return absl::OkStatus();
}

nlohmann::json FormatHistory(const KeyHistory& history) {
  nlohmann::json eras = nlohmann::json::array();
  for (const KeyEra& era : history.eras()) {
    nlohmann::json value = {{"from_size", era.from_size}, {"k", era.keys.k}, {"keys", nlohmann::json::array()}};
    for (const RegistryKey& key : era.keys.keys) {
      value["keys"].push_back(EncodeVkey(NoteKey{key.name, NoteKeyType::ED25519, key.key}));
    }
    if (!era.recovery_key.bytes().empty()) {
      value["recovery_key"] = {{"type", static_cast<int>(era.recovery_key.type())},
                               {"key", Base64Encode(era.recovery_key.bytes())}};
    }
    eras.push_back(std::move(value));
  }
  return eras;
}

}  // namespace

absl::StatusOr<Trust> Trust::FromBooks(std::vector<TrustedBook> books) {
  if (books.empty() || books.size() > kTrustBooksMax) return Malformed(absl::StrCat(books.size(), " books"));
  std::set<std::string> origins;
  for (TrustedBook& book : books) {
    JCM_RETURN_IF_ERROR(CheckBook(book));
    if (!origins.insert(book.origin).second) return Malformed(absl::StrCat(book.origin, " stands twice"));
  }
  Trust trust;
  trust.books_ = std::move(books);
  return trust;
}

absl::StatusOr<Trust> Trust::Parse(absl::string_view json) {
  JCM_ASSIGN_OR_RETURN(nlohmann::json root, ParseJson(json, kTrustBytesMax, Reason::TRUST_MALFORMED));
  JCM_ASSIGN_OR_RETURN(JsonObject object, JsonObject::Of(root, {"format", "books"}, Reason::TRUST_MALFORMED));
  JCM_ASSIGN_OR_RETURN(std::string format, object.String("format"));
  if (format != kFormat) return Malformed(absl::StrCat("format ", format));
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* values, object.Array("books"));
  if (values->size() > kTrustBooksMax) return Malformed("too many books");
  std::vector<TrustedBook> books;
  for (const nlohmann::json& value : *values) {
    JCM_ASSIGN_OR_RETURN(TrustedBook book, ParseBook(value));
    books.push_back(std::move(book));
  }
  return FromBooks(std::move(books));
}

std::string Trust::Format() const {
  nlohmann::ordered_json root;
  root["format"] = kFormat;
  root["books"] = nlohmann::ordered_json::array();
  for (const TrustedBook& book : books_) {
    nlohmann::ordered_json value;
    value["origin"] = book.origin;
    value["demonstration"] = book.demonstration;
    for (const ModeName& mode : kModes) {
      if (mode.mode == book.mode) value["mode"] = mode.name;
    }
    if (!book.partner.empty()) value["partner"] = book.partner;
    value["keys"] = FormatHistory(*book.keys);
    if (book.cosigner_keys.has_value()) value["cosigner_keys"] = FormatHistory(*book.cosigner_keys);
    root["books"].push_back(std::move(value));
  }
  return root.dump(2) + "\n";
}

const TrustedBook* Trust::Find(absl::string_view origin) const {
  for (const TrustedBook& book : books_) {
    if (book.origin == origin) return &book;
  }
  return nullptr;
}

std::vector<std::string> Trust::Fingerprints() const {
  std::set<std::string> lines;
  for (const TrustedBook& book : books_) {
    for (const absl::optional<KeyHistory>* history : {&book.keys, &book.cosigner_keys}) {
      if (!history->has_value()) continue;
      for (const KeyEra& era : (*history)->eras()) {
        for (const RegistryKey& key : era.keys.keys) {
          lines.insert(absl::StrCat(key.name, "  ", HexEncode(key.key.KeyId())));
        }
        if (!era.recovery_key.bytes().empty() && history == &book.keys) {
          lines.insert(absl::StrCat(book.origin, " recovery  ", HexEncode(era.recovery_key.KeyId())));
        }
      }
    }
  }
  return std::vector<std::string>(lines.begin(), lines.end());
}

}  // namespace jcm::book

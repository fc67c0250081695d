#include "services/node/config.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/base/country.h"
#include "ledger/base/file_system.h"
#include "services/common/resource_name.h"
#include "services/node/certificates.h"
#include "services/node/config_reader.h"
#include "services/node/identity.h"

namespace jcm::services {
namespace {

namespace fs = std::filesystem;
using node::v1::RegistryConfig;

constexpr size_t kReplicaNameMax = 32;
constexpr size_t kDomainMax = 253;
constexpr size_t kSealingKeyBytes = 32;
constexpr size_t kHandleDigits = 32;
constexpr int kSiblingsMax = 8;  // with this one, as many as a key set has room for
constexpr int kRegistriesMax = 31;

bool IsReplicaName(absl::string_view name) {
  return !name.empty() && name.size() <= kReplicaNameMax && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  });
}

bool IsDomain(absl::string_view name) {
  return !name.empty() && name.size() <= kDomainMax && name.front() != '.' && name.back() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.';
         });
}

// With symbolic links followed as far as the path exists, so that "outside" means outside.
fs::path Canonical(const std::string& path) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(path, error);
  return error ? fs::path(path).lexically_normal() : canonical;
}

bool IsInside(const std::string& path, const std::string& folder) {
  const fs::path relative = Canonical(path).lexically_relative(Canonical(folder));
  return !relative.empty() && *relative.begin() != "..";
}

// A key set has room for other replicas; the embedded log has one.
ledger::v1::PublicKeyData ToData(const PublicKey& key) {
  ledger::v1::PublicKeyData data;
  data.set_type(static_cast<uint32_t>(key.type()));
  data.set_key(key.bytes());
  return data;
}

// Reads and checks one registry. The functions go through the fields in the order of config.proto.
class RegistryReader {
 public:
  RegistryReader(const RegistryConfig& config, FieldPlace place, fs::path folder)
      : place_(std::move(place)), folder_(std::move(folder)) {
    settings_.config = config;
  }

  absl::StatusOr<RegistrySettings> Read() {
    JCM_RETURN_IF_ERROR(ReadNames());
    JCM_RETURN_IF_ERROR(ReadPaths());
    JCM_RETURN_IF_ERROR(ReadKeys());
    JCM_RETURN_IF_ERROR(ReadAddressAndTls());
    JCM_RETURN_IF_ERROR(ReadClock());
    for (int i = 0; i < config().partnerships_size(); ++i) JCM_RETURN_IF_ERROR(ReadPartnership(i));
    for (int i = 0; i < config().first_persons_size(); ++i) JCM_RETURN_IF_ERROR(ReadPerson(i));
    for (int i = 0; i < config().channel_roles_size(); ++i) JCM_RETURN_IF_ERROR(ReadChannelRoles(i));
    JCM_RETURN_IF_ERROR(ReadLimits());
    return std::move(settings_);
  }

 private:
  RegistryConfig& config() { return settings_.config; }

  absl::Status Bad(absl::string_view field, absl::string_view what) {
    return place_.Bad(Reason::CONFIG_INVALID, field, what);
  }

  std::string Absolute(const std::string& path) { return (folder_ / path).lexically_normal().string(); }

  absl::StatusOr<std::string> ReadNamedFile(const FieldPlace& place, absl::string_view field, const std::string& path) {
    if (path.empty()) return place.Bad(Reason::CONFIG_INVALID, field, "is missing");
    absl::StatusOr<std::string> bytes = PosixFileSystem().ReadFile(Absolute(path));
    if (!bytes.ok()) {
      return place.Bad(Reason::CONFIG_INVALID, field,
                       absl::StrCat("cannot be read: ", Absolute(path), " (", bytes.status().message(), ")"));
    }
    return bytes;
  }

  absl::Status ReadNames() {
    const Country* country = FindCountryByAlpha3(config().registry());
    if (country == nullptr) return Bad("registry", "must be JPN or the alpha-3 code of a partner country");
    if (!IsDomain(config().domain())) return Bad("domain", "must be a domain name in lower case");
    if (!IsReplicaName(config().replica_name())) return Bad("replica_name", "must be 1..32 characters of a-z 0-9 -");
    settings_.policy.registry = config().registry();
    settings_.genesis.set_format(1);
    settings_.genesis.set_demonstration(config().demonstration());
    return absl::OkStatus();
  }

  absl::Status ReadPaths() {
    if (config().data_dir().empty()) return Bad("data_dir", "is missing");
    if (config().signer_record().empty()) return Bad("signer_record", "is missing");
    if (config().vault_dir().empty()) return Bad("vault_dir", "is missing");
    config().set_data_dir(Absolute(config().data_dir()));
    config().set_signer_record(Absolute(config().signer_record()));
    config().set_vault_dir(Absolute(config().vault_dir()));
    if (IsInside(config().signer_record(), config().data_dir())) {
      return Bad("signer_record", "must be outside data_dir: restoring the store must not take it back");
    }
    if (IsInside(config().vault_dir(), config().data_dir())) {
      return Bad("vault_dir", "must be outside data_dir: copies of the store must not hold the keys of persons");
    }
    return absl::OkStatus();
  }

  absl::Status ReadKeys() {
    JCM_ASSIGN_OR_RETURN(std::string replica_pem, ReadNamedFile(place_, "replica_key", config().replica_key()));
    absl::StatusOr<PrivateKey> replica = PrivateKey::FromPem(replica_pem);
    if (!replica.ok()) {
      return place_.Bad(Reason::KEY_FILE_INVALID, "replica_key", "is not an unencrypted PKCS #8 PEM signing key");
    }
    if (replica->public_key().type() != SignatureType::ED25519) {
      return place_.Bad(Reason::KEY_FILE_INVALID, "replica_key", "must be an Ed25519 key");
    }
    JCM_ASSIGN_OR_RETURN(PublicKey recovery, ReadPublicKey(place_, "recovery_key", config().recovery_key()));
    if (recovery == replica->public_key()) {
      return place_.Bad(Reason::KEY_FILE_INVALID, "recovery_key", "must not be the replica's key");
    }
    JCM_ASSIGN_OR_RETURN(settings_.offsite_key, ReadSealingKey("offsite_key", config().offsite_key()));
    settings_.backup_key = settings_.offsite_key;
    if (!config().backup_key().empty()) {
      JCM_ASSIGN_OR_RETURN(settings_.backup_key, ReadSealingKey("backup_key", config().backup_key()));
    }
    JCM_RETURN_IF_ERROR(ReadKeySet(replica->public_key()));
    *settings_.genesis.mutable_recovery_key() = ToData(recovery);
    settings_.replica_key = *std::move(replica);
    return absl::OkStatus();
  }

  // The keys of all replicas, in the order of their names: every replica would write the same Genesis.
  absl::Status ReadKeySet(const PublicKey& own) {
    std::map<std::string, PublicKey> by_name = {{config().replica_name(), own}};
    if (config().siblings_size() > kSiblingsMax) {
      return Bad("siblings", absl::StrCat("must be at most ", kSiblingsMax));
    }
    for (int i = 0; i < config().siblings_size(); ++i) {
      const auto& sibling = config().siblings(i);
      const FieldPlace place = place_.Child("siblings", i);
      JCM_ASSIGN_OR_RETURN(PublicKey key, ReadPublicKey(place, "replica_key", sibling.replica_key()));
      if (key.type() != SignatureType::ED25519) {
        return place.Bad(Reason::KEY_FILE_INVALID, "replica_key", "must be an Ed25519 key");
      }
      if (sibling.replica_name().empty() || !by_name.emplace(sibling.replica_name(), key).second) {
        return place.Bad(Reason::CONFIG_INVALID, "replica_name", "must be there, and once");
      }
      uint16_t port = 0;
      if (!IsHostPort(sibling.address(), &port) || port == 0) {
        return place.Bad(Reason::CONFIG_INVALID, "address", "must be host:port");
      }
      if (sibling.tls_server_name().empty()) {
        return place.Bad(Reason::CONFIG_INVALID, "tls_server_name", "is missing");
      }
      settings_.policy.siblings.insert(sibling.replica_name());
      settings_.siblings.push_back({sibling.replica_name(), {sibling.address(), sibling.tls_server_name()}});
    }
    const uint32_t majority = static_cast<uint32_t>(by_name.size() / 2 + 1);
    if (config().k() == 0) config().set_k(majority);
    if (config().k() < majority || config().k() > by_name.size()) {
      return Bad("k", absl::StrCat("must be ", majority, "..", by_name.size(), " of ", by_name.size(), " replicas"));
    }
    auto* keys = settings_.genesis.mutable_keys();
    keys->set_k(config().k());
    for (const auto& [name, public_key] : by_name) {
      auto* key = keys->add_keys();
      key->set_name(absl::StrCat(config().domain(), "/", config().registry(), "/", name));
      *key->mutable_key() = ToData(public_key);
    }
    return ReadEtcd();
  }

  absl::Status ReadEtcd() {
    const FieldPlace place = place_.Child("etcd");
    auto* etcd = config().mutable_etcd();
    if (etcd->endpoints().empty()) {
      if (config().siblings_size() > 0) {
        return place.Bad(Reason::CONFIG_INVALID, "endpoints", "is missing: replicas share a log");
      }
      config().clear_etcd();
      return absl::OkStatus();
    }
    if (etcd->prefix().empty()) etcd->set_prefix(absl::StrCat("jcm/", config().registry()));
    for (const std::string& endpoint : etcd->endpoints()) {
      uint16_t port = 0;
      if (!IsHostPort(endpoint, &port) || port == 0) {
        return place.Bad(Reason::CONFIG_INVALID, "endpoints", "must be host:port");
      }
    }
    const bool none = etcd->ca().empty() && etcd->certificate().empty() && etcd->key().empty();
    if (none) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(settings_.etcd_tls.ca_pem, ReadNamedFile(place, "ca", etcd->ca()));
    JCM_ASSIGN_OR_RETURN(settings_.etcd_tls.certificate_pem, ReadNamedFile(place, "certificate", etcd->certificate()));
    JCM_ASSIGN_OR_RETURN(settings_.etcd_tls.key_pem, ReadNamedFile(place, "key", etcd->key()));
    if (absl::Status ca = CheckCertificates(settings_.etcd_tls.ca_pem); !ca.ok()) {
      return place.Bad(Reason::KEY_FILE_INVALID, "ca", ca.message());
    }
    if (absl::Status key = CheckKeyOfCertificate(settings_.etcd_tls.certificate_pem, settings_.etcd_tls.key_pem);
        !key.ok()) {
      return place.Bad(Reason::KEY_FILE_INVALID, "key", key.message());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadSealingKey(absl::string_view field, const std::string& path) {
    JCM_ASSIGN_OR_RETURN(std::string hex, ReadNamedFile(place_, field, path));
    absl::StatusOr<std::string> key = HexDecode(absl::StripAsciiWhitespace(hex));
    if (!key.ok() || key->size() != kSealingKeyBytes) {
      return place_.Bad(Reason::KEY_FILE_INVALID, field, "must hold 64 hexadecimal digits in lower case");
    }
    return key;
  }

  absl::StatusOr<PublicKey> ReadPublicKey(const FieldPlace& place, absl::string_view field, const std::string& path) {
    JCM_ASSIGN_OR_RETURN(std::string pem, ReadNamedFile(place, field, path));
    absl::StatusOr<PublicKey> key = PublicKey::FromPem(pem);
    if (!key.ok()) {
      return place.Bad(Reason::KEY_FILE_INVALID, field, "is not a PEM public key (Ed25519 or P-256)");
    }
    return key;
  }

  absl::Status ReadAddressAndTls() {
    if (!IsHostPort(config().listen(), nullptr)) return Bad("listen", "must be host:port");
    const FieldPlace tls = place_.Child("tls");
    JCM_ASSIGN_OR_RETURN(settings_.tls.certificate_pem,
                         ReadNamedFile(tls, "certificate", config().tls().certificate()));
    JCM_ASSIGN_OR_RETURN(settings_.tls.key_pem, ReadNamedFile(tls, "key", config().tls().key()));
    JCM_ASSIGN_OR_RETURN(settings_.tls.ca_pem, ReadNamedFile(tls, "ca", config().tls().ca()));
    const auto invalid = [&tls](absl::string_view field, const absl::Status& status) {
      return tls.Bad(Reason::KEY_FILE_INVALID, field, status.message());
    };
    absl::StatusOr<std::vector<std::string>> uris = UrisOfCertificate(settings_.tls.certificate_pem);
    if (!uris.ok()) return invalid("certificate", uris.status());
    const std::string expected = Identity{config().registry(), IdentityKind::kNode, config().replica_name()}.ToString();
    if (std::count(uris->begin(), uris->end(), expected) == 0) {
      return tls.Bad(Reason::KEY_FILE_INVALID, "certificate", absl::StrCat("lacks the URI SAN ", expected));
    }
    if (absl::Status key = CheckKeyOfCertificate(settings_.tls.certificate_pem, settings_.tls.key_pem); !key.ok()) {
      return invalid("key", key);
    }
    if (absl::Status ca = CheckCertificates(settings_.tls.ca_pem); !ca.ok()) return invalid("ca", ca);
    if (absl::Status vouched = CheckVouchedFor(settings_.tls.certificate_pem, settings_.tls.ca_pem); !vouched.ok()) {
      return invalid("certificate", vouched);
    }
    return absl::OkStatus();
  }

  absl::Status ReadClock() {
    const FieldPlace place = place_.Child("clock");
    auto* clock = config().mutable_clock();
    if (clock->kind() == node::v1::ClockConfig::KIND_UNSPECIFIED) clock->set_kind(node::v1::ClockConfig::KIND_SYSTEM);
    if (clock->kind() == node::v1::ClockConfig::KIND_SYSTEM) {
      if (!clock->path().empty()) return place.Bad(Reason::CONFIG_INVALID, "path", "is for kind KIND_FILE");
      return absl::OkStatus();
    }
    if (!config().demonstration()) {
      return place.Bad(Reason::SIMULATED_CLOCK_REFUSED, "kind", "needs `demonstration: true`");
    }
    if (clock->path().empty()) return place.Bad(Reason::CONFIG_INVALID, "path", "is missing");
    clock->set_path(Absolute(clock->path()));
    if (const absl::Status opened = FileClock::Open(clock->path()).status(); !opened.ok()) {
      return place.Bad(Reason::CONFIG_INVALID, "path", opened.message());
    }
    return absl::OkStatus();
  }

  absl::Status ReadPartnership(int index) {
    const auto& partnership = config().partnerships(index);
    const FieldPlace place = place_.Child("partnerships", index);
    const auto bad = [&place](absl::string_view field, absl::string_view what) {
      return place.Bad(Reason::CONFIG_INVALID, field, what);
    };
    const Country* country = FindCountryByAlpha2(partnership.partnership());
    if (country == nullptr || partnership.partnership() == kJapanAlpha2) {
      return bad("partnership", "must be the alpha-2 code of a partner country");
    }
    const bool japan = config().registry() == kJapanAlpha3;
    if (!japan && config().registry() != country->alpha3) {
      return bad("partnership", absl::StrCat("is not a partnership of ", config().registry()));
    }
    const std::string peer = japan ? country->alpha3 : kJapanAlpha3;
    if (partnership.peer_registry() != peer) return bad("peer_registry", absl::StrCat("must be ", peer));
    if (!settings_.policy.partners[peer].insert(partnership.partnership()).second) {
      return bad("partnership", "is there twice");
    }
    PeerSettings settings;
    settings.partnership = partnership.partnership();
    settings.registry = peer;
    settings.ca_pem = settings_.tls.ca_pem;
    uint16_t port = 0;
    if (!partnership.peer_address().empty()) {
      if (!IsHostPort(partnership.peer_address(), &port) || port == 0) return bad("peer_address", "must be host:port");
      if (partnership.peer_tls_server_name().empty()) return bad("peer_tls_server_name", "is missing");
      settings.endpoints.push_back({partnership.peer_address(), partnership.peer_tls_server_name()});
    }
    if (partnership.peer_replicas_size() > kSiblingsMax) {
      return bad("peer_replicas", absl::StrCat("must be at most ", kSiblingsMax));
    }
    for (int i = 0; i < partnership.peer_replicas_size(); ++i) {
      const auto& replica = partnership.peer_replicas(i);
      const FieldPlace at = place.Child("peer_replicas", i);
      if (!IsHostPort(replica.address(), &port) || port == 0) {
        return at.Bad(Reason::CONFIG_INVALID, "address", "must be host:port");
      }
      if (replica.tls_server_name().empty()) {
        return at.Bad(Reason::CONFIG_INVALID, "tls_server_name", "is missing");
      }
      settings.endpoints.push_back({replica.address(), replica.tls_server_name()});
    }
    if (!partnership.peer_ca().empty()) {
      JCM_ASSIGN_OR_RETURN(settings.ca_pem, ReadNamedFile(place, "peer_ca", partnership.peer_ca()));
      if (absl::Status ca = CheckCertificates(settings.ca_pem); !ca.ok()) {
        return place.Bad(Reason::KEY_FILE_INVALID, "peer_ca", ca.message());
      }
    }
    settings_.peers.push_back(std::move(settings));
    return absl::OkStatus();
  }

  absl::Status ReadPerson(int index) {
    const auto& person = config().first_persons(index);
    const FieldPlace place = place_.Child("first_persons", index);
    const auto bad = [&place](absl::string_view field, absl::string_view what, int at = -1) {
      return place.Bad(Reason::CONFIG_INVALID, field, what, at);
    };
    if (!IsObjectId(person.person_id())) return bad("person_id", "must be 1..64 characters of A-Z a-z 0-9 . _ -");
    if (!person_ids_.insert(person.person_id()).second) return bad("person_id", "is there twice");
    std::set<ledger::v1::Role> roles;
    for (int i = 0; i < person.roles_size(); ++i) {
      ledger::v1::Role role = ledger::v1::ROLE_UNSPECIFIED;
      if (!ledger::v1::Role_Parse(absl::StrCat("ROLE_", person.roles(i)), &role) ||
          role == ledger::v1::ROLE_UNSPECIFIED) {
        return bad("roles", absl::StrCat("\"", person.roles(i), "\" is not a role"), i);
      }
      roles.insert(role);
    }
    if (roles.empty()) return bad("roles", "is missing");
    JCM_ASSIGN_OR_RETURN(PublicKey key, ReadPublicKey(place, "public_key", person.public_key()));

    auto* enrolled = settings_.genesis.add_persons();
    enrolled->set_person_id(person.person_id());
    enrolled->set_organization(person.organization());
    for (const ledger::v1::Role role : roles) enrolled->add_roles(role);
    *enrolled->add_keys()->mutable_key() = ToData(key);
    std::map<std::string, std::string> handles;
    for (int i = 0; i < person.pseudonyms_size(); ++i) {
      const auto& pseudonym = person.pseudonyms(i);
      const FieldPlace at = place.Child("pseudonyms", i);
      if (FindCountryByAlpha2(pseudonym.partnership()) == nullptr) {
        return at.Bad(Reason::CONFIG_INVALID, "partnership", "must be the alpha-2 code of a partner country");
      }
      if (pseudonym.handle().size() != kHandleDigits || !HexDecode(pseudonym.handle()).ok()) {
        return at.Bad(Reason::CONFIG_INVALID, "handle", "must be 32 hexadecimal digits in lower case");
      }
      if (!handles.emplace(pseudonym.partnership(), pseudonym.handle()).second) {
        return at.Bad(Reason::CONFIG_INVALID, "partnership", "is there twice");
      }
    }
    for (const auto& [partnership, handle] : handles) {
      auto* to = enrolled->add_pseudonyms();
      to->set_partnership(partnership);
      to->set_handle(handle);
    }
    return absl::OkStatus();
  }

  absl::Status ReadChannelRoles(int index) {
    const auto& row = config().channel_roles(index);
    const FieldPlace place = place_.Child("channel_roles", index);
    absl::StatusOr<Identity> identity = ParseIdentity(row.identity());
    if (!identity.ok()) return place.Bad(Reason::CONFIG_INVALID, "identity", identity.status().message());
    if (identity->registry != config().registry() || identity->kind == IdentityKind::kNode) {
      return place.Bad(Reason::CONFIG_INVALID, "identity", "must be a person or program of this registry");
    }
    if (row.roles_size() == 0) return place.Bad(Reason::CONFIG_INVALID, "roles", "is missing");
    RoleSet roles;
    for (int i = 0; i < row.roles_size(); ++i) {
      switch (row.roles(i)) {
        case node::v1::CHANNEL_ROLE_OPERATOR:
          roles = roles | ChannelRole::kOperator;
          break;
        case node::v1::CHANNEL_ROLE_AUDITOR:
          roles = roles | ChannelRole::kAuditor;
          break;
        default:
          return place.Bad(Reason::CONFIG_INVALID, "roles", "must be CHANNEL_ROLE_OPERATOR or CHANNEL_ROLE_AUDITOR", i);
      }
    }
    if (!settings_.policy.roles_by_identity.emplace(row.identity(), roles).second) {
      return place.Bad(Reason::CONFIG_INVALID, "identity", "is there twice");
    }
    return absl::OkStatus();
  }

  // Puts the default in place of 0.
  template <typename T>
  absl::Status Bound(const FieldPlace& place, absl::string_view field, T value, T default_value, T least, T most,
                     void (*set)(RegistryConfig&, T)) {
    if (value == 0) value = default_value;
    if (value < least || value > most) {
      return place.Bad(Reason::CONFIG_INVALID, field, absl::StrCat("must be in ", least, "..", most));
    }
    set(config(), value);
    return absl::OkStatus();
  }

  absl::Status ReadLimits();

  RegistrySettings settings_;
  const FieldPlace place_;
  const fs::path folder_;
  std::set<std::string> person_ids_;
};

absl::Status RegistryReader::ReadLimits() {
#define JCM_LIMIT(field, default_value, least, most)                                                         \
  JCM_RETURN_IF_ERROR(Bound<uint64_t>(limits, #field, config().limits().field(), default_value, least, most, \
                                      [](RegistryConfig& c, uint64_t v) { c.mutable_limits()->set_##field(v); }))
#define JCM_INTERVAL(field, default_value, least, most)                                             \
  JCM_RETURN_IF_ERROR(Bound<uint32_t>(place_, #field, config().field(), default_value, least, most, \
                                      [](RegistryConfig& c, uint32_t v) { c.set_##field(v); }))
  const FieldPlace limits = place_.Child("limits");
  JCM_LIMIT(client_queue_bundles, 4'096, 1, 1'000'000);
  JCM_LIMIT(client_queue_bytes, uint64_t{64} << 20, uint64_t{1} << 20, uint64_t{4} << 30);
  JCM_LIMIT(system_queue_items, 1'024, 16, 1'000'000);
  JCM_LIMIT(waiters, 16'384, 1, 1'000'000);
  JCM_LIMIT(batch_commands, 1'000, 1, 1'000);
  JCM_LIMIT(batch_bytes, 256 * 1024, 256 * 1024, 256 * 1024);
  JCM_LIMIT(offsite_blobs_per_partner, 1'000'000, 1'000, 1'000'000'000);
  JCM_LIMIT(log_kept_batches, 10'000, 16, 1'000'000'000);
  JCM_LIMIT(log_kept_bytes, uint64_t{256} << 20, uint64_t{1} << 20, uint64_t{1} << 40);
  JCM_LIMIT(log_high_water_bytes, uint64_t{1} << 30, uint64_t{1} << 20, uint64_t{1} << 40);
  JCM_INTERVAL(poll_interval_ms, 200, 10, 60'000);
  JCM_INTERVAL(poll_interval_max_ms, std::max(5'000u, config().poll_interval_ms()), config().poll_interval_ms(),
               3'600'000);
  JCM_INTERVAL(state_root_interval_seconds, 86'400, 1, 604'800);
  JCM_INTERVAL(peer_call_timeout_ms, 5'000, 100, 60'000);
#undef JCM_LIMIT
#undef JCM_INTERVAL
  return absl::OkStatus();
}

// What no two registries of one process may share.
absl::Status CheckDistinct(const std::vector<RegistrySettings>& registries, const ParsedConfig& parsed) {
  for (size_t b = 0; b < registries.size(); ++b) {
    for (size_t a = 0; a < b; ++a) {
      const RegistryConfig& first = registries[a].config;
      const RegistryConfig& second = registries[b].config;
      const FieldPlace place = parsed.root().Child("registries", static_cast<int>(b));
      const auto twice = [&](absl::string_view field) {
        return place.Bad(Reason::CONFIG_INVALID, field, absl::StrCat("is that of registries[", a, "] too"));
      };
      uint16_t port = 0;
      IsHostPort(second.listen(), &port);
      if (first.registry() == second.registry()) return twice("registry");
      if (first.data_dir() == second.data_dir()) return twice("data_dir");
      if (first.signer_record() == second.signer_record()) return twice("signer_record");
      if (first.vault_dir() == second.vault_dir()) return twice("vault_dir");
      if (first.listen() == second.listen() && port != 0) return twice("listen");
      if (registries[a].replica_key->public_key() == registries[b].replica_key->public_key()) {
        return twice("replica_key");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReadProcess(const FieldPlace& root, node::v1::NodeConfig* config) {
  const auto bound = [&](absl::string_view field, uint32_t value, uint32_t default_value,
                         uint32_t most) -> absl::StatusOr<uint32_t> {
    if (value > most) return root.Bad(Reason::CONFIG_INVALID, field, absl::StrCat("must be in 1..", most));
    return value == 0 ? default_value : value;
  };
  JCM_ASSIGN_OR_RETURN(const uint32_t threads, bound("worker_threads", config->worker_threads(), 4, 64));
  JCM_ASSIGN_OR_RETURN(const uint32_t queue, bound("worker_queue", config->worker_queue(), 1'024, 65'536));
  JCM_ASSIGN_OR_RETURN(const uint32_t stop, bound("stop_timeout_seconds", config->stop_timeout_seconds(), 10, 300));
  config->set_worker_threads(threads);
  config->set_worker_queue(queue);
  config->set_stop_timeout_seconds(stop);
  return absl::OkStatus();
}

}  // namespace

std::string ReplicaKeyName(const RegistryConfig& config) {
  return absl::StrCat(config.domain(), "/", config.registry(), "/", config.replica_name());
}

bool IsHostPort(absl::string_view address, uint16_t* port) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view host = address.substr(0, colon);
  const absl::string_view digits = address.substr(colon + 1);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":/[]") != absl::string_view::npos) return false;
  uint32_t number = 0;
  if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(digits, &number) || number > 65'535) {
    return false;
  }
  if (port != nullptr) *port = static_cast<uint16_t>(number);
  return true;
}

absl::StatusOr<NodeSettings> LoadConfig(const std::string& path) {
  absl::StatusOr<std::string> text = PosixFileSystem().ReadFile(path);
  if (!text.ok()) {
    return Error(Reason::CONFIG_INVALID, absl::StrCat(path, ": cannot be read: ", text.status().message()));
  }
  JCM_ASSIGN_OR_RETURN(ParsedConfig parsed, ParsedConfig::Parse(path, *text));
  const FieldPlace root = parsed.root();
  NodeSettings settings;
  settings.config = parsed.config();
  settings.config.clear_registries();
  JCM_RETURN_IF_ERROR(ReadProcess(root, &settings.config));
  const int count = parsed.config().registries_size();
  if (count < 1 || count > kRegistriesMax) {
    return root.Bad(Reason::CONFIG_INVALID, "registries", absl::StrCat("must be 1..", kRegistriesMax),
                    count == 0 ? 0 : kRegistriesMax);
  }
  const fs::path folder = fs::absolute(path).parent_path();
  for (int i = 0; i < count; ++i) {
    RegistryReader reader(parsed.config().registries(i), root.Child("registries", i), folder);
    JCM_ASSIGN_OR_RETURN(RegistrySettings registry, reader.Read());
    settings.registries.push_back(std::move(registry));
  }
  JCM_RETURN_IF_ERROR(CheckDistinct(settings.registries, parsed));
  return settings;
}

}  // namespace jcm::services

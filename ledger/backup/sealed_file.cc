#include "ledger/backup/sealed_file.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

constexpr char kMagic[] = "JCMSEAL1";
constexpr size_t kMagicBytes = 8;
constexpr size_t kFingerprintBytes = 16;
constexpr size_t kSaltBytes = 32;
constexpr size_t kSealedPieceBytes = kPieceBytes + kSealTagBytes;
static_assert(kMagicBytes + kFingerprintBytes + kSaltBytes == kSealedHeaderBytes, "the header");

std::string Hmac(absl::string_view key, absl::string_view message) {
  std::string mac(sizeof(Digest), '\0');
  unsigned size = 0;
  JCM_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                 reinterpret_cast<const uint8_t*>(message.data()), message.size(),
                 reinterpret_cast<uint8_t*>(mac.data()), &size) != nullptr);
  JCM_CHECK(size == mac.size());
  return mac;
}

std::string NonceOf(uint64_t number, bool last) {
  BigEndianWriter nonce;
  nonce.U64(number).U32(last ? 1 : 0);
  return nonce.str();
}

}  // namespace

uint64_t SealedSize(uint64_t size) {
  // A file whose size is a multiple of the piece ends with a full piece; an empty one has an empty piece.
  const uint64_t pieces = std::max<uint64_t>(1, (size + kPieceBytes - 1) / kPieceBytes);
  return kSealedHeaderBytes + size + pieces * kSealTagBytes;
}

absl::StatusOr<BackupKey> BackupKey::FromBytes(absl::string_view key) {
  if (key.size() != kSealKeyBytes) return Error(Reason::KEY_FILE_INVALID, "a backup key has 32 bytes");
  BackupKey derived;
  derived.fingerprint_ = Hmac(key, "jcm-backup/1/fingerprint").substr(0, kFingerprintBytes);
  derived.naming_ = Hmac(key, "jcm-backup/1/naming");
  derived.sealing_ = Hmac(key, "jcm-backup/1/sealing");
  return derived;
}

std::string BackupKey::Fingerprint() const { return HexEncode(fingerprint_); }
std::string BackupKey::ObjectName(const Digest& sha256) const { return HexEncode(Hmac(naming_, AsBytes(sha256))); }
std::string BackupKey::FileKey(absl::string_view salt) const { return Hmac(sealing_, salt); }

absl::StatusOr<std::unique_ptr<SealedWriter>> SealedWriter::Create(const std::string& path, const BackupKey& key,
                                                                   const std::string& context, Random& random) {
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, OutputFile::Create(path));
  const std::string salt = random.Bytes(kSaltBytes);
  absl::StatusOr<std::string> fingerprint = HexDecode(key.Fingerprint());
  JCM_CHECK(fingerprint.ok());
  JCM_RETURN_IF_ERROR(file->Append(absl::StrCat(absl::string_view(kMagic, kMagicBytes), *fingerprint, salt)));
  return std::unique_ptr<SealedWriter>(new SealedWriter(std::move(file), key.FileKey(salt), context));
}

absl::Status SealedWriter::SealPiece(absl::string_view piece, bool last) {
  JCM_ASSIGN_OR_RETURN(std::string sealed, Seal(key_, NonceOf(number_, last), context_, piece));
  ++number_;
  return file_->Append(sealed);
}

absl::Status SealedWriter::Append(absl::string_view bytes) {
  absl::StrAppend(&waiting_, bytes);
  // The newest piece waits: it may be the last.
  size_t done = 0;
  for (; waiting_.size() - done > kPieceBytes; done += kPieceBytes) {
    JCM_RETURN_IF_ERROR(SealPiece(absl::string_view(waiting_).substr(done, kPieceBytes), false));
  }
  waiting_.erase(0, done);
  return absl::OkStatus();
}

absl::Status SealedWriter::Finish() {
  JCM_RETURN_IF_ERROR(SealPiece(waiting_, true));
  return file_->Commit();
}

absl::StatusOr<std::unique_ptr<SealedReader>> SealedReader::Open(const std::string& path, const BackupKey& key,
                                                                 const std::string& context) {
  absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(path);
  if (HasReason(file.status(), Reason::NOT_FOUND)) return Error(Reason::BACKUP_DAMAGED, context + ": missing");
  JCM_RETURN_IF_ERROR(file.status());
  std::unique_ptr<SealedReader> reader(new SealedReader(*std::move(file), context));
  JCM_ASSIGN_OR_RETURN(std::string header, reader->file_->Read(kSealedHeaderBytes));
  if (header.size() != kSealedHeaderBytes || header.compare(0, kMagicBytes, kMagic) != 0) {
    return reader->Damaged("not a sealed file");
  }
  if (HexEncode(absl::string_view(header).substr(kMagicBytes, kFingerprintBytes)) != key.Fingerprint()) {
    return reader->Damaged("sealed with another key");
  }
  reader->key_ = key.FileKey(absl::string_view(header).substr(kMagicBytes + kFingerprintBytes));
  JCM_ASSIGN_OR_RETURN(reader->ahead_, reader->file_->Read(kSealedPieceBytes));
  return reader;
}

absl::Status SealedReader::Damaged(absl::string_view what) const {
  return Error(Reason::BACKUP_DAMAGED, absl::StrCat(context_, ": ", what));
}

absl::StatusOr<std::string> SealedReader::Next() {
  if (ended_) return std::string();
  std::string behind;
  if (ahead_.size() == kSealedPieceBytes) {
    JCM_ASSIGN_OR_RETURN(behind, file_->Read(kSealedPieceBytes));
  }
  const bool last = behind.empty();
  absl::StatusOr<std::string> piece = Unseal(key_, NonceOf(number_, last), context_, ahead_);
  if (!piece.ok()) return Damaged(absl::StrCat("piece ", number_, " is not what was written, or the file ends early"));
  ++number_;
  ahead_ = std::move(behind);
  ended_ = last;
  return *std::move(piece);
}

}  // namespace jcm::backup

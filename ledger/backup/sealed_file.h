// A file as it leaves the machine: encrypted and authenticated piece by piece, with its order and its end.
//
//   JCM_ASSIGN_OR_RETURN(BackupKey key, BackupKey::FromBytes(offsite_key));
//   JCM_ASSIGN_OR_RETURN(auto out, SealedWriter::Create("objects/3f…", key, "objects/3f…", random));
//   JCM_RETURN_IF_ERROR(out->Append(piece)); JCM_RETURN_IF_ERROR(out->Finish());
//
//   JCM_ASSIGN_OR_RETURN(auto in, SealedReader::Open(path, key, "objects/3f…"));
//   JCM_ASSIGN_OR_RETURN(std::string piece, in->Next());   // empty after the last
//
// The bytes (README.md has them too): "JCMSEAL1", 16 bytes that name the key, 32 random bytes; then pieces of 1 MiB,
// the last one shorter or empty, each AES-256-GCM with its tag. The file has a key of its own, made of the backup key
// and the random bytes. A piece's nonce is its number (8 bytes) and whether it is the last (4 bytes: 0 or 1); its
// additional data is `context`, which says which file this is. So no piece can be changed, moved, left out, added or
// taken from another file, and no file can end early.
#ifndef LEDGER_BACKUP_SEALED_FILE_H_
#define LEDGER_BACKUP_SEALED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/random.h"
#include "ledger/base/types.h"

namespace jcm::backup {

inline constexpr size_t kPieceBytes = 1 << 20;
inline constexpr size_t kSealedHeaderBytes = 8 + 16 + 32;

// The size of a sealed file that holds `size` bytes.
uint64_t SealedSize(uint64_t size);

// The registry's off-site key, or another of 32 bytes, used for backups: nothing sealed here can be mistaken for what
// the same key seals elsewhere.
class BackupKey {
 public:
  // KEY_FILE_INVALID unless there are 32 bytes.
  static absl::StatusOr<BackupKey> FromBytes(absl::string_view key);

  // 32 hexadecimal digits that name the key and tell nothing about it.
  std::string Fingerprint() const;
  // Content of this hash has this name, 64 hexadecimal digits. Who lacks the key cannot tell which content it is.
  std::string ObjectName(const Digest& sha256) const;
  std::string FileKey(absl::string_view salt) const;

 private:
  std::string fingerprint_, naming_, sealing_;
};

class SealedWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SealedWriter>> Create(const std::string& path, const BackupKey& key,
                                                              const std::string& context, Random& random);
  absl::Status Append(absl::string_view bytes);
  // Seals the last piece and gives the file its name. Without it nothing is left of the file.
  absl::Status Finish();

 private:
  SealedWriter(std::unique_ptr<OutputFile> file, std::string key, std::string context)
      : file_(std::move(file)), key_(std::move(key)), context_(std::move(context)) {}
  absl::Status SealPiece(absl::string_view piece, bool last);

  const std::unique_ptr<OutputFile> file_;
  const std::string key_;
  const std::string context_;
  std::string waiting_;
  uint64_t number_ = 0;
};

// Errors: BACKUP_DAMAGED, naming `context` and what is wrong; STORE_FAILED if the disk fails.
class SealedReader {
 public:
  static absl::StatusOr<std::unique_ptr<SealedReader>> Open(const std::string& path, const BackupKey& key,
                                                            const std::string& context);
  absl::StatusOr<std::string> Next();

 private:
  SealedReader(std::unique_ptr<InputFile> file, std::string context)
      : file_(std::move(file)), context_(std::move(context)) {}
  absl::Status Damaged(absl::string_view what) const;

  const std::unique_ptr<InputFile> file_;
  std::string key_;
  const std::string context_;
  std::string ahead_;  // read, and not yet opened: whether a piece is the last shows only behind it
  uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace jcm::backup

#endif  // LEDGER_BACKUP_SEALED_FILE_H_

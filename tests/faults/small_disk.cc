#include "tests/faults/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::faults {
namespace {

constexpr char kFiller[] = "/filler";
constexpr size_t kPieceBytes = 64 * 1024;

[[noreturn]] void Unavailable(const char* what) {
  std::fprintf(
      stderr,
      "FAILED: a small disk can't be made: %s.\n"
      "This test needs root (CAP_SYS_ADMIN) and a kernel with mount namespaces. Where that can't be had, leave it "
      "out by name: bazel test -- //... -//tests/faults:machine_test\n",
      what);
  std::exit(1);
}

// Once in a process: what is mounted afterwards is seen by it and its children alone.
void UseOwnMounts() {
  static const bool once = [] {
    if (unshare(CLONE_NEWNS) != 0) Unavailable("unshare is not permitted");
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Unavailable("mounts can't be made private");
    return true;
  }();
  JCM_CHECK(once);
}

}  // namespace

SmallDisk::SmallDisk(const std::string& folder, int mebibytes) : folder_(folder) {
  UseOwnMounts();
  const std::string size = absl::StrCat("size=", mebibytes, "m");
  if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) != 0) Unavailable("tmpfs can't be mounted");
}

SmallDisk::~SmallDisk() { umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::Fill() {
  const int file = open((folder_ + kFiller).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  JCM_CHECK(file >= 0);
  const std::string piece(kPieceBytes, 'x');
  size_t bytes = piece.size();
  while (bytes > 0) {
    // The last pieces are small ones.
    if (write(file, piece.data(), bytes) < 0) {
      JCM_CHECK(errno == ENOSPC);
      bytes /= 2;
    }
  }
  close(file);
}

void SmallDisk::MakeRoom() { std::filesystem::remove(folder_ + kFiller); }

}  // namespace jcm::faults

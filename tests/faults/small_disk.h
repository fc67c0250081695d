// A disk of a few mebibytes under one folder, which a test fills up and makes room on again. It lies in memory and is
// mounted in a mount namespace of the test's own: nothing of it outlives the process and its children.
//
//   SmallDisk disk(site.Path("JPN/2"), 192);     // from the main thread; before the node is started there
//   disk.Fill();
//   disk.MakeRoom();
//
// Needs root; without it the constructor ends the process and says so.
#ifndef TESTS_FAULTS_SMALL_DISK_H_
#define TESTS_FAULTS_SMALL_DISK_H_

#include <string>

namespace jcm::faults {

class SmallDisk {
 public:
  SmallDisk(const std::string& folder, int mebibytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Leaves not a byte.
  void Fill();
  void MakeRoom();

 private:
  const std::string folder_;
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_SMALL_DISK_H_

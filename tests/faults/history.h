// What clients asked and were told, and whether a registry that keeps its promises could have told them so.
//
//   History history;
//   const size_t act = history.Begin(/*client=*/2, "JPN", "C-17", /*serial=*/17);    // before it is sent for the first
//   time history.Acknowledge(act, {{"books/JPN/TH", 41, leaf_hash}});                    // when somebody answered
//   ... or nobody did, and the client went on: the outcome is unknown until Resolve says what it turned out to be ...
//   history.Read({"JPN", "JPN/2", at_least, asked, total, gone});
//   EXPECT_EQ(history.Check("JPN", books, issued), "");
//
// Check finds, in words, one per line:
//   * an acknowledged act that is not in its book, is another one there, or is there twice; an entry that nobody asked
//   for;
//   * an unknown outcome that was not resolved to exactly one entry;
//   * an act that lies before another one which had been acknowledged before it was sent: order within a client, and
//     between clients that could have spoken;
//   * a reading that shows more or less than was issued; that shows an act and not one before it; or that is older than
//   the
//     entry it asked for, or than what had been acknowledged at that entry.
//
// Knows no gRPC, no node and no clock but the steady one. Thread-safe.
#ifndef TESTS_FAULTS_HISTORY_H_
#define TESTS_FAULTS_HISTORY_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace jcm::faults {

// An entry that an act became.
struct Place {
  std::string book;  // "books/JPN/TH"
  uint64_t sequence = 0;
  std::string leaf_hash;
};

// A book as it stands in the end.
struct WrittenEntry {
  std::string leaf_hash;
  bool is_act = false;  // of a person; else the registry's own
};
using WrittenBooks = std::map<std::string, std::vector<WrittenEntry>>;

struct Reading {
  std::string registry;
  std::string book;
  std::string node;         // for people
  uint64_t at_least = 0;    // the reading must show this entry of the book
  uint64_t total = 0;       // tonnes in all states
  std::set<uint64_t> gone;  // serials that acts had taken out of circulation
};

class History {
 public:
  // `serial`: the one that the act takes out of circulation; 0: none. Returns the act's number.
  size_t Begin(int client, const std::string& registry, const std::string& what, uint64_t serial = 0);
  void Acknowledge(size_t act, std::vector<Place> places);
  // What became of an act that nobody had answered; asked for later.
  void Resolve(size_t act, std::vector<Place> places);
  void Read(Reading reading);

  // Newest entry of the book that an act was acknowledged at; 0: none.
  uint64_t NewestAcknowledged(const std::string& book) const;
  size_t acts() const;
  size_t unknown() const;  // how many were resolved only later
  size_t readings() const;

  // Empty if all is well. `books`: all books of the registry that acts go into; `total`: tonnes in each reading.
  std::string Check(const std::string& registry, const WrittenBooks& books, uint64_t total) const;

 private:
  struct Act {
    int client = 0;
    std::string registry;
    std::string what;
    uint64_t serial = 0;
    uint64_t begun = 0;     // by a counter that only rises
    uint64_t answered = 0;  // 0: not by the client that sent it
    bool resolved = false;
    std::vector<Place> places;

    std::string ToString() const;
  };
  using BySequence = std::map<uint64_t, const Act*>;

  std::map<std::string, BySequence> CheckPlaces(const std::string& registry, const WrittenBooks& books,
                                                std::string* wrong) const;
  static void CheckOrder(const BySequence& acts, std::string* wrong);
  static void CheckReading(const Reading& reading, const BySequence& acts, uint64_t total, std::string* wrong);

  mutable std::mutex mutex_;
  uint64_t now_ = 0;
  std::vector<Act> acts_;
  std::vector<Reading> readings_;
};

}  // namespace jcm::faults

#endif  // TESTS_FAULTS_HISTORY_H_

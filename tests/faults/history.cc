#include "tests/faults/history.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::faults {

std::string History::Act::ToString() const { return absl::StrCat(registry, " ", what, " of client ", client); }

size_t History::Begin(int client, const std::string& registry, const std::string& what, uint64_t serial) {
  std::lock_guard<std::mutex> lock(mutex_);
  Act act;
  act.client = client;
  act.registry = registry;
  act.what = what;
  act.serial = serial;
  act.begun = ++now_;
  acts_.push_back(std::move(act));
  return acts_.size() - 1;
}

void History::Acknowledge(size_t act, std::vector<Place> places) {
  std::lock_guard<std::mutex> lock(mutex_);
  JCM_CHECK(act < acts_.size() && acts_[act].answered == 0 && !acts_[act].resolved);
  acts_[act].answered = ++now_;
  acts_[act].places = std::move(places);
}

void History::Resolve(size_t act, std::vector<Place> places) {
  std::lock_guard<std::mutex> lock(mutex_);
  JCM_CHECK(act < acts_.size() && acts_[act].answered == 0 && !acts_[act].resolved);
  acts_[act].resolved = true;
  acts_[act].places = std::move(places);
}

void History::Read(Reading reading) {
  std::lock_guard<std::mutex> lock(mutex_);
  readings_.push_back(std::move(reading));
}

uint64_t History::NewestAcknowledged(const std::string& book) const {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t newest = 0;
  for (const Act& act : acts_) {
    for (const Place& place : act.places) {
      if (act.answered != 0 && place.book == book) newest = std::max(newest, place.sequence);
    }
  }
  return newest;
}

size_t History::acts() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return acts_.size();
}

size_t History::unknown() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(
      std::count_if(acts_.begin(), acts_.end(), [](const Act& act) { return act.answered == 0; }));
}

size_t History::readings() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return readings_.size();
}

std::map<std::string, History::BySequence> History::CheckPlaces(const std::string& registry, const WrittenBooks& books,
                                                                std::string* wrong) const {
  std::map<std::string, BySequence> found;
  for (const Act& act : acts_) {
    if (act.registry != registry) continue;
    if (act.places.empty()) absl::StrAppend(wrong, act.ToString(), ": nobody knows what became of it\n");
    for (const Place& place : act.places) {
      const auto book = books.find(place.book);
      if (book == books.end() || place.sequence >= book->second.size()) {
        absl::StrAppend(wrong, act.ToString(), ": lost, ", place.book, " has no entry ", place.sequence, "\n");
        continue;
      }
      const WrittenEntry& entry = book->second[place.sequence];
      if (entry.leaf_hash != place.leaf_hash || !entry.is_act) {
        absl::StrAppend(wrong, act.ToString(), ": entry ", place.sequence, " of ", place.book, " is another one\n");
      }
      const auto taken = found[place.book].emplace(place.sequence, &act);
      if (!taken.second) {
        absl::StrAppend(wrong, act.ToString(), ": entry ", place.sequence, " of ", place.book, " is also that of ",
                        taken.first->second->ToString(), "\n");
      }
    }
  }
  for (const auto& [name, entries] : books) {
    for (uint64_t sequence = 0; sequence < entries.size(); ++sequence) {
      if (entries[sequence].is_act && found[name].count(sequence) == 0) {
        absl::StrAppend(wrong, name, ": nobody asked for entry ", sequence, ", or it is an act's second one\n");
      }
    }
  }
  return found;
}

void History::CheckOrder(const BySequence& acts, std::string* wrong) {
  // Backwards, with the earliest answer to anything that lies behind.
  const Act* earliest = nullptr;
  for (auto it = acts.rbegin(); it != acts.rend(); ++it) {
    const Act& act = *it->second;
    if (earliest != nullptr && earliest->answered < act.begun) {
      absl::StrAppend(wrong, act.ToString(), " was sent after the answer to ", earliest->ToString(),
                      ", and lies before it\n");
    }
    if (act.answered != 0 && (earliest == nullptr || act.answered < earliest->answered)) earliest = &act;
  }
}

void History::CheckReading(const Reading& reading, const BySequence& acts, uint64_t total, std::string* wrong) {
  const std::string who = absl::StrCat("a reading of ", reading.book, " from ", reading.node);
  if (reading.total != total) {
    absl::StrAppend(wrong, who, " shows ", reading.total, " t instead of ", total, "\n");
  }
  // It shows the acts up to some entry and none behind it.
  size_t shown = 0;
  uint64_t last_shown = 0;
  uint64_t first_missing = std::numeric_limits<uint64_t>::max();
  for (const auto& [sequence, act] : acts) {
    if (act->serial == 0) continue;
    if (reading.gone.count(act->serial) > 0) {
      ++shown;
      last_shown = sequence;
    } else {
      first_missing = std::min(first_missing, sequence);
    }
  }
  if (shown != reading.gone.size()) absl::StrAppend(wrong, who, " shows serials gone that no act has taken\n");
  if (shown > 0 && first_missing < last_shown) {
    absl::StrAppend(wrong, who, " shows entry ", last_shown, " and not entry ", first_missing, "\n");
  }
  if (first_missing <= reading.at_least) {
    absl::StrAppend(wrong, who, " is older than asked: entry ", first_missing, " is missing, at least ",
                    reading.at_least, " was to be there\n");
  }
}

std::string History::Check(const std::string& registry, const WrittenBooks& books, uint64_t total) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string wrong;
  const std::map<std::string, BySequence> found = CheckPlaces(registry, books, &wrong);
  for (const auto& entry : found) CheckOrder(entry.second, &wrong);
  for (const Reading& reading : readings_) {
    if (reading.registry != registry) continue;
    const auto acts = found.find(reading.book);
    CheckReading(reading, acts == found.end() ? BySequence() : acts->second, total, &wrong);
  }
  return wrong;
}

}  // namespace jcm::faults

#include "services/common/past_state.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

// The present state, with changes that take the newer entries back.
class PastState : public state::StateReader {
 public:
  explicit PastState(std::unique_ptr<state::StateReader> present) : present_(std::move(present)), rewound_(*present_) {}

  absl::StatusOr<absl::optional<std::string>> Get(uint32_t table, absl::string_view key) const override {
    return rewound_.Get(table, key);
  }
  absl::Status Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                    const state::RecordVisitor& visit) const override {
    return rewound_.Scan(table, prefix, from, visit);
  }
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      uint32_t table, absl::string_view prefix, absl::string_view at) const override {
    return rewound_.FindAtOrBefore(table, prefix, at);
  }

  absl::Status TakeBack(const v1::Effects& effects) {
    for (int i = effects.effects_size() - 1; i >= 0; --i) {
      const v1::Effect& effect = effects.effects(i);
      JCM_RETURN_IF_ERROR(effect.old_value().empty() ? rewound_.Delete(effect.table(), effect.key())
                                                     : rewound_.Put(effect.table(), effect.key(), effect.old_value()));
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<state::StateReader> present_;
  state::Transition rewound_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<state::StateReader>> StateAt(const registry::RegistryView& view, const BookId& book,
                                                            absl::optional<BookTime> time) {
  JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, view.Info(book));
  if (!time.has_value()) return view.State(book);
  auto past = std::make_unique<PastState>(view.State(book));
  for (uint64_t back = 0; back < info.executed_size; ++back) {
    JCM_ASSIGN_OR_RETURN(const v1::EntryRecord entry, view.Entry(book, info.executed_size - 1 - back));
    JCM_ASSIGN_OR_RETURN(const book::Leaf leaf, book::DecodeLeaf(entry.leaf()));
    if (leaf.time <= *time) break;
    if (back >= kEntriesRewoundMax) return Error(Reason::PAST_TOO_FAR, absl::StrCat(kEntriesRewoundMax, " entries"));
    v1::Effects effects;
    if (!effects.ParseFromString(entry.effects())) return Error(Reason::STORE_CORRUPT, "effects");
    JCM_RETURN_IF_ERROR(past->TakeBack(effects));
  }
  return std::unique_ptr<state::StateReader>(std::move(past));
}

absl::StatusOr<BookTime> ToBookTime(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < 0 || timestamp.nanos() < 0) return Error(Reason::FIELD_INVALID, "a time before 1970");
  return BookTime::FromMicros(static_cast<uint64_t>(timestamp.seconds()) * kMicrosPerSecond +
                              static_cast<uint64_t>(timestamp.nanos()) / 1'000);
}

}  // namespace jcm::services

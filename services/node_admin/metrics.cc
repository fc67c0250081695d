#include "services/node_admin/metrics.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace jcm::services {
namespace {

using Labels = std::initializer_list<std::pair<const char*, absl::string_view>>;

uint64_t Lag(uint64_t ahead, uint64_t behind) { return ahead > behind ? ahead - behind : 0; }

// Lines of text format 0.0.4. Samples of one metric must stand together, so each metric is written in one go.
class Writer {
 public:
  explicit Writer(std::string registry) : registry_(std::move(registry)) {}

  void Metric(const char* name, const char* help) {
    name_ = name;
    absl::StrAppend(&text_, "# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n");
  }

  template <typename Value>
  void Sample(Value value, Labels labels = {}) {
    absl::StrAppend(&text_, name_, "{registry=\"", Escaped(registry_), "\"");
    for (const auto& [label, content] : labels) absl::StrAppend(&text_, ",", label, "=\"", Escaped(content), "\"");
    absl::StrAppend(&text_, "} ", value, "\n");
  }

  std::string text() && { return std::move(text_); }

 private:
  static std::string Escaped(absl::string_view text) {
    return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
  }

  const std::string registry_;
  std::string text_;
  const char* name_ = "";
};

void WriteBooks(const registry::RegistryStatus& status, Writer* writer) {
  const auto each = [&](const char* name, const char* help, auto value) {
    writer->Metric(name, help);
    for (const registry::OwnBookInfo& book : status.books) {
      writer->Sample(value(book), {{"book", book.info.book.ToString()}});
    }
  };
  using Book = registry::OwnBookInfo;
  each("jcm_book_entries", "Entries in an own book.", [](const Book& b) { return b.info.size; });
  each("jcm_book_checkpoint_entries", "Entries under the newest signed checkpoint.",
       [](const Book& b) { return b.info.checkpoint_size; });
  each("jcm_book_cosign_lag_entries", "Entries that the other government has not cosigned yet.",
       [](const Book& b) { return Lag(b.info.size, b.info.cosigned_size); });
  each("jcm_book_state_root_entries", "Entries under the last state root.",
       [](const Book& b) { return b.last_state_root_size; });
  each("jcm_book_ordering", "1 if the book takes entries.",
       [](const Book& b) { return b.state == "ORDERING" ? 1 : 0; });
}

void WritePartners(const registry::RegistryStatus& status, Writer* writer) {
  const auto each = [&](const char* name, const char* help, auto value) {
    writer->Metric(name, help);
    for (const registry::PartnerInfo& partner : status.partners) {
      writer->Sample(value(partner), {{"partner", partner.registry}, {"partnership", partner.partnership}});
    }
  };
  using Partner = registry::PartnerInfo;
  each("jcm_partner_reachable", "1 if the partner's node answered last.",
       [](const Partner& p) { return p.reachable ? 1 : 0; });
  each("jcm_partner_mirror_lag_entries", "Signed entries of the partner that are not mirrored yet.",
       [](const Partner& p) { return Lag(p.peer_checkpoint_size, p.mirror_size); });
  each("jcm_partner_execute_lag_entries", "Mirrored entries that are not executed again yet.",
       [](const Partner& p) { return Lag(p.mirror_size, p.executed_size); });
  each("jcm_partner_import_lag_entries", "Mirrored entries that are not imported yet.",
       [](const Partner& p) { return Lag(p.mirror_size, p.imported_size); });
  each("jcm_partner_cosign_lag_entries", "Signed entries of the partner that are not cosigned here yet.",
       [](const Partner& p) { return Lag(p.peer_checkpoint_size, p.cosigned_size); });
  each("jcm_partner_clock_skew_microseconds", "The partner's clock minus this one.",
       [](const Partner& p) { return p.clock_skew_us; });
  each("jcm_partner_halted", "1 if importing from the partner has stopped.",
       [](const Partner& p) { return p.halt.empty() ? 0 : 1; });
  each("jcm_partner_refused_messages", "Messages not covered by enough signatures of the partner.",
       [](const Partner& p) { return p.refused_messages; });
  each("jcm_partner_oldest_in_transit_microseconds", "Age of the oldest cross-border transfer that is not decided.",
       [](const Partner& p) { return p.oldest_in_transit_us; });
}

void WriteSiblings(const registry::RegistryStatus& status, Writer* writer) {
  if (status.siblings.empty()) return;
  const auto each = [&](const char* name, const char* help, auto value) {
    writer->Metric(name, help);
    for (const registry::SiblingInfo& sibling : status.siblings) {
      writer->Sample(value(sibling), {{"sibling", sibling.name}});
    }
  };
  using Sibling = registry::SiblingInfo;
  each("jcm_sibling_reachable", "1 if the sibling answered last.",
       [](const Sibling& s) { return s.reachable ? 1 : 0; });
  each("jcm_sibling_apply_lag", "Log indexes that this replica has applied and the sibling had not.",
       [&](const Sibling& s) { return Lag(status.applied_index, s.applied_index); });
  each("jcm_sibling_clock_skew_microseconds", "The sibling's clock minus this one.",
       [](const Sibling& s) { return s.clock_skew_us; });
  each("jcm_sibling_quarantined", "1 if the sibling is in quarantine.",
       [](const Sibling& s) { return s.quarantine.empty() ? 0 : 1; });
}

}  // namespace

std::string MetricsText(const std::string& registry, const registry::RegistryStatus& status, const NodeFigures& node) {
  Writer writer(registry);
  writer.Metric("jcm_applied_index", "Newest log index that is applied.");
  writer.Sample(status.applied_index);
  writer.Metric("jcm_durable_index", "Newest log index that is on disk.");
  writer.Sample(status.durable_index);
  writer.Metric("jcm_apply_lag", "Durable minus applied log index.");
  writer.Sample(Lag(status.durable_index, status.applied_index));
  writer.Metric("jcm_log_generation", "Generation of the log.");
  writer.Sample(status.generation);
  writer.Metric("jcm_offsite_lag", "Applied log indexes that the off-site sink has not acknowledged.");
  writer.Sample(Lag(status.applied_index, status.offsite_acknowledged_index));
  writer.Metric("jcm_clock_trusted", "1 if the clock may stamp entries.");
  writer.Sample(status.clock_state == "RUNNING" ? 1 : 0, {{"state", status.clock_state}});
  writer.Metric("jcm_sequencing", "1 if this replica orders.");
  writer.Sample(!status.replica.empty() && status.replica == status.sequencer ? 1 : 0, {{"replica", status.replica}});
  writer.Metric("jcm_quarantined", "1 if siblings contradict this replica, which then speaks no more.");
  writer.Sample(status.quarantine.empty() ? 0 : 1);
  writer.Metric("jcm_stopped", "1 if the store or the log failed: the node needs a restart or a person.");
  writer.Sample(status.failure.empty() ? 0 : 1);
  writer.Metric("jcm_log_waiting_bytes", "Bytes of the log that wait for checkpoints of enough replicas.");
  writer.Sample(status.log_waiting_bytes);
  WriteSiblings(status, &writer);
  WriteBooks(status, &writer);
  WritePartners(status, &writer);
  writer.Metric("jcm_lane_depth", "Items waiting in a lane.");
  for (const auto& lane : status.lanes) writer.Sample(lane.depth, {{"lane", lane.name}});
  writer.Sample(node.worker_queue_depth, {{"lane", "workers"}});
  writer.Metric("jcm_lane_limit", "Items that a lane can hold.");
  for (const auto& lane : status.lanes) writer.Sample(lane.limit, {{"lane", lane.name}});
  writer.Sample(node.worker_queue_limit, {{"lane", "workers"}});
  writer.Metric("jcm_warnings", "Warnings in the node's status.");
  writer.Sample(status.warnings.size());
  writer.Metric("jcm_tls_certificate_days_left", "Days until this node's TLS certificate expires.");
  writer.Sample(node.tls_days_left);
  return std::move(writer).text();
}

}  // namespace jcm::services

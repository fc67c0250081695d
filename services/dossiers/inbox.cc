#include "services/dossiers/inbox.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/cycle/tables.h"
#include "ledger/rules/decision_state.h"
#include "services/dossiers/dossier_view.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

bool HasRole(const v1::PersonRecord& person, v1::Role role) {
  return std::find(person.roles().begin(), person.roles().end(), role) != person.roles().end();
}

bool IsOffice(const v1::PersonRecord& person) {
  return HasRole(person, v1::ROLE_SECRETARIAT) || HasRole(person, v1::ROLE_DESIGNATED_ORGANIZATION);
}

bool IsRegistry(const v1::PersonRecord& person) {
  return HasRole(person, v1::ROLE_SYSTEM_OPERATOR) || HasRole(person, v1::ROLE_DESIGNATED_ORGANIZATION);
}

// The name of the person in a partnership; empty: none.
std::string PseudonymIn(const v1::PersonRecord& person, const std::string& partnership) {
  for (const v1::Handle& handle : person.pseudonyms()) {
    if (handle.partnership() == partnership) return handle.handle();
  }
  return "";
}

template <typename List>
bool Contains(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Collector {
 public:
  Collector(const InboxOwner& owner, BookTime now) : owner_(owner), now_(now) {}

  void Add(api::InboxItem item, uint64_t since_us, uint64_t due_us) {
    *item.mutable_since() = ToTimestamp(since_us);
    if (due_us != 0) *item.mutable_due() = ToTimestamp(due_us);
    item.set_overdue(due_us != 0 && due_us < now_.micros);
    items_.push_back({!item.overdue(), since_us, items_.size(), std::move(item)});
  }

  void AddDossier(const IndexedDossier& dossier, const std::map<std::string, std::set<std::string>>& entity_persons) {
    if (dossier.peer) return AddPeerDossier(dossier);
    const std::string pseudonym = PseudonymIn(owner_.person, dossier.partnership);
    for (const auto& [key, strand] : dossier.strands) {
      for (const rules::Step* step : AwaitedSteps(dossier.record.kind(), strand.strand(), strand.state())) {
        const absl::optional<rules::Who> as = AsWhom(*step, dossier, strand, pseudonym, entity_persons);
        if (!as.has_value()) continue;
        api::InboxItem item = ItemOf(dossier, strand, *step);
        item.set_as(std::string(rules::WhoName(*as)));
        Add(std::move(item), strand.since_us(), strand.due_step() == step->name ? strand.due_us() : 0);
        break;  // one item per strand: what is awaited first
      }
    }
  }

  std::vector<api::InboxItem> Take() {
    std::sort(items_.begin(), items_.end(), [](const Waiting& a, const Waiting& b) {
      return std::tie(a.not_overdue, a.since_us, a.order) < std::tie(b.not_overdue, b.since_us, b.order);
    });
    std::vector<api::InboxItem> items;
    for (Waiting& waiting : items_) items.push_back(std::move(waiting.item));
    return items;
  }

 private:
  struct Waiting {
    bool not_overdue;
    uint64_t since_us;
    size_t order;
    api::InboxItem item;
  };

  api::InboxItem ItemOf(const IndexedDossier& dossier, const v1::StrandRecord& strand, const rules::Step& step) const {
    api::InboxItem item;
    item.set_name(DossierName(dossier.partnership, dossier.record.dossier_id()));
    item.set_title(dossier.record.title_en());
    item.set_strand(strand.strand());
    item.set_instance(strand.instance());
    item.set_step(step.name);
    item.set_text_en(step.text_en);
    item.set_text_ja(step.text_ja);
    return item;
  }

  absl::optional<rules::Who> AsWhom(const rules::Step& step, const IndexedDossier& dossier,
                                    const v1::StrandRecord& strand, const std::string& pseudonym,
                                    const std::map<std::string, std::set<std::string>>& entity_persons) const {
    for (const rules::Who who : step.who) {
      bool fits = false;
      switch (who) {
        case rules::Who::kParticipant:
        case rules::Who::kApplicant:
          fits = !pseudonym.empty() && Contains(dossier.record.persons(), pseudonym);
          break;
        case rules::Who::kEntity: {
          const auto entity =
              entity_persons.find(absl::StrCat(dossier.partnership, "/", strand.facts().third_party_entity()));
          fits = entity != entity_persons.end() && entity->second.count(pseudonym) > 0;
          break;
        }
        case rules::Who::kSecretariat:
          fits = IsOffice(owner_.person);
          break;
        case rules::Who::kGovernment:
          fits = HasRole(owner_.person, v1::ROLE_AUTHORIZING_MINISTRY);
          break;
        case rules::Who::kRegistry:
          fits = IsRegistry(owner_.person);
          break;
        case rules::Who::kCommittee:
          // Until a decision is opened, the secretariat has to bring it before the committee.
          fits = IsOffice(owner_.person);
          break;
        default:
          break;
      }
      if (fits) return who;
    }
    return absl::nullopt;
  }

  // A strand that the other side checks for completeness is this side's to look at too.
  void AddPeerDossier(const IndexedDossier& dossier) {
    if (!IsOffice(owner_.person)) return;
    for (const auto& [key, strand] : dossier.strands) {
      for (const rules::Step* step : AwaitedSteps(dossier.record.kind(), strand.strand(), strand.state())) {
        if (!Contains(step->conditions, "other_side_complete")) continue;
        api::InboxItem item = ItemOf(dossier, strand, *step);
        item.set_step("react");
        item.set_text_en("The other side keeps this dossier; say whether it is complete.");
        item.set_text_ja("相手側の案件である。完備しているか回答する。");
        item.set_as("secretariat");
        Add(std::move(item), strand.since_us(), strand.due_us());
        break;
      }
    }
  }

  const InboxOwner& owner_;
  const BookTime now_;
  std::vector<Waiting> items_;
};

std::string DecisionName(const std::string& partnership, const std::string& decision_id) {
  return absl::StrCat("partnerships/", partnership, "/decisions/", decision_id);
}

std::string TitleOf(const v1::DecisionRecord& decision) {
  v1::DecisionText text;
  return text.ParseFromString(decision.text()) ? text.title() : decision.decision_id();
}

// What one decision asks of the person; everything a partnership's book knows of it is in `state`.
class DecisionInbox {
 public:
  DecisionInbox(const InboxOwner& owner, std::string partnership, const state::StateReader& state, Collector* collector)
      : owner_(owner), partnership_(std::move(partnership)), state_(state), collector_(collector) {}

  absl::Status Collect(const std::vector<std::string>& unsettled) {
    JCM_ASSIGN_OR_RETURN(members_, rules::LoadMembers(/*shadow=*/false, state_));
    pseudonym_ = PseudonymIn(owner_.person, partnership_);
    for (const std::string& id : unsettled) {
      absl::StatusOr<rules::DecisionView> view = rules::FindDecision(id, state_);
      // The index may be ahead of this view of the book.
      if (HasReason(view.status(), Reason::DECISION_UNKNOWN)) continue;
      JCM_RETURN_IF_ERROR(view.status());
      JCM_RETURN_IF_ERROR(CollectOne(*view));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CollectOne(const rules::DecisionView& view) {
    const v1::DecisionRecord& decision = view.record;
    const bool open = decision.state() == v1::DECISION_STATE_OPEN;
    const bool electronic = decision.mode() == v1::DECISION_MODE_ELECTRONIC;
    const absl::optional<BookTime> distributed = rules::DistributedAt(view);
    if (open && electronic && !view.own && !distributed.has_value() && IsOffice(owner_.person)) {
      Add(view, "distribute", "secretariat", "Distribute the text to this side's members.", "自国側委員に配布する。",
          decision.opened_at_us(), 0);
    }
    if (open && (view.own || !electronic || distributed.has_value())) JCM_RETURN_IF_ERROR(CollectVote(view));
    const bool ended =
        decision.state() == v1::DECISION_STATE_ADOPTED || decision.state() == v1::DECISION_STATE_NOT_ADOPTED;
    const bool answered = view.reaction.has_value() && view.reaction->text_digest() == decision.text_digest() &&
                          view.reaction->state() != v1::REACTION_STATE_DISTRIBUTED;
    if (ended && !view.own && !answered && HasRole(owner_.person, v1::ROLE_SECRETARIAT)) {
      Add(view, "confirm", "secretariat", "Confirm the outcome, or dispute it.", "結果を確認するか、異議を述べる。",
          decision.outcome_recorded_at_us(), 0);
    }
    if (decision.state() == v1::DECISION_STATE_ADOPTED && answered &&
        view.reaction->state() == v1::REACTION_STATE_CONFIRMED && IsRegistry(owner_.person)) {
      JCM_RETURN_IF_ERROR(CollectIssuance(view));
    }
    return absl::OkStatus();
  }

  absl::Status CollectVote(const rules::DecisionView& view) {
    for (const v1::MemberRecord& member : members_) {
      if (member.pseudonym() != pseudonym_ || pseudonym_.empty() || member.until_us() != 0) continue;
      if (view.record.mode() == v1::DECISION_MODE_MEETING && !member.co_chair()) continue;
      JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, rules::LoadVotes(view, /*shadow=*/false, state_));
      const bool voted = std::any_of(votes.begin(), votes.end(), [&](const v1::VoteRecord& vote) {
        return vote.member_id() == member.member_id();
      });
      if (voted) continue;
      const absl::optional<BookTime> end = rules::WindowEndOf(view);
      Add(view, "vote", member.co_chair() ? "co-chair" : "member", "Vote on the decision, or declare a conflict.",
          "決定に投票するか、利益相反を申告する。", view.record.opened_at_us(), end.has_value() ? end->micros : 0);
    }
    return absl::OkStatus();
  }

  absl::Status CollectIssuance(const rules::DecisionView& view) {
    v1::DecisionText text;
    if (!text.ParseFromString(view.record.text()) || !text.has_issuance()) return absl::OkStatus();
    const auto& rows = text.issuance().rows();
    const bool own_rows = std::any_of(rows.begin(), rows.end(), [&](const v1::AllocationRow& row) {
      return row.issuing_registry() == owner_.registry;
    });
    if (!own_rows) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(auto issued, state_.Get(v1::TABLE_ISSUANCE, view.record.decision_id()));
    if (issued.has_value()) return absl::OkStatus();
    if (text.issuance().monitoring_instance() != 0) {
      JCM_ASSIGN_OR_RETURN(auto dossier, rules::FindDossierByReference(text.issuance().project_id(), state_));
      if (!dossier.has_value()) return absl::OkStatus();
      JCM_ASSIGN_OR_RETURN(const std::string period,
                           rules::StateOf(*dossier, "MONITORING", text.issuance().monitoring_instance(), state_));
      if (period != "NOTIFIED") return absl::OkStatus();
    }
    Add(view, "issue", "registry", "Issue this side's share.", "自国側の分を発行する。",
        view.reaction->answered_at_us(), 0);
    return absl::OkStatus();
  }

  void Add(const rules::DecisionView& view, const std::string& step, const std::string& as, const std::string& text_en,
           const std::string& text_ja, uint64_t since_us, uint64_t due_us) {
    api::InboxItem item;
    item.set_name(DecisionName(partnership_, view.record.decision_id()));
    item.set_title(TitleOf(view.record));
    item.set_step(step);
    item.set_as(as);
    item.set_text_en(text_en);
    item.set_text_ja(text_ja);
    collector_->Add(std::move(item), since_us, due_us);
  }

  const InboxOwner& owner_;
  const std::string partnership_;
  const state::StateReader& state_;
  Collector* collector_;
  std::vector<v1::MemberRecord> members_;
  std::string pseudonym_;
};

}  // namespace

absl::StatusOr<std::vector<api::InboxItem>> InboxOf(const InboxOwner& owner, const std::string& partnership,
                                                    const registry::RegistryView& view, const DossierIndex& index,
                                                    BookTime now) {
  Collector collector(owner, now);
  std::map<std::string, std::set<std::string>> entity_persons;  // by partnership "/" dossier id
  index.ForEach([&](const IndexedDossier& dossier) {
    if (dossier.peer || dossier.record.kind() != v1::DOSSIER_KIND_THIRD_PARTY_ENTITY) return;
    entity_persons[absl::StrCat(dossier.partnership, "/", dossier.record.dossier_id())] = {
        dossier.record.persons().begin(), dossier.record.persons().end()};
  });
  index.ForEach([&](const IndexedDossier& dossier) {
    if (partnership.empty() || dossier.partnership == partnership) collector.AddDossier(dossier, entity_persons);
  });
  JCM_ASSIGN_OR_RETURN(std::vector<registry::BookInfo> books, view.Books());
  for (const registry::BookInfo& info : books) {
    if (info.mirror || info.book.is_home() || info.size == 0) continue;
    if (!partnership.empty() && info.book.partnership != partnership) continue;
    const std::unique_ptr<state::StateReader> state = view.State(info.book);
    JCM_ASSIGN_OR_RETURN(auto opened, state->Get(v1::TABLE_PARTNERSHIP, "partnership"));
    if (!opened.has_value()) continue;
    DecisionInbox decisions(owner, info.book.partnership, *state, &collector);
    JCM_RETURN_IF_ERROR(decisions.Collect(index.UnsettledDecisions(info.book.partnership)));
  }
  return collector.Take();
}

}  // namespace jcm::services

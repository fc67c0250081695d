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

constexpr char kReact[] = "react";

bool HasRole(const v1::PersonRecord& person, v1::Role role) {
  return std::find(person.roles().begin(), person.roles().end(), role) != person.roles().end();
}

bool IsOffice(const v1::PersonRecord& person) {
  return HasRole(person, v1::ROLE_SECRETARIAT) || HasRole(person, v1::ROLE_DESIGNATED_ORGANIZATION);
}

bool IsRegistry(const v1::PersonRecord& person) {
  return HasRole(person, v1::ROLE_SYSTEM_OPERATOR) || HasRole(person, v1::ROLE_DESIGNATED_ORGANIZATION);
}

// The name of the person in a partnership; empty: none. Lives as long as `person`.
const std::string& PseudonymIn(const v1::PersonRecord& person, const std::string& partnership) {
  for (const v1::Handle& handle : person.pseudonyms()) {
    if (handle.partnership() == partnership) return handle.handle();
  }
  static const auto* const none = new std::string;
  return *none;
}

template <typename List>
bool Contains(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Which persons speak for an entity, by partnership and dossier id.
using EntityPersons = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

// Thousands of items may wait for a secretariat, of which it reads a page: only what the order needs is noted of each,
// with pointers into the index, and the page alone is written out.
class Collector {
 public:
  Collector(const InboxOwner& owner, BookTime now) : owner_(owner), now_(now) {}

  void AddDecision(api::InboxItem item, uint64_t since_us, uint64_t due_us) {
    Waiting waiting;
    waiting.decision = decisions_.size();
    decisions_.push_back(std::move(item));
    Note(waiting, since_us, due_us);
  }

  void AddDossier(const IndexedDossier& dossier) {
    if (dossier.peer) return AddPeerDossier(dossier);
    const std::string& pseudonym = PseudonymIn(dossier.partnership);
    for (const auto& [key, strand] : dossier.strands) {
      for (const rules::Step* step : AwaitedSteps(dossier.record.kind(), strand.strand(), strand.state())) {
        const absl::optional<rules::Who> as = AsWhom(*step, dossier, strand, pseudonym);
        if (!as.has_value()) continue;
        NoteStrand(dossier, strand, *step, *as, strand.due_step() == step->name ? strand.due_us() : 0);
        break;  // one item per strand: what is awaited first
      }
    }
  }

  void AddEntity(const IndexedDossier& entity) {
    if (entity.peer || entity.record.kind() != v1::DOSSIER_KIND_THIRD_PARTY_ENTITY) return;
    entity_persons_[{entity.partnership, entity.record.dossier_id()}] = {entity.record.persons().begin(),
                                                                         entity.record.persons().end()};
  }

  // While the dossiers that were added are still there.
  InboxPage TakePage(const std::string& after, size_t page_size) {
    std::sort(waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) {
      return std::tie(a.not_overdue, a.since_us, a.of_decision, a.order) <
             std::tie(b.not_overdue, b.since_us, b.of_decision, b.order);
    });
    InboxPage page;
    page.total = waiting_.size();
    size_t next = 0;
    if (!after.empty()) {
      while (next < waiting_.size() && KeyOf(waiting_[next]) != after) ++next;
      if (next < waiting_.size()) ++next;
    }
    for (; next < waiting_.size() && page.items.size() < page_size; ++next) {
      page.items.push_back(ItemOf(waiting_[next]));
      page.last = KeyOf(waiting_[next]);
    }
    page.more = next < waiting_.size();
    return page;
  }

 private:
  static constexpr size_t kNoDecision = static_cast<size_t>(-1);

  struct Waiting {
    bool not_overdue = true;
    uint64_t since_us = 0;
    uint64_t due_us = 0;  // 0: none
    bool of_decision = false;
    size_t order = 0;
    size_t decision = kNoDecision;  // which of decisions_; otherwise of a dossier:
    const IndexedDossier* dossier = nullptr;
    const v1::StrandRecord* strand = nullptr;
    const rules::Step* step = nullptr;
    rules::Who as = rules::Who::kSecretariat;
  };

  const std::string& PseudonymIn(const std::string& partnership) {
    if (last_partnership_ != partnership) {  // dossiers come by partnership
      last_partnership_ = partnership;
      last_pseudonym_ = services::PseudonymIn(owner_.person, partnership);
    }
    return last_pseudonym_;
  }

  void Note(Waiting waiting, uint64_t since_us, uint64_t due_us) {
    waiting.not_overdue = due_us == 0 || due_us >= now_.micros;
    waiting.since_us = since_us;
    waiting.due_us = due_us;
    waiting.of_decision = waiting.decision != kNoDecision;
    waiting.order = waiting_.size();
    waiting_.push_back(waiting);
  }

  void NoteStrand(const IndexedDossier& dossier, const v1::StrandRecord& strand, const rules::Step& step, rules::Who as,
                  uint64_t due_us) {
    Waiting waiting;
    waiting.dossier = &dossier;
    waiting.strand = &strand;
    waiting.step = &step;
    waiting.as = as;
    Note(waiting, strand.since_us(), due_us);
  }

  // Of a strand of the other side's, what is asked is to react.
  static std::string StepOf(const Waiting& waiting) { return waiting.dossier->peer ? kReact : waiting.step->name; }

  std::string KeyOf(const Waiting& waiting) const {
    if (waiting.of_decision) {
      const api::InboxItem& item = decisions_[waiting.decision];
      return absl::StrCat(item.name(), "||", item.step());
    }
    return absl::StrCat(DossierName(waiting.dossier->partnership, waiting.dossier->record.dossier_id()), "|",
                        waiting.strand->strand(), "|", waiting.strand->instance(), "|", StepOf(waiting));
  }

  api::InboxItem ItemOf(const Waiting& waiting) const {
    api::InboxItem item;
    if (waiting.of_decision) {
      item = decisions_[waiting.decision];
    } else {
      item.set_name(DossierName(waiting.dossier->partnership, waiting.dossier->record.dossier_id()));
      item.set_title(waiting.dossier->record.title_en());
      item.set_strand(waiting.strand->strand());
      item.set_instance(waiting.strand->instance());
      item.set_step(StepOf(waiting));
      const bool peer = waiting.dossier->peer;
      item.set_text_en(peer ? "The other side keeps this dossier; say whether it is complete." : waiting.step->text_en);
      item.set_text_ja(peer ? "相手側の案件である。完備しているか回答する。" : waiting.step->text_ja);
      item.set_as(std::string(rules::WhoName(waiting.as)));
    }
    *item.mutable_since() = ToTimestamp(waiting.since_us);
    if (waiting.due_us != 0) *item.mutable_due() = ToTimestamp(waiting.due_us);
    item.set_overdue(!waiting.not_overdue);
    return item;
  }

  absl::optional<rules::Who> AsWhom(const rules::Step& step, const IndexedDossier& dossier,
                                    const v1::StrandRecord& strand, const std::string& pseudonym) const {
    for (const rules::Who who : step.who) {
      bool fits = false;
      switch (who) {
        case rules::Who::kParticipant:
        case rules::Who::kApplicant:
          fits = !pseudonym.empty() && Contains(dossier.record.persons(), pseudonym);
          break;
        case rules::Who::kEntity: {
          const auto entity = entity_persons_.find({dossier.partnership, strand.facts().third_party_entity()});
          fits = entity != entity_persons_.end() && entity->second.count(pseudonym) > 0;
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
        NoteStrand(dossier, strand, *step, rules::Who::kSecretariat, strand.due_us());
        break;
      }
    }
  }

  const InboxOwner& owner_;
  const BookTime now_;
  EntityPersons entity_persons_;
  std::string last_partnership_;
  std::string last_pseudonym_;
  std::vector<Waiting> waiting_;
  std::vector<api::InboxItem> decisions_;
};

std::string DecisionName(const std::string& partnership, const std::string& decision_id) {
  return absl::StrCat("partnerships/", partnership, "/decisions/", decision_id);
}

// What decisions ask of the person. Only votes, members and monitoring periods are looked up in the book: the index may
// be ahead of it by a moment.
class DecisionInbox {
 public:
  DecisionInbox(const InboxOwner& owner, std::string partnership, const state::StateReader& state, Collector* collector)
      : owner_(owner), partnership_(std::move(partnership)), state_(state), collector_(collector) {}

  absl::Status Collect(const std::vector<IndexedDecision>& unsettled) {
    pseudonym_ = PseudonymIn(owner_.person, partnership_);
    for (const IndexedDecision& decision : unsettled) JCM_RETURN_IF_ERROR(CollectOne(decision));
    return absl::OkStatus();
  }

 private:
  absl::Status CollectOne(const IndexedDecision& indexed) {
    const v1::DecisionRecord& decision = indexed.record;
    const absl::optional<v1::ReactionRecord>& reaction = indexed.reaction();
    const bool open = decision.state() == v1::DECISION_STATE_OPEN;
    const bool electronic = decision.mode() == v1::DECISION_MODE_ELECTRONIC;
    const rules::DecisionView view = ViewOf(indexed);
    const absl::optional<BookTime> distributed = rules::DistributedAt(view);
    if (open && electronic && !indexed.own && !distributed.has_value() && IsOffice(owner_.person)) {
      Add(indexed, "distribute", "secretariat", "Distribute the text to this side's members.", "自国側委員に配布する。",
          decision.opened_at_us(), 0);
    }
    if (open && (indexed.own || !electronic || distributed.has_value())) {
      JCM_RETURN_IF_ERROR(CollectVote(indexed, view));
    }
    const bool ended =
        decision.state() == v1::DECISION_STATE_ADOPTED || decision.state() == v1::DECISION_STATE_NOT_ADOPTED;
    const bool answered = reaction.has_value() && reaction->text_digest() == decision.text_digest() &&
                          reaction->state() != v1::REACTION_STATE_DISTRIBUTED;
    if (ended && !indexed.own && !answered && HasRole(owner_.person, v1::ROLE_SECRETARIAT)) {
      Add(indexed, "confirm", "secretariat", "Confirm the outcome, or dispute it.", "結果を確認するか、異議を述べる。",
          decision.outcome_recorded_at_us(), 0);
    }
    if (decision.state() == v1::DECISION_STATE_ADOPTED && answered &&
        reaction->state() == v1::REACTION_STATE_CONFIRMED && IsRegistry(owner_.person)) {
      JCM_RETURN_IF_ERROR(CollectIssuance(indexed));
    }
    return absl::OkStatus();
  }

  // As far as clocks and votes need it.
  static rules::DecisionView ViewOf(const IndexedDecision& decision) {
    rules::DecisionView view;
    view.own = decision.own;
    view.record = decision.record;
    view.reaction = decision.reaction();
    return view;
  }

  absl::Status CollectVote(const IndexedDecision& decision, const rules::DecisionView& view) {
    if (pseudonym_.empty()) return absl::OkStatus();
    if (!members_.has_value()) {
      JCM_ASSIGN_OR_RETURN(members_, rules::LoadMembers(/*shadow=*/false, state_));
    }
    for (const v1::MemberRecord& member : *members_) {
      if (member.pseudonym() != pseudonym_ || member.until_us() != 0) continue;
      if (view.record.mode() == v1::DECISION_MODE_MEETING && !member.co_chair()) continue;
      JCM_ASSIGN_OR_RETURN(std::vector<v1::VoteRecord> votes, rules::LoadVotes(view, /*shadow=*/false, state_));
      const bool voted = std::any_of(votes.begin(), votes.end(), [&](const v1::VoteRecord& vote) {
        return vote.member_id() == member.member_id();
      });
      if (voted) continue;
      const absl::optional<BookTime> end = rules::WindowEndOf(view);
      Add(decision, "vote", member.co_chair() ? "co-chair" : "member", "Vote on the decision, or declare a conflict.",
          "決定に投票するか、利益相反を申告する。", view.record.opened_at_us(), end.has_value() ? end->micros : 0);
    }
    return absl::OkStatus();
  }

  absl::Status CollectIssuance(const IndexedDecision& decision) {
    if (!decision.issues_here || decision.issued) return absl::OkStatus();
    if (decision.monitoring_instance != 0) {
      JCM_ASSIGN_OR_RETURN(auto dossier, rules::FindDossierByReference(decision.project, state_));
      if (!dossier.has_value()) return absl::OkStatus();
      JCM_ASSIGN_OR_RETURN(const std::string period,
                           rules::StateOf(*dossier, "MONITORING", decision.monitoring_instance, state_));
      if (period != "NOTIFIED") return absl::OkStatus();
    }
    Add(decision, "issue", "registry", "Issue this side's share.", "自国側の分を発行する。",
        decision.reaction()->answered_at_us(), 0);
    return absl::OkStatus();
  }

  void Add(const IndexedDecision& decision, const std::string& step, const std::string& as, const std::string& text_en,
           const std::string& text_ja, uint64_t since_us, uint64_t due_us) {
    api::InboxItem item;
    item.set_name(DecisionName(partnership_, decision.record.decision_id()));
    item.set_title(decision.title);
    item.set_step(step);
    item.set_as(as);
    item.set_text_en(text_en);
    item.set_text_ja(text_ja);
    collector_->AddDecision(std::move(item), since_us, due_us);
  }

  const InboxOwner& owner_;
  const std::string partnership_;
  const state::StateReader& state_;
  Collector* collector_;
  absl::optional<std::vector<v1::MemberRecord>> members_;  // once somebody's vote is looked for
  std::string pseudonym_;
};

}  // namespace

absl::StatusOr<InboxPage> InboxOf(const InboxOwner& owner, const std::string& partnership,
                                  const registry::RegistryView& view, const DossierIndex& index, BookTime now,
                                  const std::string& after, size_t page_size) {
  Collector collector(owner, now);
  JCM_ASSIGN_OR_RETURN(std::vector<registry::BookInfo> books, view.Books());
  for (const registry::BookInfo& info : books) {
    if (info.mirror || info.book.is_home() || info.size == 0) continue;
    if (!partnership.empty() && info.book.partnership != partnership) continue;
    const std::vector<IndexedDecision> unsettled = index.UnsettledDecisions(info.book.partnership);
    if (unsettled.empty()) continue;
    const std::unique_ptr<state::StateReader> state = view.State(info.book);
    DecisionInbox decisions(owner, info.book.partnership, *state, &collector);
    JCM_RETURN_IF_ERROR(decisions.Collect(unsettled));
  }
  InboxPage page;
  index.ForEach([&](const IndexedDossier& dossier) { collector.AddEntity(dossier); });
  index.ForEach(
      [&](const IndexedDossier& dossier) {
        if (partnership.empty() || dossier.partnership == partnership) collector.AddDossier(dossier);
      },
      [&] { page = collector.TakePage(after, page_size); });
  return page;
}

}  // namespace jcm::services

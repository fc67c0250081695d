#include "ledger/registry/applier.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/keys.h"

namespace jcm::registry {
namespace {

constexpr char kBundleHeaderType[] = "application/vnd.jcm.bundle-header.v1";

template <typename Message>
absl::StatusOr<Message> ReadMessage(const store::ReadView& records, store::Family family, const std::string& key) {
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, records.Get(family, key));
  Message message;
  if (bytes.has_value() && !message.ParseFromString(*bytes)) return Error(Reason::STORE_CORRUPT, key);
  return message;
}

}  // namespace

absl::StatusOr<v1::BookHead> ReadHead(const store::ReadView& records, const BookId& book) {
  return ReadMessage<v1::BookHead>(records, store::Family::kMeta, HeadKey(book));
}

absl::StatusOr<v1::BookNotes> ReadNotes(const store::ReadView& records, const BookId& book) {
  return ReadMessage<v1::BookNotes>(records, store::Family::kMeta, NotesKey(book));
}

Applier::Applier(std::string registry, const store::ReadView& records, rules::SignatureVerifier& verifier)
    : home_{registry, kHome}, registry_(std::move(registry)), records_(records), verifier_(verifier) {}

absl::StatusOr<BookDraft*> Applier::DraftOf(const BookId& book) {
  auto it = drafts_.find(book);
  if (it != drafts_.end()) return it->second.get();
  JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(records_, book));
  auto& base = bases_[book];
  base = std::make_unique<StoreState>(records_, book);
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<BookDraft> draft, BookDraft::Open(book, head, *base));
  if (book.is_home()) home_size_before_ = head.size();
  return (drafts_[book] = std::move(draft)).get();
}

absl::StatusOr<AppliedBatch> Applier::Apply(const log::Batch& batch) {
  v1::LogBatch body;
  if (!body.ParseFromString(batch.body)) return Error(Reason::STORE_CORRUPT, "a log batch cannot be read");
  offsite_position_ = OffsitePosition(batch.header.generation, batch.header.index);
  AppliedBatch applied;
  for (const v1::LogItem& item : body.items()) {
    ItemResult result;
    switch (item.item_case()) {
      case v1::LogItem::kBundle: {
        JCM_ASSIGN_OR_RETURN(result, ApplyBundle(item.bundle(), batch.header.time, /*dry_run=*/false));
        break;
      }
      case v1::LogItem::kSystem:
        result.error = ApplySystem(item.system(), batch.header.time);
        break;
      case v1::LogItem::kRecovered:
        result.error = ApplyRecovered(item.recovered());
        break;
      case v1::LogItem::ITEM_NOT_SET:
        return Error(Reason::STORE_CORRUPT, "a log item is of no known kind");
    }
    if (HasReason(result.error, Reason::STORE_CORRUPT) || HasReason(result.error, Reason::STORE_FAILED)) {
      return result.error;
    }
    applied.items.push_back(std::move(result));
  }
  for (const auto& draft : drafts_) {
    if (!draft.second->changed()) continue;
    draft.second->WriteTo(&applied.writes);
    applied.changed.push_back(ChangedBook{draft.first, draft.second->size(), draft.second->Root()});
    if (!draft.first.is_home()) continue;
    for (const v1::EntryRecord& entry : draft.second->entries()) *applied.offsite.add_home_entries() = entry;
  }
  for (const auto& outcome : outcomes_) {
    const std::string value = state::Serialise(outcome.second);
    applied.writes.Put(store::Family::kOutcome, outcome.first, value);
    v1::OffsiteOutcome* copy = applied.offsite.add_outcomes();
    copy->set_key(outcome.first);
    copy->set_value(value);
  }
  for (const auto& attachment : attachments_) {
    applied.writes.Put(store::Family::kEntry, AttachmentKey(attachment.first), attachment.second);
    v1::OffsiteAttachment* copy = applied.offsite.add_attachments();
    copy->set_digest(attachment.first);
    copy->set_attachment(attachment.second);
  }
  v1::AppliedPosition position;
  position.set_generation(batch.header.generation);
  position.set_index(batch.header.index);
  position.set_hash(std::string(AsBytes(batch.hash)));
  position.set_time_us(batch.header.time.micros);
  position.set_unmarked(!body.checkpoint());
  applied.writes.Put(store::Family::kMeta, kAppliedKey, state::Serialise(position));
  applied.offsite.set_log_index(offsite_position_);
  return applied;
}

absl::StatusOr<Applier::Request> Applier::Authenticate(const v1::SignedBundle& bundle) {
  Request request;
  JCM_RETURN_IF_ERROR(ParseStrict(bundle.header(), &request.header));
  if (request.header.registry() != registry_) {
    return Error(Reason::WRONG_REGISTRY, absl::StrCat("signed for ", request.header.registry()));
  }
  if (bundle.signatures().empty()) return Error(Reason::SIGNATURE_MISSING);
  const v1::Signature& signature = bundle.signatures(0);
  if (signature.key_id() != request.header.author_key_id()) {
    return Error(Reason::SIGNATURE_INVALID, "the first signature is not the author's");
  }
  JCM_ASSIGN_OR_RETURN(BookDraft * home, DraftOf(home_));
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::KeyRecord> key,
                       home->state().Get<v1::KeyRecord>(v1::TABLE_KEY, signature.key_id()));
  if (!key.has_value()) return Error(Reason::KEY_UNKNOWN);
  JCM_RETURN_IF_ERROR(
      verifier_.Verify(key->key(), PreAuthEncode(kBundleHeaderType, bundle.header()), signature.signature()));
  request.outcome_key = OutcomeKey(key->person_id(), request.header.request_id());
  request.digest = std::string(AsBytes(Sha256(bundle.header())));
  return request;
}

absl::StatusOr<absl::optional<v1::RequestOutcome>> Applier::FindOutcome(const std::string& key) const {
  auto it = outcomes_.find(key);
  if (it != outcomes_.end()) return absl::make_optional(it->second);
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, records_.Get(store::Family::kOutcome, key));
  if (!bytes.has_value()) return absl::optional<v1::RequestOutcome>();
  v1::RequestOutcome outcome;
  if (!outcome.ParseFromString(*bytes)) return Error(Reason::STORE_CORRUPT, "a request outcome cannot be read");
  return absl::make_optional(outcome);
}

absl::StatusOr<ItemResult> Applier::DryRun(absl::string_view signed_bundle, BookTime time) {
  return ApplyBundle(signed_bundle, time, /*dry_run=*/true);
}

absl::StatusOr<ItemResult> Applier::ApplyBundle(absl::string_view bytes, BookTime time, bool dry_run) {
  ItemResult result;
  result.bundle = true;
  v1::SignedBundle bundle;
  result.error = rules::CheckBundleShape(bytes, registry_);
  if (!result.error.ok()) return result;
  JCM_CHECK(bundle.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  absl::StatusOr<Request> request = Authenticate(bundle);
  result.error = request.status();
  if (!request.ok()) return result;

  JCM_ASSIGN_OR_RETURN(absl::optional<v1::RequestOutcome> earlier, FindOutcome(request->outcome_key));
  if (earlier.has_value()) {
    if (earlier->request_digest() != request->digest) {
      result.error = Error(Reason::REQUEST_ID_REUSED);
    } else {
      result.outcome = *std::move(earlier);
      result.replayed = true;
    }
    return result;
  }

  BundleInput input{&bundle, *std::move(request), time, {}};
  book::Frontier tree;
  for (const std::string& part : bundle.parts()) {
    tree.Append(book::LeafHash(part), [&input](int level, uint64_t index, const Digest& hash) {
      const auto row = static_cast<size_t>(level);
      if (input.part_nodes.size() <= row) input.part_nodes.resize(row + 1);
      JCM_CHECK(input.part_nodes[row].size() == index);
      input.part_nodes[row].push_back(hash);
    });
  }
  result.outcome.set_request_digest(input.request.digest);
  result.outcome.set_batch_time_us(time.micros);
  result.outcome.set_log_index(offsite_position_);
  JCM_RETURN_IF_ERROR(ApplyParts(input, dry_run, &result));
  if (dry_run) return result;
  outcomes_[input.request.outcome_key] = result.outcome;
  for (const v1::SealedAttachment& attachment : bundle.attachments()) {
    attachments_[std::string(AsBytes(Sha256(attachment.ciphertext())))] = state::Serialise(attachment);
  }
  return result;
}

absl::Status Applier::ApplyParts(const BundleInput& input, bool dry_run, ItemResult* item) {
  v1::RequestOutcome* outcome = &item->outcome;
  const bool atomic = input.request.header.mode() == v1::BUNDLE_MODE_ATOMIC;
  // An atomic bundle, and any dry run, is attempted on top of the drafts and adopted as a whole or not at all.
  Drafts attempts;
  const auto draft_for = [&](const BookId& book) -> absl::StatusOr<BookDraft*> {
    JCM_ASSIGN_OR_RETURN(BookDraft * draft, DraftOf(book));
    if (!atomic && !dry_run) return draft;
    auto& attempt = attempts[book];
    if (attempt == nullptr) attempt = BookDraft::Attempt(*draft);
    return attempt.get();
  };
  bool refused = false;
  for (int i = 0; i < input.bundle->parts_size(); ++i) {
    v1::RequestPart* result = outcome->add_parts();
    v1::BundlePart part;
    absl::Status status = ParseStrict(input.bundle->parts(i), &part);
    result->set_partnership(part.partnership());
    if (refused && atomic && !dry_run) status = Error(Reason::BUNDLE_REFUSED);
    if (status.ok()) {
      const BookId book{registry_, part.partnership()};
      JCM_ASSIGN_OR_RETURN(BookDraft * draft, draft_for(book));
      JCM_ASSIGN_OR_RETURN(BookDraft * home, draft_for(home_));
      rules::Refusals refusals;
      if (dry_run) refusals_ = &refusals;
      absl::StatusOr<AppendedEntry> appended = ApplyPart(input, i, book, *draft, *home);
      refusals_ = nullptr;
      status = appended.status();
      if (dry_run) item->refusals.push_back(refusals.Take());
      if (appended.ok()) {
        result->set_accepted(true);
        result->set_recorded(true);
        result->set_sequence(appended->sequence);
        result->set_leaf_hash(std::string(AsBytes(appended->leaf_hash)));
      } else if (HasReason(status, Reason::STORE_CORRUPT) || HasReason(status, Reason::STORE_FAILED)) {
        return status;
      }
    }
    if (dry_run) item->refusals.resize(static_cast<size_t>(i) + 1);
    if (!status.ok()) {
      refused = true;
      if (dry_run && item->refusals.back().empty()) item->refusals.back().push_back({status, "entry"});
      result->set_reason(static_cast<uint32_t>(*ReasonOf(status)));
      result->set_detail(std::string(status.message()));
    }
  }
  if (!atomic || dry_run) return absl::OkStatus();
  if (refused) {
    for (v1::RequestPart& part : *outcome->mutable_parts()) {
      if (!part.accepted()) continue;
      const std::string partnership = part.partnership();
      part.Clear();
      part.set_partnership(partnership);
      part.set_reason(static_cast<uint32_t>(Reason::BUNDLE_REFUSED));
    }
    return absl::OkStatus();
  }
  for (auto& attempt : attempts) {
    if (attempt.second->changed()) drafts_[attempt.first]->Adopt(std::move(*attempt.second));
  }
  return absl::OkStatus();
}

absl::StatusOr<AppendedEntry> Applier::ApplyPart(const BundleInput& input, int index, const BookId& book,
                                                 BookDraft& draft, const BookDraft& home) {
  if (draft.size() == 0) return Error(Reason::BOOK_UNKNOWN, book.ToString());
  v1::SignedPart part;
  part.set_header(input.bundle->header());
  part.set_part(input.bundle->parts(index));
  part.set_part_index(static_cast<uint32_t>(index));
  *part.mutable_signatures() = input.bundle->signatures();
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> path,
                       book::InclusionProof(
                           [&input](int level, uint64_t node) -> absl::StatusOr<Digest> {
                             const auto row = static_cast<size_t>(level);
                             if (row >= input.part_nodes.size() || node >= input.part_nodes[row].size()) {
                               return Error(Reason::INTERNAL, "part tree");
                             }
                             return input.part_nodes[row][node];
                           },
                           static_cast<uint64_t>(index), static_cast<uint64_t>(input.bundle->parts_size())));
  for (const Digest& hash : path) part.add_part_path(std::string(AsBytes(hash)));
  return AppendWithContext(draft, home, book::LeafKind::COMMAND, input.time, state::Serialise(part));
}

absl::StatusOr<AppendedEntry> Applier::AppendWithContext(BookDraft& draft, const BookDraft& home, book::LeafKind kind,
                                                         BookTime time, absl::string_view command) {
  rules::EntryInput input;
  input.book = draft.book();
  input.kind = kind;
  input.sequence = draft.size();
  input.time = time;
  input.command = command;
  std::unique_ptr<rules::ParsedCommand> parsed;
  if (kind == book::LeafKind::COMMAND) {
    JCM_ASSIGN_OR_RETURN(parsed, rules::ParseCommand(command));
    input.parsed = parsed.get();
  }
  JCM_ASSIGN_OR_RETURN(rules::Needs needs, rules::CollectNeeds(draft.state(), input));
  rules::ContextMemo* memo = home.size() == home_size_before_ ? &contexts_[draft.book()] : nullptr;
  JCM_ASSIGN_OR_RETURN(std::string context, rules::BuildContext(
                                                home.state(), draft.book(), needs,
                                                [&](uint64_t sequence) { return HomeLeafHash(home, sequence); }, memo));
  return draft.Append(NewEntry{kind, time, command, context, parsed.get(), refusals_}, verifier_);
}

absl::StatusOr<Digest> Applier::HomeLeafHash(const BookDraft& home, uint64_t sequence) const {
  absl::optional<Digest> recent = home.LeafHashOf(sequence);
  if (!recent.has_value()) {
    auto it = drafts_.find(home_);
    if (it != drafts_.end()) recent = it->second->LeafHashOf(sequence);
  }
  if (recent.has_value()) return *recent;
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> node,
                       records_.Get(store::Family::kNode, NodeKey(home_, 0, sequence)));
  if (!node.has_value() || node->size() != sizeof(Digest)) return Error(Reason::STORE_CORRUPT, "home leaf hash");
  Digest hash;
  std::copy(node->begin(), node->end(), hash.begin());
  return hash;
}

absl::Status Applier::ApplySystem(const v1::SystemItem& item, BookTime time) {
  const BookId book{registry_, item.partnership()};
  JCM_ASSIGN_OR_RETURN(BookDraft * draft, DraftOf(book));
  JCM_ASSIGN_OR_RETURN(BookDraft * home, DraftOf(home_));
  const auto kind = static_cast<book::LeafKind>(item.kind());
  if (kind == book::LeafKind::COMMAND) return Error(Reason::FIELD_INVALID, "a command is not a system item");
  if ((draft->size() == 0) != (kind == book::LeafKind::GENESIS)) return Error(Reason::BOOK_UNKNOWN, book.ToString());
  return AppendWithContext(*draft, *home, kind, time, item.command()).status();
}

absl::Status Applier::ApplyRecovered(const v1::RecoveredTail& tail) {
  const BookId book{registry_, tail.partnership()};
  JCM_ASSIGN_OR_RETURN(BookDraft * draft, DraftOf(book));
  for (const v1::EntryRecord& record : tail.entries()) {
    const uint64_t sequence = draft->size();
    JCM_RETURN_IF_ERROR(draft->AppendExisting(record, verifier_));
    RebuildOutcome(record, sequence, book);
  }
  for (const v1::OffsiteOutcome& outcome : tail.outcomes()) {
    v1::RequestOutcome parsed;
    if (!parsed.ParseFromString(outcome.value())) return Error(Reason::MESSAGE_MALFORMED, "off-site outcome");
    // The sink's copy is complete; it replaces what was put together from entries.
    outcomes_[outcome.key()] = parsed;
  }
  for (const v1::OffsiteAttachment& attachment : tail.attachments()) {
    attachments_[attachment.digest()] = attachment.attachment();
  }
  return absl::OkStatus();
}

void Applier::RebuildOutcome(const v1::EntryRecord& record, uint64_t sequence, const BookId& book) {
  v1::SignedPart part;
  v1::BundleHeader header;
  absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(record.leaf());
  if (!leaf.ok() || leaf->kind != book::LeafKind::COMMAND || !part.ParseFromString(record.command()) ||
      !header.ParseFromString(part.header())) {
    return;
  }
  absl::StatusOr<BookDraft*> home = DraftOf(home_);
  if (!home.ok()) return;
  auto key = (*home)->state().Get<v1::KeyRecord>(v1::TABLE_KEY, header.author_key_id());
  if (!key.ok() || !key->has_value()) return;
  const std::string outcome_key = OutcomeKey((*key)->person_id(), header.request_id());
  auto found = FindOutcome(outcome_key);
  if (!found.ok()) return;
  v1::RequestOutcome outcome = found->value_or(v1::RequestOutcome());
  outcome.set_request_digest(std::string(AsBytes(Sha256(part.header()))));
  outcome.set_batch_time_us(leaf->time.micros);
  while (outcome.parts_size() < static_cast<int>(header.part_count())) outcome.add_parts();
  v1::RequestPart* result = outcome.mutable_parts(static_cast<int>(part.part_index()));
  result->set_partnership(book.partnership);
  result->set_accepted(true);
  result->set_recorded(true);
  result->set_sequence(sequence);
  result->set_leaf_hash(std::string(AsBytes(book::LeafHash(record.leaf()))));
  outcomes_[outcome_key] = outcome;
}

}  // namespace jcm::registry

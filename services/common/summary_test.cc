#include "services/common/summary.h"

#include "gtest/gtest.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/bundle.pb.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

void AddRange(uint64_t first, uint64_t last, google::protobuf::RepeatedPtrField<v1::UnitRange>* ranges) {
  v1::UnitRange* range = ranges->Add();
  range->set_lot_id("TH014-2021-1");
  range->set_first(first);
  range->set_last(last);
}

TEST(Summary, SaysWhatWasRetiredFromWhere) {
  v1::Command command;
  auto* retire = command.mutable_retire_credits();
  retire->set_retirement_id("RET-1");
  retire->set_from_account("5f0c1a2b3c4d5e6f708192a3b4c5d6e7");
  AddRange(1, 60, retire->mutable_ranges());
  AddRange(101, 140, retire->mutable_ranges());
  EXPECT_EQ(SummaryOf(command), "RetireCredits RET-1: 100 t from 5f0c1a2b…");
}

TEST(Summary, SaysHowSomebodyVoted) {
  v1::Command command;
  auto* vote = command.mutable_cast_vote();
  vote->set_decision_id("TH-JC7-TH014");
  vote->set_member_id("JP-CO-CHAIR");
  vote->set_vote(v1::VOTE_YES);
  EXPECT_EQ(SummaryOf(command), "CastVote TH-JC7-TH014: YES by JP-CO-CHAIR");
  vote->set_form(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT);
  EXPECT_EQ(SummaryOf(command), "CastVote TH-JC7-TH014: YES of JP-CO-CHAIR, recorded by the secretariat");
}

TEST(Summary, NamesEveryKindOfCommand) {
  const auto* body = v1::Command::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    v1::Command command;
    command.GetReflection()->MutableMessage(&command, body->field(i));
    EXPECT_EQ(SummaryOf(command).rfind(body->field(i)->message_type()->name(), 0), 0u) << body->field(i)->name();
  }
}

TEST(Summary, ReadsTheCommandInsideAnEntry) {
  v1::Command command;
  command.mutable_register_project()->set_project_id("TH014");
  v1::BundlePart part;
  part.set_command(command.SerializeAsString());
  v1::SignedPart signed_part;
  signed_part.set_part(part.SerializeAsString());
  EXPECT_EQ(SummaryOf(book::LeafKind::COMMAND, signed_part.SerializeAsString()), "RegisterProject TH014");
}

TEST(Summary, SaysWhatASystemEntryIs) {
  v1::Import import;
  import.set_from(40);
  import.set_to(45);
  EXPECT_EQ(SummaryOf(book::LeafKind::IMPORT, import.SerializeAsString()), "Import entries 40..44");
  EXPECT_EQ(SummaryOf(book::LeafKind::TICK, ""), "TICK");
}

TEST(Summary, GivesTheKindAloneForBytesThatItCanNotRead) {
  EXPECT_EQ(SummaryOf(book::LeafKind::COMMAND, "\xff\xff"), "COMMAND");
  EXPECT_EQ(SummaryOf(book::LeafKind::COMMAND, ""), "COMMAND");
}

TEST(Summary, IsShortAndStaysUtf8) {
  v1::Halt halt;
  halt.set_peer_sequence(7);
  std::string detail;
  for (int i = 0; i < 1'000; ++i) detail += "号";
  halt.set_detail(detail);
  const std::string summary = SummaryOf(book::LeafKind::HALT, halt.SerializeAsString());
  EXPECT_LE(summary.size(), kSummaryBytesMax);
  v1::Halt again;
  again.set_detail(summary);
  EXPECT_TRUE(v1::Halt().ParseFromString(again.SerializeAsString())) << "not UTF-8";
}

}  // namespace
}  // namespace jcm::services

#include "tests/scenarios/scenario.h"

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/testing.h"

namespace jcm::scenarios {
namespace {

namespace v1 = ::jcm::ledger::v1;
using rules::TestPair;
using rules::TestRegistry;
using Words = std::smatch;

constexpr char kPartnership[] = "TH";

absl::Status Wrong(absl::string_view what) { return Error(Reason::FIELD_INVALID, what); }

std::string DigestOf(const std::string& text) {
  const Digest digest = Sha256(text);
  return std::string(AsBytes(digest));
}

// "2026-03-02 09:00 JST", "2026-03-12T16:59:59Z".
absl::StatusOr<BookTime> ParseWhen(const std::string& text) {
  if (absl::EndsWith(text, "Z") && absl::StrContains(text, 'T')) return ParseRfc3339(text);
  static const std::regex kForm(R"((\d{4}-\d\d-\d\d) (\d\d):(\d\d)(?::(\d\d))? (JST|ICT))");
  Words words;
  if (!std::regex_match(text, words, kForm)) return Wrong(absl::StrCat("no time: ", text));
  JCM_ASSIGN_OR_RETURN(const Date day, ParseDate(words[1].str()));
  JCM_ASSIGN_OR_RETURN(const BookTime midnight, StartOfDay(day, words[5] == "JST" ? 540 : 420));
  const uint64_t seconds =
      3600 * std::stoull(words[2]) + 60 * std::stoull(words[3]) + (words[4].matched ? std::stoull(words[4]) : 0);
  return BookTime::FromMicros(midnight.micros + seconds * kMicrosPerSecond);
}

absl::StatusOr<v1::Date> ParseDay(const std::string& text) {
  JCM_ASSIGN_OR_RETURN(const Date day, ParseDate(text));
  return rules::MakeDate(day.year, day.month, day.day);
}

v1::Vote VoteOf(const std::string& word) {
  if (word == "yes") return v1::VOTE_YES;
  if (word == "none") return v1::VOTE_UNSPECIFIED;
  return word == "no" ? v1::VOTE_NO : v1::VOTE_RECUSED;
}

class Stage {
 public:
  absl::Status Run(const std::string& line) {
    static const std::regex kRefused(R"(refused ([A-Z_]+): (.*))");
    Words words;
    if (std::regex_match(line, words, kRefused)) {
      const absl::Status done = Act(words[2].str());
      if (rules::Why(done) != words[1].str()) {
        return Wrong(absl::StrCat("expected ", words[1].str(), ", got ", ToText(done)));
      }
      return absl::OkStatus();
    }
    if (absl::StartsWith(line, "expect ")) return Expect(line.substr(7));
    return Act(line);
  }

 private:
  using Handler = absl::Status (Stage::*)(const Words&);
  struct Line {
    std::regex form;
    Handler handler;
  };

  absl::Status Act(const std::string& line) {
    static const std::vector<Line> kLines = {
        {std::regex(R"(at (.*))"), &Stage::At},
        {std::regex(R"(the link is (down|up))"), &Stage::Link},
        {std::regex(R"((Japan|Thailand) opens (\S+) electronically)"), &Stage::OpenElectronic},
        {std::regex(R"((Japan|Thailand) opens (\S+) in a meeting on (\S+))"), &Stage::OpenMeeting},
        {std::regex(R"((Japan|Thailand) (distributes|amends|withdraws|disputes) (\S+))"), &Stage::Change},
        {std::regex(R"((\S+) votes (yes|no|recused) on (\S+))"), &Stage::Vote},
        {std::regex(R"((Japan|Thailand) records (yes|no|recused) of (\S+) on (\S+))"), &Stage::RecordVote},
        {std::regex(R"((Japan|Thailand) confirms (\S+) (adopted|not adopted))"), &Stage::Confirm},
        {std::regex(R"((\S+) confirms (the report|another paper) of (\S+))"), &Stage::ConfirmReport},
        {std::regex(R"((\S+) (declares|ends) a conflict about (\S+))"), &Stage::Declare},
        {std::regex(R"((Japan|Thailand) records a conflict of (\S+) about (\S+))"), &Stage::RecordConflict},
        {std::regex(
             R"((Japan|Thailand) appoints (\S+?)( as co-chair)?(?: as alternate of (\S+?))?(?: until (\d{4}-\d\d-\d\d))?)"),
         &Stage::Appoint},
        {std::regex(R"((Japan|Thailand) ends (\S+)(?: replaced by (\S+))?)"), &Stage::End},
    };
    for (const Line& known : kLines) {
      Words words;
      if (!std::regex_match(line, words, known.form)) continue;
      JCM_RETURN_IF_ERROR((this->*known.handler)(words));
      return Settle();
    }
    return Wrong("no line of a scenario");
  }

  absl::Status Expect(const std::string& line) {
    static const std::regex kState(
        R"((\S+) (pending|adopted|not adopted|withdrawn)(?: at (.+?))?(?: in (Japan|Thailand))?)");
    static const std::regex kAnswer(R"((\S+) answered: (none|confirmed|disputed))");
    static const std::regex kVotes(
        R"((\d+) votes? of (\S+) on (\S+), the last (yes|no|recused|none)( recorded by the secretariat)?)");
    Words words;
    if (std::regex_match(line, words, kAnswer)) return ExpectAnswer(words);
    if (std::regex_match(line, words, kVotes)) return ExpectVotes(words);
    if (std::regex_match(line, words, kState)) return ExpectState(words);
    return Wrong("no expectation of a scenario");
  }

  absl::Status Settle() {
    if (link_) return pair_.Settle();
    for (TestRegistry* side : {&pair_.jpn(), &pair_.host()}) {
      JCM_RETURN_IF_ERROR(side->TickAll(kPartnership).status());
    }
    return absl::OkStatus();
  }

  TestRegistry& Side(const std::string& name) { return name == "Japan" ? pair_.jpn() : pair_.host(); }
  TestRegistry& SideOf(const std::string& member) {
    return absl::StartsWith(member, "JPN") ? pair_.jpn() : pair_.host();
  }
  // The person behind a member id: JPN-chair is "chair".
  static std::string PersonOf(const std::string& member) { return member.substr(4); }
  std::string TextDigest(const std::string& id) const {
    const auto found = texts_.find(id);
    return DigestOf(found == texts_.end() ? "" : found->second);
  }
  std::string NewText(const std::string& id) {
    v1::DecisionText text;
    text.set_kind(v1::DECISION_KIND_DOCUMENT);
    text.set_title(absl::StrCat(id, ", text ", ++text_count_));
    text.set_document_digest(DigestOf(text.title()));
    return texts_[id] = text.SerializeAsString();
  }

  absl::Status At(const Words& words) {
    JCM_ASSIGN_OR_RETURN(const BookTime when, ParseWhen(words[1].str()));
    if (when < pair_.jpn().now()) return Wrong("time does not go back");
    pair_.SetNow(when);
    return absl::OkStatus();
  }
  absl::Status Link(const Words& words) {
    link_ = words[1] == "up";
    return absl::OkStatus();
  }

  absl::Status Open(const Words& words, v1::Command command) {
    v1::OpenDecision* open = command.mutable_open_decision();
    open->set_decision_id(words[2].str());
    open->set_rulebook_version("TH/1");
    open->set_text(NewText(words[2].str()));
    return Side(words[1].str()).Submit(kPartnership, command, {"secretary"});
  }
  absl::Status OpenElectronic(const Words& words) {
    v1::Command command;
    command.mutable_open_decision()->set_mode(v1::DECISION_MODE_ELECTRONIC);
    return Open(words, command);
  }
  absl::Status OpenMeeting(const Words& words) {
    v1::Command command;
    command.mutable_open_decision()->set_mode(v1::DECISION_MODE_MEETING);
    JCM_ASSIGN_OR_RETURN(*command.mutable_open_decision()->mutable_meeting_date(), ParseDay(words[3].str()));
    command.mutable_open_decision()->set_meeting_name("A meeting");
    command.mutable_open_decision()->set_report_digest(DigestOf("report"));
    command.mutable_open_decision()->add_annex_digests(DigestOf("annex 1"));
    return Open(words, command);
  }
  absl::Status Change(const Words& words) {
    const std::string& id = words[3].str();
    v1::Command command;
    if (words[2] == "distributes") {
      command.mutable_distribute_decision()->set_decision_id(id);
      command.mutable_distribute_decision()->set_text_digest(TextDigest(id));
    } else if (words[2] == "amends") {
      command.mutable_amend_decision()->set_decision_id(id);
      command.mutable_amend_decision()->set_text(NewText(id));
    } else if (words[2] == "withdraws") {
      command.mutable_withdraw_decision()->set_decision_id(id);
      command.mutable_withdraw_decision()->set_reason("a reason");
    } else {
      command.mutable_dispute_outcome()->set_decision_id(id);
      command.mutable_dispute_outcome()->set_text_digest(TextDigest(id));
      command.mutable_dispute_outcome()->set_reason("a reason");
    }
    return Side(words[1].str()).Submit(kPartnership, command, {"secretary"});
  }

  absl::Status Cast(const std::string& member, const std::string& vote, const std::string& id, v1::VoteForm form,
                    const std::vector<std::string>& signers) {
    v1::Command command;
    v1::CastVote* cast = command.mutable_cast_vote();
    cast->set_decision_id(id);
    cast->set_text_digest(TextDigest(id));
    cast->set_member_id(member);
    cast->set_vote(VoteOf(vote));
    cast->set_form(form);
    if (form == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) cast->set_document_digest(DigestOf("a letter"));
    return SideOf(member).Submit(kPartnership, command, signers);
  }
  absl::Status Vote(const Words& words) {
    return Cast(words[1].str(), words[2].str(), words[3].str(), v1::VOTE_FORM_SIGNED_BY_MEMBER,
                {PersonOf(words[1].str())});
  }
  absl::Status ConfirmReport(const Words& words) {
    v1::Command command;
    v1::CastVote* cast = command.mutable_cast_vote();
    cast->set_decision_id(words[3].str());
    cast->set_text_digest(TextDigest(words[3].str()));
    cast->set_member_id(words[1].str());
    cast->set_vote(v1::VOTE_YES);
    cast->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    cast->set_document_digest(DigestOf(words[2] == "the report" ? "report" : "another paper"));
    return SideOf(words[1].str()).Submit(kPartnership, command, {PersonOf(words[1].str())});
  }
  absl::Status SubmitConflict(const std::string& member, const std::string& object, v1::VoteForm form, bool ended,
                              const std::vector<std::string>& signers) {
    v1::Command command;
    v1::DeclareConflict* declare = command.mutable_declare_conflict();
    declare->set_member_id(member);
    declare->set_object(object);
    declare->set_document_digest(DigestOf("a declaration"));
    declare->set_text("advises a participant");
    declare->set_form(form);
    declare->set_ended(ended);
    return SideOf(member).Submit(kPartnership, command, signers);
  }
  absl::Status Declare(const Words& words) {
    return SubmitConflict(words[1].str(), words[3].str(), v1::VOTE_FORM_SIGNED_BY_MEMBER, words[2] == "ends",
                          {PersonOf(words[1].str())});
  }
  absl::Status RecordConflict(const Words& words) {
    return SubmitConflict(words[2].str(), words[3].str(), v1::VOTE_FORM_RECORDED_BY_SECRETARIAT, /*ended=*/false,
                          {"secretary", "secretary2"});
  }
  absl::Status RecordVote(const Words& words) {
    return Cast(words[3].str(), words[2].str(), words[4].str(), v1::VOTE_FORM_RECORDED_BY_SECRETARIAT,
                {"secretary", "secretary2"});
  }
  absl::Status Confirm(const Words& words) {
    v1::Command command;
    command.mutable_confirm_outcome()->set_decision_id(words[2].str());
    command.mutable_confirm_outcome()->set_text_digest(TextDigest(words[2].str()));
    command.mutable_confirm_outcome()->set_outcome(words[3] == "adopted" ? v1::DECISION_OUTCOME_ADOPTED
                                                                         : v1::DECISION_OUTCOME_NOT_ADOPTED);
    return Side(words[1].str()).Submit(kPartnership, command, {"secretary"});
  }
  absl::Status Appoint(const Words& words) {
    TestRegistry& side = Side(words[1].str());
    const std::string person = PersonOf(words[2].str());
    if (people_.insert({words[2].str(), true}).second) side.AddPerson(person, {v1::ROLE_JC_MEMBER});
    v1::Command command;
    v1::AppointMember* appoint = command.mutable_appoint_member();
    appoint->set_member_id(words[2].str());
    appoint->set_pseudonym(side.Pseudonym(person, kPartnership));
    appoint->set_co_chair(words[3].matched);
    if (words[4].matched) appoint->set_alternate_of(words[4].str());
    if (words[5].matched) {
      JCM_ASSIGN_OR_RETURN(*appoint->mutable_term_end(), ParseDay(words[5].str()));
    }
    return side.Submit(kPartnership, command, {"secretary"});
  }
  absl::Status End(const Words& words) {
    v1::Command command;
    command.mutable_end_member()->set_member_id(words[2].str());
    if (words[3].matched) command.mutable_end_member()->set_replaced_by(words[3].str());
    return Side(words[1].str()).Submit(kPartnership, command, {"secretary"});
  }

  absl::StatusOr<v1::DecisionRecord> Find(const std::string& id, TestRegistry& side) {
    auto own = side.book(kPartnership).Find<v1::DecisionRecord>(v1::TABLE_DECISION, id);
    if (own.has_value()) return *own;
    auto imported = side.book(kPartnership).Find<v1::DecisionRecord>(state::Shadow(v1::TABLE_DECISION), id);
    if (imported.has_value()) return *imported;
    return Wrong(absl::StrCat("no decision ", id));
  }

  absl::Status ExpectState(const Words& words) {
    static const std::map<std::string, v1::DecisionState> kStates = {{"pending", v1::DECISION_STATE_OPEN},
                                                                     {"adopted", v1::DECISION_STATE_ADOPTED},
                                                                     {"not adopted", v1::DECISION_STATE_NOT_ADOPTED},
                                                                     {"withdrawn", v1::DECISION_STATE_WITHDRAWN}};
    std::vector<TestRegistry*> sides = {&pair_.jpn(), &pair_.host()};
    if (words[4].matched) sides = {&Side(words[4].str())};
    for (TestRegistry* side : sides) {
      JCM_ASSIGN_OR_RETURN(const v1::DecisionRecord record, Find(words[1].str(), *side));
      if (record.state() != kStates.at(words[2].str())) {
        return Wrong(absl::StrCat(side->code(), " says ", v1::DecisionState_Name(record.state())));
      }
      if (!words[3].matched) continue;
      JCM_ASSIGN_OR_RETURN(const BookTime when, ParseWhen(words[3].str()));
      // A capital's time names a second; "Z" an instant.
      const uint64_t grain = absl::EndsWith(words[3].str(), "Z") ? 1 : kMicrosPerSecond;
      if (record.adopted_at_us() / grain != when.micros / grain) {
        return Wrong(absl::StrCat("adopted at ", FormatRfc3339(BookTime::FromMicros(record.adopted_at_us()))));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ExpectAnswer(const Words& words) {
    std::string found = "none";
    for (TestRegistry* side : {&pair_.jpn(), &pair_.host()}) {
      const auto reaction = side->book(kPartnership).Find<v1::ReactionRecord>(v1::TABLE_REACTION, words[1].str());
      if (!reaction.has_value()) continue;
      if (reaction->state() == v1::REACTION_STATE_CONFIRMED) found = "confirmed";
      if (reaction->state() == v1::REACTION_STATE_DISPUTED) found = "disputed";
    }
    return found == words[2].str() ? absl::OkStatus() : Wrong(absl::StrCat("answered: ", found));
  }

  absl::Status ExpectVotes(const Words& words) {
    uint64_t wanted = 0;
    JCM_CHECK(absl::SimpleAtoi(words[1].str(), &wanted));
    uint64_t count = 0;
    v1::VoteRecord last;
    absl::Status scanned = SideOf(words[2].str())
                               .book(kPartnership)
                               .state()
                               .Scan(v1::TABLE_VOTE, absl::StrCat(words[3].str(), "/"), "",
                                     [&](absl::string_view, absl::string_view value) {
                                       v1::VoteRecord vote;
                                       if (vote.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
                                           vote.member_id() == words[2].str()) {
                                         last = vote;
                                         ++count;
                                       }
                                       return true;
                                     });
    JCM_RETURN_IF_ERROR(scanned);
    if (count != wanted) return Wrong(absl::StrCat(count, " votes"));
    if (last.vote() != VoteOf(words[4].str())) return Wrong(v1::Vote_Name(last.vote()));
    const bool recorded = last.form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT;
    return recorded == words[5].matched ? absl::OkStatus() : Wrong(v1::VoteForm_Name(last.form()));
  }

  TestPair pair_{rules::At("2026-03-02T00:00:00Z"), kPartnership, "THA"};
  bool link_ = true;
  int text_count_ = 0;
  std::map<std::string, std::string> texts_;
  std::map<std::string, bool> people_;
};

}  // namespace

absl::Status RunScenario(absl::string_view text) {
  Stage stage;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const absl::Status held = stage.Run(std::string(line));
    if (!held.ok()) return Error(*ReasonOf(held), absl::StrCat("line ", number, ", ", line, ": ", held.message()));
  }
  return absl::OkStatus();
}

}  // namespace jcm::scenarios

#include "ledger/book/note.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

// The worked example of the C2SP signed-note specification.
const char kExampleVkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const char kExampleNote[] =
    "This is an example message.\n"
    "\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

// The example of Go's note package.
const char kPeterVkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const char kEnochVkey[] = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const char kTwoSignatures[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const PrivateKey& Key() {
  static const PrivateKey* const key = [] {
    SeededRandom random(1);
    return new PrivateKey(PrivateKey::Generate(random));
  }();
  return *key;
}

NoteKey Verifier(const std::string& name) { return NoteKey{name, NoteKeyType::ED25519, Key().public_key()}; }

TEST(Note, VerifiesThePublishedExample) {
  Note note = *ParseNote(kExampleNote);
  EXPECT_EQ(note.text, "This is an example message.\n");
  EXPECT_EQ(FormatNote(note), kExampleNote);
  EXPECT_EQ(note.signatures[0].key_id, 0x530d903au);
  EXPECT_EQ(*VerifyNote(note, {*ParseVkey(kExampleVkey)}), std::vector<size_t>{0});
}

TEST(Note, VerifiesTwoSignaturesAndIgnoresUnknownKeys) {
  Note note = *ParseNote(kTwoSignatures);
  EXPECT_EQ(FormatNote(note), kTwoSignatures);
  EXPECT_EQ(*VerifyNote(note, {*ParseVkey(kPeterVkey), *ParseVkey(kEnochVkey)}), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(*VerifyNote(note, {*ParseVkey(kEnochVkey)}), std::vector<size_t>{1});
  EXPECT_TRUE(VerifyNote(note, {*ParseVkey(kExampleVkey)})->empty());
  EXPECT_TRUE(VerifyNote(note, {})->empty());
}

TEST(Note, AFlippedBitAnywhereIsNeverTheSameNote) {
  const std::string valid = kExampleNote;
  const std::vector<NoteKey> keys = {*ParseVkey(kExampleVkey)};
  for (size_t i = 0; i < valid.size() * 8; ++i) {
    std::string changed = valid;
    changed[i / 8] ^= static_cast<char>(1 << i % 8);
    absl::StatusOr<Note> note = ParseNote(changed);
    if (!note.ok()) continue;
    EXPECT_EQ(FormatNote(*note), changed);
    absl::StatusOr<std::vector<size_t>> found = VerifyNote(*note, keys);
    EXPECT_TRUE(!found.ok() || found->empty()) << "byte " << i / 8;
  }
}

TEST(Note, ABadSignatureOfAKnownKeySinksTheNote) {
  Note note = *ParseNote(kTwoSignatures);
  note.signatures[0].signature[5] ^= 1;
  std::vector<NoteKey> both = {*ParseVkey(kPeterVkey), *ParseVkey(kEnochVkey)};
  EXPECT_TRUE(HasReason(VerifyNote(note, both).status(), Reason::SIGNATURE_INVALID));
  EXPECT_EQ(*VerifyNote(note, {both[1]}), std::vector<size_t>{1});
  note = *ParseNote(kTwoSignatures);
  note.signatures.push_back(note.signatures[0]);
  note.signatures.back().signature += "x";
  EXPECT_TRUE(HasReason(VerifyNote(note, both).status(), Reason::SIGNATURE_INVALID));
}

TEST(Note, SignsWhatItVerifies) {
  Note note{"text\n\nwith an empty line, 二国間クレジット制度\n", {}};
  note.signatures.push_back(SignNoteText(note.text, "demo.invalid/JPN/1", Key()));
  Note again = *ParseNote(FormatNote(note));
  EXPECT_EQ(again.text, note.text);
  EXPECT_EQ(VerifyNote(again, {Verifier("demo.invalid/JPN/1")})->size(), 1u);
  EXPECT_TRUE(VerifyNote(again, {Verifier("demo.invalid/JPN/2")})->empty());
}

TEST(Note, AcceptsUpToTheNamedMaximumOfSignatures) {
  static_assert(kNoteSignaturesMax >= 16, "the specification's minimum");
  Note note{"text\n", {}};
  for (size_t i = 0; i < kNoteSignaturesMax; ++i) {
    note.signatures.push_back(SignNoteText(note.text, "key" + std::to_string(i), Key()));
  }
  EXPECT_EQ(ParseNote(FormatNote(note))->signatures.size(), kNoteSignaturesMax);
  note.signatures.push_back(note.signatures[0]);
  EXPECT_TRUE(HasReason(ParseNote(FormatNote(note)).status(), Reason::NOTE_MALFORMED));
}

TEST(Note, RefusesOtherForms) {
  const std::string line = "— key " + Base64Encode("1234signature") + "\n";
  ASSERT_TRUE(ParseNote("text\n\n" + line).ok());
  const std::vector<std::string> wrong = {"",
                                          "text\n",
                                          "text\n\n",
                                          "text\n" + line,
                                          "text\n\n" + line + "\n",
                                          "text\n\n" + line + "x",
                                          "text\n\n" + line + line.substr(0, line.size() - 1),
                                          "text\r\n\n" + line,
                                          "te\tt\n\n" + line,
                                          std::string("te\0t\n\n", 6) + line,
                                          "te\x7ft\n\n" + line,
                                          "te\xfft\n\n" + line,
                                          "te\xc0\x80t\n\n" + line,
                                          "te\xe0\x80\x80t\n\n" + line,
                                          "te\xed\xa0\x80t\n\n" + line,
                                          "te\xf4\x90\x80\x80t\n\n" + line,
                                          "te\xe2\x80\n\n" + line,
                                          "text\n\n- key MTIzNHNpZ25hdHVyZQ==\n",
                                          "text\n\n—  MTIzNHNpZ25hdHVyZQ==\n",
                                          "text\n\n— key\n",
                                          "text\n\n— key \n",
                                          "text\n\n— key  MTIzNHNpZ25hdHVyZQ==\n",
                                          "text\n\n— ke+y MTIzNHNpZ25hdHVyZQ==\n",
                                          "text\n\n— ke\xe3\x80\x80y MTIzNHNpZ25hdHVyZQ==\n",
                                          "text\n\n— key MTIzNA==\n",
                                          "text\n\n— key MTIzNHNpZ25hdHVyZQ=\n",
                                          "text\n\n— key MTIzNHNpZ25hdHVyZR==\n",
                                          std::string(kNoteBytesMax, 'x') + "\n\n" + line};
  for (const std::string& bytes : wrong) {
    EXPECT_TRUE(HasReason(ParseNote(bytes).status(), Reason::NOTE_MALFORMED)) << bytes.substr(0, 60);
  }
}

TEST(Vkey, RoundTripsThePublishedKeys) {
  for (const char* vkey : {kExampleVkey, kPeterVkey, kEnochVkey}) {
    EXPECT_EQ(EncodeVkey(*ParseVkey(vkey)), vkey);
  }
  NoteKey cosigner{"demo.invalid/THA/1", NoteKeyType::COSIGNATURE_V1, Key().public_key()};
  NoteKey again = *ParseVkey(EncodeVkey(cosigner));
  EXPECT_EQ(again.type, NoteKeyType::COSIGNATURE_V1);
  EXPECT_EQ(again.key, cosigner.key);
}

TEST(Vkey, RefusesAnIdThatIsNotTheKeys) {
  std::string vkey = kExampleVkey;
  for (size_t i = 0; i < vkey.size(); ++i) {
    std::string changed = vkey;
    changed[i] ^= 1;
    EXPECT_FALSE(ParseVkey(changed).ok()) << i;
  }
  EXPECT_FALSE(ParseVkey("").ok());
  EXPECT_FALSE(ParseVkey("name+530d903a").ok());
  EXPECT_TRUE(HasReason(ParseVkey("name+00000000+" + Base64Encode("\x06" + std::string(32, 'k'))).status(),
                        Reason::SIGNATURE_TYPE_UNSUPPORTED));
}

TEST(NoteKeyId, DependsOnNameTypeAndKey) {
  std::string key(32, 'k');
  uint32_t id = NoteKeyId("name", NoteKeyType::ED25519, key);
  EXPECT_EQ(id, *BigEndianReader(AsBytes(Sha256("name\n\x01" + key))).U32());
  EXPECT_NE(id, NoteKeyId("nama", NoteKeyType::ED25519, key));
  EXPECT_NE(id, NoteKeyId("name", NoteKeyType::COSIGNATURE_V1, key));
  EXPECT_NE(id, NoteKeyId("name", NoteKeyType::ED25519, std::string(32, 'l')));
}

}  // namespace
}  // namespace jcm::book

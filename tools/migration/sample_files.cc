#include "tools/migration/sample_files.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::migration {
namespace {

constexpr int kVintages = 5;
constexpr int kFirstYear = 2015;

}  // namespace

MigrationFiles::MigrationFiles(int more_lots, const std::string& rulebook) {
  files["extract.txt"] = "the earlier registry's extract\n";
  files["sources.csv"] = absl::StrCat("source,title,sha256,file\nextract,Extract of 2026-03-01,",
                                      HexEncode(Sha256(files["extract.txt"])), ",extract.txt\n");
  files["partnerships.csv"] =
      absl::StrCat("partnership,statement_id,as_of,rulebook,source\nTH,OPEN-TH,2026-03-01,", rulebook, ",extract\n");
  files["events.csv"] =
      "partnership,kind,date,text,source,source_row\n"
      "TH,SIGNED,2015-11-19,Tokyo,extract,1\n";
  files["accounts.csv"] =
      "account_number,class,state,partnerships,holder,holder_en,country,opened,source,source_row\n"
      "JP-GOV,GOVERNMENT_HOLDING,ACTIVE,TH,日本国政府,Government of Japan,JP,2015-11-13,extract,10\n"
      "JP-CO,ENTITY_HOLDING,ACTIVE,TH,\"架空ヒノデ商事, 株式会社\",,JP,2016-01-05,extract,11\n"
      "JP-ICE,ENTITY_HOLDING,FROZEN,TH,,,JP,2016-01-06,extract,12\n"
      "JP-RET,RETIREMENT,ACTIVE,TH,,,JP,2015-11-13,extract,13\n"
      "JP-CAN,CANCELLATION,ACTIVE,TH,,,JP,2015-11-13,extract,14\n";
  files["methodologies.csv"] =
      "partnership,dossier_id,title_en,title_ja,scopes,source\n"
      "TH,AM1,Solar power,太陽光発電,1,extract\n";
  files["entities.csv"] =
      "partnership,dossier_id,name_en,from,validation_scopes,verification_scopes,source\n"
      "TH,TPE1,Nobody Verification,2016-02-01,1,1,extract\n"
      "TH,TPE1,Nobody Verification,2018-02-01,1,1;3,extract\n";
  files["projects.csv"] =
      "partnership,project_id,dossier_id,title_en,title_ja,type,methodologies,registration_date,crediting_start,"
      "crediting_end,source\n"
      "TH,TH001,sun,Roofs,屋根,ENERGY,TH_AM001@1.0,2017-03-01,2016-01-01,2025-12-31,extract\n"
      "TH,TH014,,Water reservoir,ため池,,,2017-04-01,,,extract\n";
  files["strands.csv"] =
      "partnership,dossier_id,strand,instance,state,since,references,version,period_start,period_end,decision,source\n"
      "TH,AM1,VERSION,1,APPROVED,2016-08-23,TH_PM001;TH_AM001,1.0,,,approved,extract\n"
      "TH,TPE1,DESIGNATION,1,DESIGNATED,2016-02-01,TPE-TH-001,,,,designated,extract\n"
      "TH,sun,REGISTRATION,1,REGISTERED,2017-03-01,TH001,,,,registered,extract\n"
      "TH,sun,MONITORING,1,CLOSED,2018-05-01,,,2016-01-01,2016-12-31,issued,extract\n";
  files["issuances.csv"] =
      "partnership,lot_id,project_id,vintage,first_serial,tonnes,number_text,monitoring_start,monitoring_end,decision,"
      "source\n"
      "TH,OLD-2016,TH014,2016,50001,100,JP-TH-TH014-1-{first}-{last},2016-01-01,2016-12-31,decided,extract\n";
  files["allotments.csv"] =
      "partnership,lot_id,first,last,account_number,party,issuing_registry,date,source\n"
      "TH,OLD-2016,50001,50060,JP-GOV,GOVERNMENT_OF_JAPAN,JPN,2017-06-01,extract\n"
      "TH,OLD-2016,50061,50100,JP-CO,PARTICIPANT,JPN,2017-06-01,extract\n";
  files["transfers.csv"] =
      "partnership,transfer_id,date,from_account,to_account,lot_id,first,last,source,source_row\n"
      "TH,OLD-T-1,2018-02-01,JP-CO,JP-GOV,OLD-2016,50061,50070,extract,40\n";
  files["retirements.csv"] =
      "partnership,retirement_id,date,from_account,retirement_account,source\n"
      "TH,OLD-R-7,2019-04-01,JP-CO,JP-RET,extract\n";
  files["cancellations.csv"] =
      "partnership,cancellation_id,date,from_account,cancellation_account,purpose,source\n"
      "TH,OLD-C-3,2019-05-01,JP-CO,JP-CAN,VOLUNTARY,extract\n";
  files["blocks.csv"] =
      "partnership,lot_id,first,last,account_number,end_id,source\n"
      "TH,OLD-2016,50001,50070,JP-GOV,,extract\n"
      "TH,OLD-2016,50071,50085,JP-CO,,extract\n"
      "TH,OLD-2016,50086,50095,JP-RET,OLD-R-7,extract\n"
      "TH,OLD-2016,50096,50100,JP-CAN,OLD-C-3,extract\n";
  files["restrictions.csv"] =
      "partnership,lot_id,first,last,restriction,source\n"
      "TH,OLD-2016,50071,50075,attachment 2025-7,extract\n";
  files["balances.csv"] =
      "partnership,account_number,project_id,vintage,tonnes,source\n"
      "TH,JP-GOV,TH014,2016,70,extract\n"
      "TH,JP-CO,TH014,2016,15,extract\n"
      "TH,JP-RET,TH014,2016,10,extract\n"
      "TH,JP-CAN,TH014,2016,5,extract\n";
  for (int i = 0; i < more_lots; ++i) {
    const int year = kFirstYear + i % kVintages;
    const std::string project = absl::StrCat("TH", 200 + i / kVintages);
    const std::string lot = absl::StrCat("MORE-", i);
    if (i % kVintages == 0) Append("projects.csv", absl::StrCat("TH,", project, ",,Another,,,,2015-01-01,,,extract"));
    Append("issuances.csv",
           absl::StrCat("TH,", lot, ",", project, ",", year, ",7001,1000,,", year, "-01-01,", year, "-12-31,,extract"));
    Append("allotments.csv", absl::StrCat("TH,", lot, ",7001,8000,JP-GOV,GOVERNMENT_OF_JAPAN,JPN,2021-01-01,extract"));
    Append("blocks.csv", absl::StrCat("TH,", lot, ",7001,8000,JP-GOV,,extract"));
    Append("balances.csv", absl::StrCat("TH,JP-GOV,", project, ",", year, ",1000,extract"));
  }
}

void MigrationFiles::Replace(const std::string& file, const std::string& text, const std::string& by) {
  const size_t at = files[file].find(text);
  JCM_CHECK(at != std::string::npos);
  files[file].replace(at, text.size(), by);
}

void MigrationFiles::Append(const std::string& file, const std::string& line) {
  absl::StrAppend(&files[file], line, "\n");
}

}  // namespace jcm::migration

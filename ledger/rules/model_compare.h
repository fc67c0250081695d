// Says where the records of two books differ from the model of them.
//
//   for (const std::string& difference : CompareWithModel(pair, model)) ADD_FAILURE() << difference;
#ifndef LEDGER_RULES_MODEL_COMPARE_H_
#define LEDGER_RULES_MODEL_COMPARE_H_

#include <string>
#include <vector>

#include "ledger/rules/book_pair.h"
#include "ledger/rules/model_ledger.h"

namespace jcm::rules {

// One sentence per difference: each unit of both books with its attributes, each transfer's state on both sides, each
// authorization's sums.
std::vector<std::string> CompareWithModel(const BookPair& pair, const ModelLedger& model);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_MODEL_COMPARE_H_

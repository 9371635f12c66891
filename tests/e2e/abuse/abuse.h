// The table of abuses: each by name, with what must refuse it and where the refusal must show.
#pragma once

#include "tests/e2e/abuse/intruder.h"

#include <functional>
#include <string>
#include <vector>

namespace sluice::e2e {

// Where a refusal must show, besides in the answer.
enum class Shown {
  Answer,   // nowhere else: a question of somebody unknown, answered with an error
  Trail,    // a record tool.refused with this request's id
  Server,   // nats-server's own log of permission violations
  Rejected  // audit.rejected, with the reason
};

struct Abuse {
  std::string name;  // letters, digits and '-'
  std::string
      expected;  // codes, separated by '|'; "Ignored": no answer is looked for, only effects
  Shown shown = Shown::Answer;
  std::function<Async<std::string>(Intruder*)> attempt;  // the code it came to
};

using Abuses = std::vector<Abuse>;

// What whoever holds everything of ingress, but no caller's credential, can try.
void add_questions(Abuses* abuses);  // every endpoint, with every kind of token that is none
void add_subjects(Abuses* abuses);   // subjects it has no right to
void add_records(Abuses* abuses);    // records in others' names
void add_frames(Abuses* abuses);     // bytes that are no requests
// What a caller can try beyond its rights.
void add_decisions(Abuses* abuses);
void add_approvals(Abuses* abuses);
void add_administration(Abuses* abuses);
void add_grants(Abuses* abuses);
void add_flips(Abuses* abuses);       // every field of a grant
void add_run_tokens(Abuses* abuses);  // the token of a script's run, for anything else

}  // namespace sluice::e2e

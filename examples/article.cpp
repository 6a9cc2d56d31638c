// The founding article on vanishing and exploding gradients (P. Khurana, 2019), equation by equation: both sides of
// each computed, compared and printed, then its slips with a counterexample each. To be read beside docs/article.md.
// Exits with 1 where anything is off.
#include <fmt/core.h>

#include "article/slips.h"
#include "article/steps.h"

int main() {
  article::Lesson lesson;
  article::steps(lesson);
  article::slips_of_the_derivation(lesson);
  article::slips_of_the_conclusion(lesson);
  article::what_decides(lesson);
  fmt::print("  {} equations and claims checked: {}\n", lesson.checked(),
             lesson.holds() ? "all hold" : "some do not hold, see ✗");
  return lesson.holds() ? 0 : 1;
}

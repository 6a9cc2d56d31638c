// The eight places where the article slips, each with a counterexample.
#pragma once

#include "article/lesson.h"

namespace article {

void slips_of_the_derivation(Lesson& lesson);  // 1 to 4
void slips_of_the_conclusion(Lesson& lesson);  // 5 to 8
void what_decides(Lesson& lesson);             // what to put in the conclusion's place

}  // namespace article

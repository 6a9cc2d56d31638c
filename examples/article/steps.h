// The article's nine steps, in its order.
#pragma once

#include "article/lesson.h"

namespace article {

void steps(Lesson& lesson);

}  // namespace article

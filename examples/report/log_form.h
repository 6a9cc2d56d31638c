// What the lines of a log must be like (docs/log.md) for a report to be made of them, whoever wrote them.
#pragma once

#include "report/json.h"

namespace report {

// Each throws std::invalid_argument that names the key, and what it should hold. What may be left out is looked at
// where it is there.
void require_header(const Json& line);
void require_update(const Json& line);  // lengths aside
void require_tape(const Json& tape);
void require_result(const Json& result);
void require_check(const Json& check);
void require_curve(const Json& curve);
void require_grid(const Json& grid);

}  // namespace report

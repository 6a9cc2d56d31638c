// A picture of magnitudes against the time step, as an SVG: log10 upwards, panels side by side on one scale.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sequence/trainer.h"

namespace sequence {

// A straight line, dashed, from step `anchor` back to step 1.
struct BoundLine {
  Index anchor;
  double log10_at_anchor;
  double log10_per_step;  // backwards
};

struct Curve {
  std::string label;
  Magnitudes values;  // by k; [0] is not drawn. Exact zeros lie on a line of their own, below the scale
  std::optional<BoundLine> bound{};
};

struct Panel {
  std::string title;
  std::string subtitle;
  std::vector<Curve> curves;  // at least one, all of one length; earlier ones are lighter
};

// Less than 60 KB for three panels of two curves: long curves are thinned out.
std::string draw_svg(const std::string& title, const std::string& x_label, const std::vector<Panel>& panels);

}  // namespace sequence

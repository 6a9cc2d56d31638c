#include "sequence/plot_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace sequence {

namespace {

// Pixels.
constexpr double left = 78, right = 22, top = 112, bottom = 58, gap = 26, plot_height = 300;
constexpr double single_width = 640, panel_width = 280;
constexpr double zero_spacing = 14;
constexpr std::size_t most_points = 200;  // of a curve

// From the first update to the last; light to dark, told apart also without colour vision.
constexpr std::array palette{"#f0a030", "#e0614a", "#b0357a", "#6a2c8c", "#26348b"};

constexpr std::string_view style = R"(<style>
text { font-family: "DejaVu Sans", "Segoe UI", Helvetica, Arial, sans-serif; fill: #333; font-size: 12px }
.title { font-size: 16px; font-weight: bold; fill: #111 }
.panel { font-size: 13.5px; font-weight: bold; fill: #111 }
.small { font-size: 11px; fill: #666 }
.grid { stroke: #e6e6e6; stroke-width: 1 }
.frame { stroke: #999; stroke-width: 1; fill: none }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round }
.bound { fill: none; stroke-width: 1.3; stroke-dasharray: 6 4; opacity: 0.8 }
.zero { stroke-width: 3; stroke-dasharray: 0.1 5; stroke-linecap: round }
</style>
)";

bool is_positive(const Magnitude& magnitude) { return magnitude.kind == nn::Kind::number && magnitude > 0.0; }
bool is_zero(const Magnitude& magnitude) { return magnitude.value == 0; }

// 10^power: "1", "10" or a power with its exponent raised.
std::string power_of_ten(int power) {
  if (power == 0) return "1";
  return fmt::format(R"(10<tspan dy="-5" font-size="9">{}</tspan>)",
                     power < 0 ? fmt::format("−{}", -power) : fmt::format("{}", power));
}

// The least of 1, 2, 5, 10, 20, 50, … of which at most `most` fit into the range.
Index tick_step(double range, int most) {
  for (Index decade = 1;; decade *= 10)
    for (const Index step : {decade, 2 * decade, 5 * decade})
      if (range / static_cast<double>(step) <= most) return step;
}

// The vertical scale, common to all panels.
class Scale {
 public:
  explicit Scale(const std::vector<Panel>& panels) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Panel& panel : panels)
      for (const Curve& curve : panel.curves)
        for (const Magnitude& value : curve.values) {
          if (is_zero(value))
            zero_band_ = std::max(zero_band_, zero_spacing * static_cast<double>(panel.curves.size() + 1));
          if (!is_positive(value)) continue;
          low = std::min(low, std::log10(value));
          high = std::max(high, std::log10(value));
        }
    if (low > high) low = high = 0;
    const double margin = std::max(0.05 * (high - low), 0.6 - (high - low) / 2);
    low_ = low - (zero_band_ > 0 ? 0 : margin);
    high_ = high + margin;
  }

  double y(double log10) const { return top + (high_ - log10) / (high_ - low_) * plot_height; }
  double floor() const { return top + plot_height; }   // of the scale
  double end() const { return floor() + zero_band_; }  // of the plot
  double zero_band() const { return zero_band_; }

  std::vector<int> ticks() const {
    const int step = static_cast<int>(tick_step(high_ - low_, 8));
    std::vector<int> ticks;
    for (int power = static_cast<int>(std::ceil(low_)); power <= high_; ++power)
      if (power % step == 0) ticks.push_back(power);
    return ticks;
  }

 private:
  double low_, high_;     // powers of ten, at least one whole one between them
  double zero_band_ = 0;  // pixels, where there are exact zeros
};

class PanelDrawing {
 public:
  PanelDrawing(const Panel& panel, const Scale& scale, double x, double width, int number)
      : panel_(panel),
        scale_(scale),
        x_(x),
        width_(width),
        number_(number),
        last_step_(static_cast<Index>(panel.curves.front().values.size()) - 1) {}

  std::string draw(const std::string& x_label) {
    svg_ = "<g>\n";
    text(x_, top - 50, "panel", panel_.title);
    text(x_, top - 33, "small", panel_.subtitle);
    axes(x_label);
    svg_ += fmt::format(R"(<clipPath id="c{}"><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/></clipPath>)",
                        number_, x_, top, width_, plot_height);
    svg_ += fmt::format("<g clip-path=\"url(#c{})\">\n", number_);
    for (std::size_t i = 0; i < panel_.curves.size(); ++i) bound(panel_.curves[i], color(i));
    svg_ += "</g>\n";
    double legend = x_;
    for (std::size_t i = 0; i < panel_.curves.size(); ++i) {
      curve(panel_.curves[i], color(i));
      zeros(panel_.curves[i], color(i), i);
      legend += legend_entry(legend, panel_.curves[i].label, color(i), "curve");
    }
    const bool bounded =
        std::any_of(panel_.curves.begin(), panel_.curves.end(), [](const Curve& c) { return c.bound; });
    if (bounded) legend_entry(legend, "bound (γλ)<tspan dy=\"-4\" font-size=\"9\">t−k</tspan>", "#555", "bound");
    return svg_ + "</g>\n";
  }

 private:
  const char* color(std::size_t i) const {
    const std::size_t others = panel_.curves.size() - 1;
    return palette[others == 0 ? palette.size() - 1 : i * (palette.size() - 1) / others];
  }
  double x(Index k) const {
    return x_ + static_cast<double>(k - 1) / static_cast<double>(std::max<Index>(last_step_ - 1, 1)) * width_;
  }

  void text(double x, double y, std::string_view kind, std::string_view words, std::string_view more = "") {
    svg_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\"{}>{}</text>\n", x, y, kind, more, words);
  }
  void line(double x1, double y1, double x2, double y2, std::string_view kind, std::string_view color = "") {
    svg_ += fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}")", x1, y1, x2, y2, kind);
    svg_ += color.empty() ? "/>\n" : fmt::format(" stroke=\"{}\"/>\n", color);
  }

  void axes(const std::string& x_label) {
    for (const int power : scale_.ticks()) {
      line(x_, scale_.y(power), x_ + width_, scale_.y(power), "grid");
      if (number_ == 0) text(x_ - 8, scale_.y(power) + 4, "", power_of_ten(power), " text-anchor=\"end\"");
    }
    if (scale_.zero_band() > 0) {
      line(x_, scale_.floor(), x_ + width_, scale_.floor(), "grid");
      if (number_ == 0)
        text(x_ - 8, scale_.floor() + scale_.zero_band() / 2 + 4, "", "exactly 0", " text-anchor=\"end\"");
    }
    const Index step = tick_step(static_cast<double>(last_step_), width_ < 400 ? 5 : 10);
    auto tick = [&](Index k) {
      line(x(k), scale_.end(), x(k), scale_.end() + 5, "frame");
      text(x(k), scale_.end() + 19, "", std::to_string(k), " text-anchor=\"middle\"");
    };
    tick(1);
    for (Index k = step; k <= last_step_; k += step)
      if (k > step / 2 && k > 1) tick(k);
    text(x_ + width_ / 2, scale_.end() + 41, "", x_label, " text-anchor=\"middle\"");
    svg_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"frame\"/>\n", x_,
                        top, width_, scale_.end() - top);
  }

  void curve(const Curve& curve, std::string_view color) {
    const std::size_t last = curve.values.size() - 1, stride = 1 + last / most_points;
    std::string path;
    bool joins = false;  // the point before
    for (std::size_t k = 1; k <= last; k = k == last ? k + 1 : std::min(k + stride, last)) {
      const Magnitude& value = curve.values[k];
      if (is_positive(value))  // the first of a stretch with a line of no length: a dot, should it stay alone
        path += fmt::format("{}{:.1f} {:.1f}{}", joins ? "L" : "M", x(static_cast<Index>(k)),
                            scale_.y(std::log10(value)), joins ? "" : "h0");
      joins = is_positive(value);
    }
    if (!path.empty()) svg_ += fmt::format("<path class=\"curve\" stroke=\"{}\" d=\"{}\"/>\n", color, path);
  }

  void bound(const Curve& curve, std::string_view color) {
    if (!curve.bound) return;
    const auto [anchor, log10, per_step] = *curve.bound;
    line(x(1), scale_.y(log10 + per_step * static_cast<double>(anchor - 1)), x(anchor), scale_.y(log10), "bound",
         color);
  }

  // Where the curve is zero: a dotted line, with the reason.
  void zeros(const Curve& curve, std::string_view color, std::size_t i) {
    const auto begin = std::find_if(curve.values.begin() + 1, curve.values.end(), is_zero);
    const auto end = std::find_if_not(begin, curve.values.end(), is_zero);
    if (begin == end) return;
    const double y = scale_.floor() + zero_spacing * static_cast<double>(i + 1);
    const double from = x(begin - curve.values.begin()) + 4, to = x(end - curve.values.begin() - 1) - 2;
    line(from, y, std::max(from, to), y, "zero", color);
    const double share = static_cast<double>(i + 1) / static_cast<double>(panel_.curves.size() + 1);
    text(from + (to - from) * share, y + 4, "small", nn::name(begin->kind),
         " text-anchor=\"middle\" stroke=\"#fff\" stroke-width=\"6\" paint-order=\"stroke\"");
  }

  // Its width.
  double legend_entry(double at, const std::string& label, std::string_view color, std::string_view kind) {
    line(at, top - 14, at + 20, top - 14, kind, color);
    text(at + 25, top - 10, "small", label);
    return 36 + 6.3 * static_cast<double>(label.size());
  }

  const Panel& panel_;
  const Scale& scale_;
  double x_, width_;
  int number_;
  Index last_step_;
  std::string svg_;
};

}  // namespace

std::string draw_svg(const std::string& title, const std::string& x_label, const std::vector<Panel>& panels) {
  const Scale scale(panels);
  const double each = panels.size() == 1 ? single_width : panel_width;
  const auto count = static_cast<double>(panels.size());
  const double width = left + count * each + (count - 1) * gap + right, height = scale.end() + bottom;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n{2}"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text x=\"{3}\" y=\"30\" class=\"title\">{4}</text>\n"
      "<text transform=\"translate(20 {5:.0f}) rotate(-90)\" text-anchor=\"middle\">"
      "‖∂L/∂s<tspan dy=\"3\" font-size=\"9\">k</tspan><tspan dy=\"-3\">‖</tspan></text>\n",
      width, height, style, left, title, top + plot_height / 2);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const double x = left + static_cast<double>(i) * (each + gap);
    svg += PanelDrawing(panels[i], scale, x, each, static_cast<int>(i)).draw(x_label);
  }
  return svg + "</svg>\n";
}

}  // namespace sequence

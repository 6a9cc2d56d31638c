// The founding article in nine equations, for links to lead to; docs/article.md works each of them out.
import { el, math } from "./dom.js";

const steps = [
  ["The sum over paths", "∂L_t/∂W = ∂L_t/∂s_t · Σ_k ∂s_t/∂s_k · ∂⁺s_k/∂W", "W is used at every step: one path through each state, and their parts add up."],
  ["The chain of states", "∂s_t/∂s_k = ∂s_t/∂s_{t−1} · … · ∂s_{k+1}/∂s_k", "t − k factors: from step 20 back to step 1 there are 19."],
  ["One factor", "a_j = U x_j + W s_{j−1} + b, s_j = σ(a_j): ∂s_j/∂s_{j−1} = ∂s_j/∂a_j · ∂a_j/∂s_{j−1}", "Each step of the network is two."],
  ["One unit", "s_{j,i} = σ(a_{j,i})", "A unit depends on its own a alone."],
  ["Derivatives of vectors", "z = x² + y², θ = [x, y]: ∂z/∂θ = [∂z/∂x, ∂z/∂y]", "Of a scalar by a vector: a row. Of a vector by a vector: a matrix."],
  ["The Jacobian of one step", "∂s_j/∂s_{j−1} = diag(σ′(a_j)) W", "A diagonal matrix times W."],
  ["Magnitudes and the update", "‖diag(σ′(a_j)) W‖ ≤ ‖diag(σ′(a_j))‖ · ‖W‖; W ← W − η ∂L/∂W", "Too small a gradient teaches nothing, too large a one throws W away."],
  ["The two bounds", "|σ′| ≤ γ, ‖W‖ ≤ λ: one factor is at most γλ", "γ is 1/4 for the logistic function, and 1 for tanh."],
  ["The bound", "‖∂s_t/∂s_k‖ ≤ (γλ)^{t−k}", "Below 1 it forces gradients to vanish; above 1 they may explode, or not."],
];

const idOf = (step) => `article-step-${step}`;

// A link to one of the nine.
export function linkTo(step) {
  return el("a", { href: `#${idOf(step)}` }, `the article, step ${step}: ${steps[step - 1][0].toLowerCase()}`);
}

export function article() {
  return el(
    "ol",
    { class: "article" },
    steps.map(([title, equation, words], i) =>
      el("li", { id: idOf(i + 1), tabindex: "-1" }, el("strong", {}, title), el("p", { class: "equation" }, math(equation)), el("p", {}, words)),
    ),
  );
}

// Which equation of the article stands at a record, and which of its steps that is.
import { after, before } from "./layout.js";

const activations = new Set(["tanh", "sigmoid", "relu", "identity"]);
const sum = 1; // the sum over paths
const factor = 6; // the Jacobian of one step
const products = new Set(["matmul", "affine", "transpose"]);

// {text, step}: the equation, and the step of the article that it belongs to.
export function equation({ op, column }, last) {
  if (column === before) return { text: "Preparation: no factor of the product stands here.", step: sum };
  if (column === after)
    return {
      text: `From the loss to the last state: here ∂L/∂s_{${last}} is made, the first factor of ∂L/∂W = Σ_k ∂L/∂s_{${last}} · ∂s_{${last}}/∂s_k · ∂⁺s_k/∂W.`,
      step: sum,
    };
  const k = column;
  if (activations.has(op))
    return {
      text: `∂s_{${k}}/∂a_{${k}} = diag(σ′(a_{${k}})): a diagonal matrix, for each unit depends on its own a alone.`,
      step: factor,
    };
  if (products.has(op))
    return {
      text: `a_{${k}} = U x_{${k}} + W s_{${k - 1}} + b, so ∂a_{${k}}/∂s_{${k - 1}} = W, and ∂⁺a_{${k}}/∂W reads s_{${k - 1}}.`,
      step: factor,
    };
  const arrives = k === last ? ` What arrives is ∂L/∂s_{${k}} itself.` : "";
  return {
    text: `∂s_{${k}}/∂s_{${k - 1}} = diag(σ′(a_{${k}})) W: one factor of the product; and ∂⁺s_{${k}}/∂W, this step's own part of ∂L/∂W.${arrives}`,
    step: factor,
  };
}

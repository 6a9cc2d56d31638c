// The one thing that the page is about right now: an update and a step. Whatever shows something of it listens.

export class Cursor {
  // updates: all that any run has logged, ascending. steps: likewise.
  constructor(updates, steps) {
    this.updates = updates;
    this.steps = steps;
    this.update = updates[0] ?? 0; // where the story begins
    this.step = steps.find((k) => k >= 1) ?? 0; // and the state that is farthest from the loss
    this.playing = false;
    this.listeners = [];
    this.pending = false;
  }

  // The listener gets the cursor at once, and again, at most once a frame, whenever it has moved.
  follow(listener) {
    this.listeners.push(listener);
    listener(this);
  }

  set({ update = this.update, step = this.step }) {
    if (update === this.update && step === this.step) return;
    this.update = update;
    this.step = step;
    this.tell();
  }

  tell() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      for (const listener of this.listeners) listener(this);
    });
  }

  // Moves by so many logged updates and steps, as far as there are any.
  move(rows, columns) {
    this.set({ update: moved(this.updates, this.update, rows), step: moved(this.steps, this.step, columns) });
  }

  // Runs through the updates, from the first where it stood at the last; all of them take about ten seconds.
  play() {
    if (this.playing || this.updates.length < 2) return;
    if (this.update >= this.updates.at(-1)) this.set({ update: this.updates[0] });
    this.playing = true;
    this.tell();
    const from = this.updates.indexOf(this.update);
    const rate = Math.max(this.updates.length / 10_000, 0.004); // rows a millisecond
    let start;
    const advance = (now) => {
      if (!this.playing) return;
      start ??= now;
      const row = Math.min(from + Math.floor((now - start) * rate), this.updates.length - 1);
      this.set({ update: this.updates[row] });
      if (row === this.updates.length - 1) this.pause();
      else requestAnimationFrame(advance);
    };
    requestAnimationFrame(advance);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }
}

function moved(values, value, by) {
  const at = Math.max(values.indexOf(value), 0);
  return values[Math.min(Math.max(at + by, 0), values.length - 1)];
}

// All values of several ascending lists, ascending, once each.
export function merged(lists) {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

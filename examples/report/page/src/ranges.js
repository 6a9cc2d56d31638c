// The ranges of the charts' axes: one for all runs, so that they can be compared, or each run's own, to see its details.

export class Ranges {
  constructor(runs) {
    this.runs = runs;
    this.shared = true;
    this.listeners = [];
    this.known = new Map(); // of a function and a run (null: all)
  }

  // What find(runs) gives, of all runs or of this one.
  of(find, run) {
    const whose = this.shared ? null : run;
    if (!this.known.has(find)) this.known.set(find, new Map());
    const found = this.known.get(find);
    if (!found.has(whose)) found.set(whose, find(whose ? [whose] : this.runs));
    return found.get(whose);
  }

  share(shared) {
    this.shared = shared;
    for (const listener of this.listeners) listener();
  }
  onChange(listener) {
    this.listeners.push(listener);
  }
}

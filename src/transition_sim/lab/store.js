/* What the reader has chosen, with a way back: one state now, those before it, those undone. States are never
   changed. */

const KEPT = 200;

/** Return a store of states: `now`, `before` (the state that the present is told against), and ways to go on or
    back. */
export function store(first, onChange) {
  let now = first;
  let past = [];
  let future = [];
  let dragged = null;

  const tell = (final) => onChange(now, final);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  return {
    get now() {
      return now;
    },
    get before() {
      return dragged ?? past[past.length - 1] ?? null;
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    /** Show a state while a slider is being moved; it becomes a step of its own with `commit`. */
    preview(next) {
      dragged ??= now;
      now = next;
      tell(false);
    },
    commit(next = now) {
      const from = dragged ?? now;
      dragged = null;
      now = next;
      if (!same(from, next)) {
        past = [...past, from].slice(-KEPT);
        future = [];
      }
      tell(true);
    },
    undo() {
      if (!past.length) return;
      future = [now, ...future];
      now = past[past.length - 1];
      past = past.slice(0, -1);
      tell(true);
    },
    redo() {
      if (!future.length) return;
      past = [...past, now];
      [now, ...future] = future;
      tell(true);
    },
  };
}

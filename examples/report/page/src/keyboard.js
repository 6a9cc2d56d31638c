// Keys that move the cursor: arrows by one, Page Up and Page Down by a tenth of all updates, Home and End to the ends,
// the space bar plays.

export function steer(element, cursor) {
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const far = Math.max(1, Math.round(cursor.updates.length / 10));
    const action = {
      ArrowLeft: () => cursor.move(0, event.shiftKey ? -10 : -1),
      ArrowRight: () => cursor.move(0, event.shiftKey ? 10 : 1),
      ArrowUp: () => cursor.move(event.shiftKey ? -10 : -1, 0),
      ArrowDown: () => cursor.move(event.shiftKey ? 10 : 1, 0),
      PageUp: () => cursor.move(-far, 0),
      PageDown: () => cursor.move(far, 0),
      Home: () => cursor.move(0, -Infinity),
      End: () => cursor.move(0, Infinity),
      " ": () => cursor.toggle(),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

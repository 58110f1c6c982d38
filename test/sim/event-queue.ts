// What happens when: a heap of actions by simulated time. Actions of one moment run in the order in
// which they were scheduled, so a run depends on its seed alone.

interface Event {
  readonly time: number;
  readonly order: number;
  readonly action: () => void;
}

/** The queue; times are milliseconds of simulated time. */
export interface EventQueue {
  readonly now: number;
  schedule(delayMs: number, action: () => void): void;
  /** Runs the next action; false when there is none. */
  runNext(): boolean;
}

const isBefore = (a: Event, b: Event): boolean =>
  a.time < b.time || (a.time === b.time && a.order < b.order);

/** An empty queue at time 0. */
export const createEventQueue = (): EventQueue => {
  const heap: Event[] = [];
  let now = 0;
  let scheduled = 0;

  const swapIfBefore = (child: number, parent: number): boolean => {
    const a = heap[child];
    const b = heap[parent];
    if (a === undefined || b === undefined || !isBefore(a, b)) return false;
    heap[child] = b;
    heap[parent] = a;
    return true;
  };

  const sink = (start: number): void => {
    let parent = start;
    for (;;) {
      const left = parent * 2 + 1;
      const a = heap[left];
      const b = heap[left + 1];
      if (a === undefined) return;
      const child = b !== undefined && isBefore(b, a) ? left + 1 : left;
      if (!swapIfBefore(child, parent)) return;
      parent = child;
    }
  };

  return {
    get now() {
      return now;
    },
    schedule(delayMs, action) {
      scheduled += 1;
      heap.push({ time: now + delayMs, order: scheduled, action });
      let child = heap.length - 1;
      while (child > 0 && swapIfBefore(child, (child - 1) >> 1)) child = (child - 1) >> 1;
    },
    runNext() {
      const next = heap[0];
      const last = heap.pop();
      if (next === undefined || last === undefined) return false;
      if (heap.length > 0) {
        heap[0] = last;
        sink(0);
      }
      now = next.time;
      next.action();
      return true;
    },
  };
};

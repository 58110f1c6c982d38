// How a node parts with a child that works on files of its own: the pipe is closed, the child
// tidies up and ends, and one that does not is killed.
import type { Child } from '#process/child.ts';
import type { Seam } from '#process/seam.ts';

/** Lets the child go, once however often it is called; it is killed after `killAfterMs`. */
export const letGo = (
  child: Pick<Child, 'kill' | 'ended'>,
  seam: Pick<Seam, 'close'>,
  killAfterMs: number,
): (() => void) => {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    const timer = setTimeout(() => child.kill(), killAfterMs);
    void child.ended.then(() => clearTimeout(timer));
    seam.close();
  };
};

// What a command tells while it works: on standard error, so that standard output stays data.

/** One line. */
export const say = (what: string): void => {
  process.stderr.write(`stockade: ${what}\n`);
};

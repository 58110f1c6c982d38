// What was opened before something else could not be is closed again: a start that fails must let
// the process end, and others have the folder.

/** Runs `work`; when it fails, `close` runs before the error goes on. */
export const closingOnFailure = async <Result>(
  close: () => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    await close();
    throw error;
  }
};

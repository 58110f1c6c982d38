// Ctrl-C or SIGTERM to a command that stays.

/** Whether the command was asked to stop. */
export interface StopRequest {
  readonly asked: Promise<void>;
  isAsked(): boolean;
}

/** Listens for both signals from now on. */
export const stopRequest = (): StopRequest => {
  let asked = false;
  const promise = new Promise<void>((done) => {
    const stop = (): void => {
      asked = true;
      done();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
  return { asked: promise, isAsked: () => asked };
};

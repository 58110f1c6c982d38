// Why an image is not taken, as an error that crosses to the node.
import { CodedError } from '#errors.ts';

/** @param why what is wrong with it, as the end of a sentence */
export const refuseImage = (why: string, cause?: unknown): CodedError =>
  new CodedError('bad_request', `the image is refused: ${why}`, {
    hint: 'The old state stays in use; the leader sends a new image by itself.',
    cause,
  });

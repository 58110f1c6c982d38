// A folder of a test's own, removed when the test ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Path of a new empty folder, 0700. */
export const temporaryFolder = (context: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'stockade-certs-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

// The method tables of the seams between processes: two methods under one number would be taken for
// each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frontAdminSeam from '#node/seams/front-admin-seam.ts';
import * as frontSeam from '#node/seams/front-seam.ts';
import * as imageSeam from '#node/seams/image-seam.ts';
import * as queriesSeam from '#node/seams/queries-seam.ts';
import * as readerSeam from '#node/seams/reader-seam.ts';
import * as transactionSeam from '#node/seams/transaction-seam.ts';
import * as usersSeam from '#node/seams/users-seam.ts';
import * as writerSeam from '#node/seams/writer-seam.ts';

const kindsOf = (seam: Readonly<Record<string, unknown>>): readonly (readonly [number, string])[] =>
  Object.entries(seam).flatMap(([name, value]) => {
    if (typeof value !== 'object' || value === null || !('kind' in value)) return [];
    return typeof value.kind === 'number' ? [[value.kind, name] as const] : [];
  });

/** Over one pipe. */
const frontPipe = {
  ...{ ...frontSeam, ...frontAdminSeam, ...queriesSeam },
  ...{ ...usersSeam, ...transactionSeam },
};

for (const [what, seam] of Object.entries({ frontPipe, imageSeam, readerSeam, writerSeam })) {
  test(`every method and event of ${what} has a number of its own, from 1 to 126`, () => {
    const kinds = kindsOf(seam);
    assert.ok(kinds.length > 2);
    const names = new Map<number, string>();
    for (const [kind, name] of kinds) {
      assert.equal(names.get(kind), undefined, `${kind} is also ${name}`);
      assert.ok(kind >= 1 && kind <= 126, name);
      names.set(kind, name);
    }
  });
}

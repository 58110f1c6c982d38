// Variables that would weaken the process: code injected at start, other trust, keys written to a
// file, a debugger on a port. A node refuses to start with one.
import { CodedError } from '#errors.ts';
import { codeCacheEnvironment } from '#io/code-cache.ts';

const weakening = [
  'NODE_OPTIONS',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'SSLKEYLOGFILE',
];

/** What the supervisor of `stockade up` gives, beside the program. */
const allowed: Readonly<Record<string, string>> = codeCacheEnvironment;

/** @throws CodedError `config_invalid` with the variable */
export const refuseWeakening = (
  environment: Readonly<Record<string, string | undefined>>,
): void => {
  const found = weakening.find(
    (name) => environment[name] !== undefined && environment[name] !== allowed[name],
  );
  if (found === undefined) return;
  throw new CodedError('config_invalid', `the environment has ${found}, which can weaken a node`, {
    hint: `Start it without: env -u ${found} stockade run ...`,
  });
};

// The leader's side of forwarding: another node vouches for the user's name and nothing else. What
// that user may do is decided here, by this node's own auth file.
import type { Auth } from '#auth/open-auth.ts';
import type { Permission } from '#auth/permission.ts';
import type { ForwardReply, ForwardRequest } from '#command/forward.ts';
import { decodeForwardRequest, encodeForwardReply } from '#command/forward-codec.ts';
import {
  appliedSaid,
  type CodedAnswer,
  codedAnswer,
  codedAnswerFrom,
  codedBody,
} from '#http/coded-answer.ts';
import { type DataReply, saidWithKey } from './data-request.ts';
import type { DataService } from './data-service.ts';

/** What the leader's side needs. */
export interface ForwardedOptions {
  readonly auth: Auth;
  readonly data: DataService;
  /** host:port of this node's peer port. */
  readonly peerAddress: string;
  readonly nowMs: () => number;
}

/** How long a forwarded linearizable read may wait for the state machine when it does not say. */
const linearizableTimeoutMs = 10_000;

/** Serves an encoded ForwardRequest; `done` gets an encoded ForwardReply, once. */
export const serveForwarded = (
  options: ForwardedOptions,
  bytes: Buffer,
  done: (reply: Uint8Array) => void,
): void => {
  const startedMs = options.nowMs();
  let request: ForwardRequest;
  try {
    request = decodeForwardRequest(bytes);
  } catch (error) {
    done(errorReply({ ...codedAnswerFrom(error), applied: 'no' }, ''));
    return;
  }
  const { requestId } = request;
  // The name is looked up anew: what it may do is not the other node's to say.
  const principal = options.auth.principal(request.user);
  if (principal?.mayAll(permissions[request.kind]) !== true) {
    done(errorReply(lacking(request.kind), requestId));
    return;
  }
  // The address is what the other node says; the range is this node's own.
  if (!principal.mayComeFrom(request.clientAddress)) {
    done(errorReply(fromElsewhere, requestId));
    return;
  }
  options.data.run(
    {
      ...request,
      heavy: principal.may('heavy') && !request.withoutHeavy,
      tables: principal.tables,
      freshnessMs: 0,
      freshnessStrict: false,
      linearizableTimeoutMs: request.linearizableTimeoutMs || linearizableTimeoutMs,
      dbTimeoutMs: principal.readMs(request.dbTimeoutMs || undefined),
      redirect: false,
      forwarded: true,
    },
    (reply) => {
      const microseconds = Math.round((options.nowMs() - startedMs) * 1000);
      const changes = request.kind !== 'query';
      const told = saidWithKey(reply, request);
      done(forwardReply(told, { requestId, changes, microseconds }, options.peerAddress));
    },
  );
};

const transactionPermissions: readonly Permission[] = ['transaction', 'query', 'execute'];

const permissions: Readonly<Record<ForwardRequest['kind'], readonly Permission[]>> = {
  execute: ['execute'],
  query: ['query'],
  request: ['query', 'execute'],
  load: ['load'],
  'load-step': ['load'],
  'transaction-open': transactionPermissions,
  'transaction-run': transactionPermissions,
  'transaction-commit': transactionPermissions,
  'transaction-rollback': transactionPermissions,
};

const fromElsewhere = codedAnswer(
  'permission_denied',
  "The leader's auth file does not let this user come from there",
  'no',
);

const lacking = (kind: ForwardRequest['kind']): CodedAnswer =>
  codedAnswer(
    'permission_denied',
    `The leader's auth file does not give this user the permission ${permissions[kind].join(' and ')}`,
    'no',
  );

const forwardReply = (
  reply: DataReply,
  about: { readonly requestId: string; readonly changes: boolean; readonly microseconds: number },
  servedBy: string,
): Uint8Array => {
  const { requestId, changes, microseconds } = about;
  switch (reply.kind) {
    case 'results': {
      const { json, error, raftIndex, warning } = reply;
      const said = { json, error, raftIndex, warning };
      return encodeForwardReply({ status: 200, ...said, servedBy, microseconds });
    }
    case 'error':
      return errorReply(appliedSaid(reply.answer, changes), requestId);
    case 'redirect':
    case 'relayed':
      // A forwarded request is never passed on, so neither can be its reply.
      return errorReply(codedAnswer('not_leader', 'This node does not lead', 'no'), requestId);
  }
};

const errorReply = (answer: CodedAnswer, requestId: string): Uint8Array => {
  const reply: ForwardReply = {
    status: answer.status,
    json: codedBody(answer, requestId),
    error: '',
    raftIndex: 0,
    servedBy: '',
    microseconds: 0,
    warning: '',
  };
  return encodeForwardReply(reply);
};

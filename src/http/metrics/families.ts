// The names of /metrics and what they mean.
import type { Family } from './exposition.ts';

const counter = (help: string): Family => ({ type: 'counter', help });
const gauge = (help: string): Family => ({ type: 'gauge', help });

/** Every family, in the order of the answer. Counters of fronts are sums over the running ones. */
export const families: Readonly<Record<string, Family>> = {
  stockade_build_info: gauge('The version that runs; always 1.'),
  stockade_http_requests_total: counter('Requests answered, by route and status.'),
  stockade_http_refusals_total: counter('Requests answered with an error, by its code.'),
  stockade_http_requests_in_flight: gauge('Requests that have arrived and are not answered.'),
  stockade_verdict_cache_hits_total: counter('Requests whose statements were all known.'),
  stockade_verdict_cache_misses_total: counter('Requests that a reader had to judge.'),
  stockade_readers_killed_total: counter('Readers killed because a read passed its deadline.'),
  stockade_slow_requests_total: counter(
    'Requests for data that took db.slowStatementMs or longer.',
  ),
  stockade_requests_killed_total: counter('Requests for data that somebody ended.'),
  stockade_queue_waiting: gauge('Queued writes that are not done.'),
  stockade_queue_failures_total: counter('Queued writes that failed, or a statement of which has.'),
  stockade_raft_role: gauge('1 for the role that this node has.'),
  stockade_raft_voter: gauge('1 when this node votes.'),
  stockade_raft_term: gauge('The current term.'),
  stockade_raft_commit_index: gauge('The last index known to be committed.'),
  stockade_raft_applied_index: gauge('The last index that the database holds.'),
  stockade_raft_lag_entries: gauge('Entries that are committed and not applied.'),
  stockade_raft_leader_contact_seconds: gauge('Since the leader was heard; 0 on the leader.'),
  stockade_raft_proposals_in_flight: gauge('Writes that are proposed and not answered.'),
  stockade_log_last_sync_seconds: gauge('How long the last sync of the log took.'),
  stockade_alarm: gauge('1 while this alarm stands; absent otherwise.'),
  stockade_disk_free_bytes: gauge('What may still be written to the disk of the data folder.'),
  stockade_node_ready: gauge('1 when this node serves.'),
  stockade_certificate_left_seconds: gauge(
    'Until the first certificate of a file ends; negative behind its end.',
  ),
  stockade_process_restarts_total: counter('Processes of this node that ended and were replaced.'),
};

// The names of /metrics and what they mean.
import type { Family } from './exposition.ts';

const counter = (help: string): Family => ({ type: 'counter', help });
const gauge = (help: string): Family => ({ type: 'gauge', help });
const histogram = (help: string): Family => ({ type: 'histogram', help });

/**
 * Every family, in the order of the answer. What several fronts count is their sum; what a process
 * counts begins anew with it.
 */
export const families: Readonly<Record<string, Family>> = {
  stockade_build_info: gauge('The version that runs; always 1.'),
  stockade_node_ready: gauge('1 when this node serves.'),
  stockade_alarm: gauge('1 while this alarm stands; absent otherwise.'),

  stockade_http_requests_total: counter('Requests answered, by route and status.'),
  stockade_http_refusals_total: counter('Requests answered with an error, by its code.'),
  stockade_http_requests_in_flight: gauge('Requests that have arrived and are not answered.'),
  stockade_http_request_duration_seconds: histogram(
    'From the head of a request to its answer, by route.',
  ),
  stockade_verdict_cache_hits_total: counter('Requests whose statements were all known.'),
  stockade_verdict_cache_misses_total: counter('Requests that a reader had to judge.'),
  stockade_slow_requests_total: counter(
    'Requests for data that took db.slowStatementMs or longer.',
  ),
  stockade_requests_killed_total: counter('Requests for data that somebody ended.'),
  stockade_queue_waiting: gauge('Queued writes that are not done.'),
  stockade_queue_failures_total: counter('Queued writes that failed, or a statement of which has.'),

  stockade_changes_stored_index: gauge('The last entry whose changes are captured.'),
  stockade_changes_kept_bytes: gauge('Bytes of captured changes that are kept.'),
  stockade_changes_gaps_total: counter('Holes in the stream of changes.'),
  stockade_cdc_high_water_index: gauge('Changes up to this entry were posted, and taken.'),
  stockade_cdc_lag_entries: gauge('On the leader: entries whose changes are not posted.'),
  stockade_cdc_requests_total: counter('Requests with changes that the receiver took.'),
  stockade_cdc_events_total: counter('Changes in them.'),
  stockade_cdc_failures_total: counter('Requests with changes that the receiver did not take.'),
  stockade_change_streams: gauge('Open streams of changes.'),
  stockade_change_stream_events_total: counter('Events sent to streams of changes.'),

  stockade_raft_role: gauge('1 for the role that this node has.'),
  stockade_raft_voter: gauge('1 when this node votes.'),
  stockade_raft_voters: gauge('Voters of the cluster, as this node knows it.'),
  stockade_raft_term: gauge('The current term.'),
  stockade_raft_commit_index: gauge('The last index known to be committed.'),
  stockade_raft_applied_index: gauge('The last index that the database holds.'),
  stockade_raft_lag_entries: gauge('Entries that are committed and not applied.'),
  stockade_raft_leader_contact_seconds: gauge('Since the leader was heard; 0 on the leader.'),
  stockade_raft_proposals_in_flight: gauge('Writes that are proposed and not answered.'),
  stockade_raft_campaigns_total: counter('Times this node asked for votes, rehearsals counted.'),
  stockade_raft_elections_won_total: counter('Times this node became the leader.'),
  stockade_raft_leader_changes_total: counter('Times this node learnt of another leader.'),
  stockade_raft_commit_duration_seconds: histogram(
    'On the leader: from an append to its own log until a majority has it on disk.',
  ),
  stockade_raft_follower_lag_entries: gauge(
    'On the leader: entries that this member is not known to have on disk.',
  ),
  stockade_peer_connected: gauge('1 while there are connections to this member.'),

  stockade_log_sync_duration_seconds: histogram('How long syncs of the log took.'),
  stockade_log_last_sync_seconds: gauge('How long the last sync of the log took.'),
  stockade_log_entries: gauge('Entries that the log holds.'),
  stockade_log_bytes: gauge('Bytes of the files of the log, spare ones counted.'),

  stockade_writer_batch_duration_seconds: histogram(
    'How long the writer took for a batch of entries: one transaction each.',
  ),
  stockade_writer_entries_total: counter('Entries that the writer applied.'),
  stockade_wal_bytes: gauge("Bytes of SQLite's write-ahead log."),
  stockade_wal_checkpoint_duration_seconds: histogram(
    'How long write-backs of a large write-ahead log took.',
  ),
  stockade_database_bytes: gauge('Bytes of the database file.'),
  stockade_readers: gauge('Reader processes that run.'),
  stockade_readers_killed_total: counter('Readers killed because a read passed its deadline.'),
  stockade_rehearsals_total: counter('Writes that were tried out before they were proposed.'),
  stockade_transactions_open: gauge('Interactive transactions that this leader holds.'),
  stockade_transactions_total: counter('Interactive transactions that ended here, and how.'),

  stockade_audit_failing: gauge('1 while the audit log cannot be written.'),
  stockade_audit_lines_total: counter('Lines of the audit log, over all its files.'),
  stockade_audit_lost_total: counter('Events that the audit log could not keep, since the start.'),
  stockade_disk_free_bytes: gauge('What may still be written to the disk of the data folder.'),
  stockade_disk_total_bytes: gauge('Size of the disk of the data folder.'),

  stockade_certificate_left_seconds: gauge(
    'Until the first certificate of a file ends; negative behind its end.',
  ),
  stockade_connections_refused_total: counter(
    'Connections and, on the API port, requests that were refused: in the handshake, for their certificate, or because there were too many.',
  ),

  stockade_backup_runs_total: counter(
    'Scheduled backups that this node tried, by what came of them.',
  ),
  stockade_backup_running: gauge('1 while a scheduled backup is under way here.'),
  stockade_backup_newest_timestamp_seconds: gauge(
    'When the newest backup in the store was taken, as this node knows.',
  ),
  stockade_backup_last_bytes: gauge('Bytes of the last backup that this node stored.'),
  stockade_backup_last_duration_seconds: gauge('How long that took.'),

  stockade_maintenance_last_timestamp_seconds: gauge(
    'When VACUUM or ANALYZE was done last, by kind.',
  ),
  stockade_maintenance_last_duration_seconds: gauge(
    'How long that took, on the leader that asked for it.',
  ),
  stockade_maintenance_skipped_total: counter(
    'How often this node had no room on its disk for a VACUUM, and left its file as it is.',
  ),

  stockade_process_restarts_total: counter('Processes of this node that ended and were replaced.'),
  stockade_process_start_time_seconds: gauge('When the node began, seconds since 1970.'),
  stockade_process_resident_memory_bytes: gauge('Memory of the processes of this kind.'),
  stockade_process_cpu_seconds_total: counter('CPU time of the processes of this kind.'),
  stockade_process_open_fds: gauge('Open file descriptors; Linux only.'),
  stockade_process_loop_delay_seconds: histogram(
    'How late a timer of 100 ms came: what a process was held up by its own work or by others.',
  ),
};

// The board and the alert rules ask for numbers that /metrics has.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { errorMeanings } from '#errors.ts';
import { families } from '#http/metrics/families.ts';

const config = join(import.meta.dirname, '..', '..', 'config');
const textOf = (path: string): string => readFileSync(join(config, path), 'utf8');

/** Families; a histogram is asked for by the names of its samples. */
const namesIn = (expression: string): readonly string[] =>
  (expression.match(/\bstockade_[a-z_]+\b/g) ?? []).map((name) => {
    const family = name.replace(/_(?:bucket|sum|count)$/, '');
    return families[family]?.type === 'histogram' ? family : name;
  });

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly action: string };
    }[];
  }[];
}

interface Board {
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const rules = (parse(textOf('prometheus/alerts.yaml')) as Rules).groups.flatMap(
  (group) => group.rules,
);
const { panels } = JSON.parse(textOf('grafana/stockade.json')) as Board;
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

test('every number that an alert or a panel asks for is one of /metrics', () => {
  for (const expression of [...rules.map(({ expr }) => expr), ...expressions]) {
    for (const name of namesIn(expression)) assert.ok(name in families, `${name} in ${expression}`);
    for (const [, codes = ''] of expression.matchAll(/code=~"([^"]+)"/g)) {
      for (const code of codes.split('|')) assert.ok(code in errorMeanings, code);
    }
  }
});

test('every alert says what is wrong, what to do, and whether it may wake somebody', () => {
  assert.ok(rules.length > 10);
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels.severity, /^(page|ticket)$/, alert);
    assert.ok(annotations.summary.length > 0 && annotations.action.length > 0, alert);
  }
});

test('the board answers in the order in which one asks at night', () => {
  assert.deepEqual(
    panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    ['Is it healthy?', 'Is it safe?', 'Is it fast?', 'What changed?'],
  );
  const shown = new Set(expressions.flatMap(namesIn));
  // Everything that /metrics has for people is somewhere on the board.
  const left = Object.keys(families).filter((name) => !shown.has(name));
  assert.deepEqual(left.sort(), [
    'stockade_audit_failing',
    'stockade_audit_lines_total',
    'stockade_audit_lost_total',
    'stockade_backup_last_bytes',
    'stockade_backup_last_duration_seconds',
    'stockade_backup_newest_timestamp_seconds',
    'stockade_backup_running',
    'stockade_backup_runs_total',
    'stockade_cdc_events_total',
    'stockade_cdc_failures_total',
    'stockade_cdc_high_water_index',
    'stockade_cdc_lag_entries',
    'stockade_cdc_requests_total',
    'stockade_change_stream_events_total',
    'stockade_change_streams',
    'stockade_changes_gaps_total',
    'stockade_changes_kept_bytes',
    'stockade_changes_stored_index',
    'stockade_log_entries',
    'stockade_log_last_sync_seconds',
    'stockade_maintenance_last_duration_seconds',
    'stockade_maintenance_last_timestamp_seconds',
    'stockade_maintenance_skipped_total',
    'stockade_queue_failures_total',
    'stockade_raft_applied_index',
    'stockade_raft_commit_index',
    'stockade_raft_leader_changes_total',
    'stockade_raft_leader_contact_seconds',
    'stockade_raft_voter',
    'stockade_transactions_open',
    'stockade_transactions_total',
  ]);
});

const promtool = '/usr/bin/promtool';

test('the alerts fire when they should and rest when they should, by promtool', (t) => {
  if (!existsSync(promtool)) return t.skip('promtool (Debian: prometheus) is not here');
  const ran = spawnSync(
    promtool,
    ['test', 'rules', join(config, 'prometheus', 'alerts.test.yaml')],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
});

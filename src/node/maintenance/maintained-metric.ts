// The name under which a writer says when maintenance was done last, and the leader reads it.

/** Seconds since 1970, by the log's time; labelled with the kind. */
export const maintainedMetric = 'stockade_maintenance_last_timestamp_seconds';
